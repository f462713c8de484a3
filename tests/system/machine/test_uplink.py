"""`uplink: machine`: a lab goes out through the machine, which is as it was once the lab is gone, however it goes."""

import json
import os
import signal
import time
from typing import Any

import pytest
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.machine import Machine, lacks, until
from tests.kernel.uplink.internet import FAR4, FAR6, asked_from, internet
from tests.system.machine.labs import links, marks

pytestmark = [
    pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(bool(lacks("nft", "bash")), reason="nft or bash is not installed"),
]
NETWORKS = """\
uplink: machine
networks:
  br0: {subnet: [10.1.0.0/24, "fd01::/64"], gateway: 1, nat: masquerade, nodes: [a, b]}
  br1: {subnet: 10.2.0.0/24, gateway: 1, nodes: [c]}
"""
LAB = NETWORKS + f'checks: [ping a -> {FAR4}, "ping b -> {FAR6}"]\n'
EVERY = NETWORKS + f"""\
checks: [ping a -> {FAR4}, "ping b -> {FAR6}", ping host -> {FAR4}, "http a -> {FAR4}:80", {{ping c -> {FAR4}: blocked}}, ping a -> c]
"""
OWN = """
nft 'add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oifname eth0 masquerade'
nft 'add table inet vethlab-nat-other { comment "mine"; }'
ip link add docker0 type bridge; ip link set docker0 addrgenmode none; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up
"""
PARTS = ("ip -o addr", "ip route", "ip -6 route", "nft list ruleset", "sysctl -a -r forward|rp_filter|accept_ra$")


def look(here: Machine) -> str:
    """All about the machine's own things, without what moves by itself."""
    lines = [line for words in PARTS for line in here.run(*words.split()).splitlines()]
    return "\n".join(line.partition("valid_lft")[0].partition("linkdown")[0].strip() for line in lines)


def test_out_through_a_machine_with_networks_of_its_own(here: Machine) -> None:
    """Nodes and host reach the internet as from the machine, IPv4 and IPv6; who is not hidden does not; `down` leaves what was there."""
    with internet(here):
        here.run("sh", "-ec", OWN)
        before = look(here)
        here.write("up", EVERY)
        said = here.ok("up", "--show-commands")
        assert "ip link add name vl-up" in said
        assert {"vl-up": "vethlab:up:vl-up"} == marks(here)
        assert here.json("check")["ok"]
        assert ["::ffff:192.0.2.2", "fd99::2"] == [asked_from(here, "a", one) for one in (FAR4, FAR6)]
        assert [] == here.json("plan")["changes"]
        assert ("machine", "world:vl-up") == (here.json("show")["uplink"], next(
            one["to"] for node in here.json("show")["nodes"] if node["name"] == "host" for one in node["interfaces"]
            if one["name"] == "p-world"
        ))
        here.run("nft", "flush", "chain", "inet", "vethlab-nat-up", "postrouting")
        assert ["table inet vethlab-nat-up in world"] == [one["object"] for one in here.json("plan")["changes"]]
        here.write("up", LAB)
        here.ok("up")
        assert here.json("check")["ok"]
        here.run("ip", "route", "add", "blackhole", "198.18.0.0/15")  # comes later, wider than ours
        here.write("up", LAB.replace("nodes: [c]", "nodes: [c, late]"))
        here.ok("up")
        here.run("ip", "route", "del", "blackhole", "198.18.0.0/15")
        here.write("up", LAB.replace("uplink: machine\n", ""))
        for verb in ("up", "plan"):
            done = here.vethlab(verb)
            assert (2, True) == (done.returncode, "error[other-host]" in done.stderr), done
        here.ok("down", "up", "--wait")
        assert before == look(here)


def test_what_is_beyond_is_not_explained(here: Machine) -> None:
    """`why` ends at the machine's card; what dies before, by its rules or for want of hiding, has its cause; it is not ours to mend."""
    with internet(here) as far:
        here.write("up", LAB)
        here.ok("up")
        found = _why(here, "a", "9.9.9.10")
        assert ("unknown", "world", "eth0") == (found["finding"], found["where"]["node"], found["where"]["interface"])
        assert "what is beyond is not the lab's" in found["summary"]
        for words in ("flush chain inet vethlab-nat-up postrouting", "delete table inet vethlab-nat-up"):  # the lab's own on the machine
            here.run("nft", *words.split())
            found = _why(here, "a", FAR4)
            assert ("nat-missing", "world", "eth0", "proven") == (
                found["finding"], found["where"]["node"], found["where"]["interface"], found["grade"],
            )
            here.ok("fix", "a", FAR4, "--yes")
            assert [] == here.json("plan")["changes"]
        found = _why(here, "c", FAR4)
        assert ("nat-missing", "host", "p-world", "proven") == (
            found["finding"], found["where"]["node"], found["where"]["interface"], found["grade"],
        )
        here.run("nft", "add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }")
        found = _why(here, "a", FAR4)
        assert ("nft-drop", "world") == (found["finding"], found["where"]["node"])
        refused = here.vethlab("fix", "a", FAR4, "--yes")
        assert (2, True) == (refused.returncode, "error[not-the-labs]" in refused.stderr), refused
        here.run("nft", "delete", "table", "ip", "filter")
        here.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
        assert "forwarding-off" == _why(here, "a", FAR4)["finding"]
        assert 1 == len(json.loads(here.vethlab("why", "a", FAR4, "-o", "json").stdout)["fix"])  # there and back it is the same
        here.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        here.run("ip", "neigh", "flush", "dev", "eth0")
        here.run("nsenter", f"--net=/proc/{_seen(here, far.pid)}/ns/net", "ip", "link", "set", "far", "arp", "off")
        found = _why(here, "a", FAR4)
        assert ("neighbour-unresolved", "eth0") == (found["finding"], found["where"]["interface"])
        done = here.vethlab("why", "a", "world")
        assert (2, True) == (done.returncode, "error[world-is-real]" in done.stderr), done


