"""The machine's firewall and a lab that joined it: NAT goes beside what is there; a rule of the machine is explained, never changed."""

import json
import os
import signal
import subprocess

import pytest
from tests.kernel.survival.machine import PROGRAM, Machine, lacks, until
from tests.system.machine.labs import links, marks

pytestmark = [
    pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(bool(lacks("nft")), reason="nft is not installed"),
]
DOCKER = """\
host: machine
nodes: {web: {publish: ["8080:80"], run: "python3 -m http.server 80"}, db: {}}
networks:
  dock7: {subnet: 10.7.0.0/24, gateway: 1, nat: masquerade, nodes: [web, db]}
checks: ["ping web -> db", "http host -> localhost:8080", "ping db -> world"]
"""
OWN = """
sysctl -qw net.ipv6.conf.default.accept_dad=0
nft 'add table inet guard; add chain inet guard fwd7 { type filter hook forward priority 0; policy accept; }'
nft 'add table inet vethlab-nat-other; add chain inet vethlab-nat-other c'
ip link add br0 type bridge; ip addr add 172.17.0.1/16 dev br0; ip link set br0 up; ip link set lo up
ip neigh add 172.17.0.9 lladdr 02:00:00:00:00:09 dev br0 nud probe extern_learn
"""


def tables(here: Machine) -> set[str]:
    """The nft tables of the machine."""
    return set(here.run("nft", "list", "tables").splitlines())


def test_nat_beside_the_machines_own_rules(here: Machine) -> None:
    """A published port and a world work through a table of the lab's own; after a kill `clean` takes it and nothing else."""
    here.run("sh", "-ec", OWN)
    before = (tables(here), here.run("ip", "route"), here.run("sysctl", "net.ipv4.ip_forward"))
    here.write("docked", DOCKER)
    done = here.vethlab("up")
    assert (0, True) == (done.returncode, "the machine has net.ipv4.ip_forward = 0 and the lab's NAT needs 1" in done.stderr), done
    assert before[2] == here.run("sysctl", "net.ipv4.ip_forward")
    here.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    assert here.json("check")["ok"]
    assert [] == here.json("plan")["changes"]
    assert "default" not in here.run("ip", "route")
    assert before[0] | {"table inet vethlab-nat-docked"} == tables(here)
    assert "172.17.0.9" in here.run("ip", "neigh", "show", "dev", "br0")
    here.kill(here.labs()["docked"])
    here.must_be_empty("by a killed keeper")
    until(lambda: not [name for name in marks(here) if name.startswith("p-")], lambda: f"ports stay: {marks(here)}")
    removed = here.json("clean")["removed"]
    assert {"bridge dock7 (vethlab:docked:dock7)", "table inet vethlab-nat-docked (vethlab:docked:nat)"} == set(removed)
    assert before[:2] == (tables(here), here.run("ip", "route"))
    here.ok("up")
    here.ok("down", "docked", "--wait")
    assert (before[0], {"lo", "br0"}) == (tables(here), set(links(here)))


def test_a_port_of_the_machine_is_not_taken(here: Machine) -> None:
    """Publishing a port on which a program of the machine listens is refused, and nothing was made."""
    listening = here.start(PROGRAM[0], "-c", "import socket; s = socket.create_server(('', 8080)); print('up', flush=True); input()",
                           stdin=subprocess.PIPE)
    assert listening.outer.stdout is not None
    assert "up\n" == listening.outer.stdout.readline()
    here.write("docked", DOCKER)
    done = here.vethlab("up")
    assert (2, True) == (done.returncode, "tcp port 8080 of the machine is in use" in done.stderr), done
    assert {"lo"} == set(links(here))
    listening.send(signal.SIGKILL)
    listening.end()


def test_a_rule_of_the_machine_is_named_and_stays(here: Machine) -> None:
    """With br_netfilter a forward policy of the machine drops bridged packets: `why` names it, `fix` refuses to change it."""
    here.run("sh", "-ec", OWN.replace("policy accept", "policy drop"))
    rules = here.run("nft", "list", "ruleset")
    here.write("joined", "host: machine\nnetworks: {br7: {subnet: 10.7.0.0/24, gateway: 1, nodes: [a, b]}}\n")
    here.ok("up")
    done = here.vethlab("why", "a", "b", "-o", "json")
    assert (1, True) == (done.returncode, '"finding": "nft-drop"' in done.stdout), done
    assert "guard fwd7" in done.stdout
    refused = here.vethlab("fix", "a", "b", "--yes")
    assert (2, True) == (refused.returncode, "error[not-the-labs]" in refused.stderr), refused
    assert rules == here.run("nft", "list", "ruleset")
    here.run("nft", "add rule inet guard fwd7 iifname br7 accept")
    assert here.json("check")["ok"]
    here.run("ip", "link", "set", "p-a", "nomaster")
    assert [{"pass": 1, "of": 1}] == [one["rehearsed"] for one in json.loads(here.vethlab("why", "a", "b", "-o", "json").stdout)["fix"]]
    here.ok("fix", "a", "b", "--yes")
    assert here.json("check")["ok"]
    here.ok("down", "joined", "--wait")
    assert {"lo", "br0"} == set(links(here))