def _seen(here: Machine, pid: int) -> int:
    """A process's number inside the machine."""
    return next((inner for inner, command in here.processes().items() if "create_server" in command), pid)


def _why(here: Machine, source: str, target: str) -> dict[str, Any]:
    done = here.vethlab("why", source, target, "-o", "json")
    assert 1 == done.returncode, done
    verdict: dict[str, Any] = json.loads(done.stdout)["verdict"]
    return verdict


def test_what_the_machine_must_have(here: Machine) -> None:
    """Without forwarding, or without root: exit 3, the reason, and nothing was made. Return packets need the whole machine to forward."""
    with internet(here, forwards=False):
        here.write("up", LAB)
        before = look(here)
        done = here.vethlab("up")
        assert (3, True, True) == (
            done.returncode, "error[machine-forwards-not]" in done.stderr, "sysctl -w net.ipv4.ip_forward=1" in done.stderr,
        ), done
        done = here.vethlab("up", "--rootless")
        assert (3, True) == (done.returncode, "error[not-root]: `uplink: machine` needs root" in done.stderr), done
        until(lambda: not here.labs(), lambda: f"made: {here.labs()}")  # a keeper that nothing was asked of ends a moment later
        assert before == look(here)
        here.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        here.write("up", NETWORKS + f"checks: [ping a -> {FAR4}]\n")
        here.ok("up")
        assert here.json("check")["ok"]
        assert "fd76" not in here.run("ip", "-6", "addr")  # it does not forward IPv6
        here.run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv4.conf.vl-up.forwarding=1")
        assert 1 == here.vethlab("check").returncode  # the answer comes in by eth0
        here.run("sysctl", "-qw", "net.ipv4.conf.eth0.forwarding=1")
        assert here.json("check")["ok"]


def test_a_taken_subnet_is_left_alone(here: Machine) -> None:
    """The subnet on the way out is one that the machine does not have; a second lab has another; an interface of that name is an error."""
    with internet(here):
        here.write("up", LAB)
        here.ok("up")
        first = next(one for one in here.run("ip", "route").splitlines() if "vl-up" in one).split()[0]
        here.ok("down", "up", "--wait")
        here.run("ip", "address", "add", first.replace("/30", "/32"), "dev", "lo")
        here.run("ip", "route", "add", "blackhole", first)
        here.ok("up")
        assert [] == [one for one in here.run("ip", "route").splitlines() if "vl-up" in one and first in one]
        assert here.json("check")["ok"]
        here.write("two", LAB)
        here.ok("up", "two.lab.yaml")
        assert [True, True] == [here.json("check", "--lab", lab)["ok"] for lab in ("up", "two")]
        here.ok("down", "--all", "--wait")
        here.run("ip", "link", "add", "vl-up", "type", "bridge")
        done = here.vethlab("up", "up.lab.yaml")
        assert (2, True) == (done.returncode, "the machine has `vl-up` already" in done.stderr), done


def test_killed_at_any_moment(here: Machine) -> None:
    """Whoever is killed, `up` or the keeper: what is left bears our mark, and after `clean`, or the next `up` and `down`, nothing is."""
    with internet(here):
        here.run("sh", "-ec", OWN)
        before = look(here)
        here.write("up", LAB)
        started = time.monotonic()
        here.ok("up")
        seconds = time.monotonic() - started
        here.kill(here.labs()["up"])
        until(lambda: not marks(here), lambda: f"ports stay: {marks(here)}")
        assert ["table inet vethlab-nat-up (vethlab:up:nat)"] == here.json("clean", "--dry-run")["would_remove"]
        here.ok("up")
        assert (True, []) == (here.json("check")["ok"], here.json("plan")["changes"])
        here.kill(here.labs()["up"], signal.SIGTERM)
        until(lambda: before == look(here), lambda: f"left: {links(here)}")
        for who in ("up", "keeper"):
            for moment in moments(1, 40, seconds * 1.02, f"uplink {who}"):
                here.kill_up(who, moment)
                if here.json("ls")["labs"]:
                    here.ok("down", "up", "--wait")
                here.ok("clean")
                until(lambda: before == look(here), told(f"{who} killed after {moment * 1000:.0f} of {seconds * 1000:.0f} ms"))


def test_where_the_machine_is_the_host(here: Machine) -> None:
    """With `host: machine` an uplink adds nothing: its own routes lead out, for networks that hide; without forwarding it is refused."""
    with internet(here, forwards=False):
        here.write("up", f"""\
host: machine
uplink: machine
networks: {{br7: {{subnet: 10.7.0.0/24, gateway: 1, nat: masquerade, nodes: [a]}}}}
checks: [ping a -> {FAR4}]
""")
        done = here.vethlab("up")
        assert (3, True, {"lo", "eth0"}) == (done.returncode, "error[machine-forwards-not]" in done.stderr, set(links(here))), done
        here.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        here.ok("up")
        assert ({"br7", "p-a"}, True) == (set(marks(here)), here.json("check")["ok"])
        here.ok("down", "up", "--wait")
        assert {"lo", "eth0"} == set(links(here))
