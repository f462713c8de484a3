"""`uplink: pasta`: a lab goes out without root, opens nothing of the machine, and pasta lives and dies with it."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.machine import PATH, PROGRAM, Machine, lacks, machine, until
from tests.kernel.uplink.internet import FAR4, FAR6, asked_from, internet, lets_ping

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(bool(lacks("pasta")), reason="pasta is not installed (package passt)"),
    pytest.mark.skipif(bool(lacks("nft", "bash", "ss")), reason="nft, bash or ss is not installed"),
    pytest.mark.skipif(not os.access("/dev/net/tun", os.R_OK | os.W_OK), reason="/dev/net/tun cannot be opened"),
]
NETWORKS = """\
uplink: pasta
networks:
  br0: {subnet: [10.1.0.0/24, "fd01::/64"], gateway: 1, nat: masquerade, nodes: [a]}
  br1: {subnet: 10.2.0.0/24, gateway: 1, nodes: [c]}
"""
LAB = NETWORKS + f"""\
checks: [ping a -> {FAR4}, "ping a -> {FAR6}", "http a -> {FAR4}:80", "udp a -> {FAR4}:53", "http host -> [{FAR6}]:80", ping a -> c]
"""
RESOLVED = """
mkdir -p /run/systemd/resolve /run/upper /run/work; mount -t overlay -o lowerdir=/etc,upperdir=/run/upper,workdir=/run/work none /etc
echo nameserver 127.0.0.53 >/run/systemd/resolve/stub-resolv.conf; echo nameserver 9.9.9.9 >/run/systemd/resolve/resolv.conf
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
"""
HELD = """\
import sys, time
from vethlab import Lab
from vethlab.keep.client import helper
for _ in range(2):
    with Lab("held", uplink="pasta", mode=sys.argv[1]) as lab:
        lab.bridge("br0", subnet="10.1.0.0/24", gateway=1, nat="masquerade", nodes=["a"])
        assert lab.check(["ping a -> 9.9.9.9"]).ok
        begun = time.monotonic()
    assert time.monotonic() - begun < 1, "it waited for pasta"
print("over", flush=True)
input()
"""


@pytest.fixture(params=["root", "rootless"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """A machine with a way out, on which `up` holds its labs in that mode."""
    if request.param == "root" and os.geteuid() != 0:
        pytest.skip("root mode needs root")
    with machine(tmp_path, request.param, mapped=True) as made:
        yield made


@pytest.fixture
def rootless(tmp_path: Path) -> Iterator[Machine]:
    """The same for rootless labs only."""
    with machine(tmp_path, "rootless", mapped=True) as made:
        yield made


def pasta(here: Machine) -> list[int]:
    """The processes of pasta in the machine."""
    return [pid for pid, command in here.processes().items() if "--ns-ifname\0p-world" in command]


def look(here: Machine) -> list[str]:
    """The machine's interfaces and routes, and the ports on which anybody listens there."""
    return [here.run(*words.split()) for words in ("ip -br link", "ip route", "ip -6 route", "ss -Htuln", "nft list ruleset")]


def test_out_and_back(here: Machine) -> None:
    """TCP and ping, IPv4 and IPv6, as from the machine and without its forwarding; no port is opened; pasta that dies is drift."""
    with internet(here, forwards=False):
        lets_ping(here)
        before = look(here)
        here.run("sh", "-ec", RESOLVED)
        here.write("out", LAB)
        here.ok("up")
        assert "nameserver 9.9.9.9\n" == here.ok("exec", "a", "--", "cat", "/etc/resolv.conf")
        assert (1, before) == (len(pasta(here)), look(here))
        assert here.json("check")["ok"]
        assert ["::ffff:192.0.2.2", "fd99::2"] == [asked_from(here, "a", one) for one in (FAR4, FAR6)]
        assert ([], "pasta") == (here.json("plan")["changes"], here.json("show")["uplink"])
        here.kill(pasta(here)[0])
        until(lambda: not pasta(here), "pasta does not die")
        until(lambda: "link host:p-world -- pasta" in {one["object"] for one in here.json("plan")["changes"]}, "no drift")
        here.ok("up")
        assert ([], True) == (here.json("plan")["changes"], here.json("check")["ok"])
        here.write("out", LAB.replace("uplink: pasta\n", ""))
        here.ok("up")
        until(lambda: not pasta(here), "pasta outlives its tap")
        here.write("out", LAB)
        here.ok("up")
        assert here.json("check")["ok"]
        here.kill(here.labs()["out"])
        until(lambda: not pasta(here), "pasta outlives its keeper")
        until(lambda: before == look(here), lambda: f"left of it: {look(here)}")  # its sockets are closed a moment after it is gone


def test_what_is_beyond_is_not_explained(rootless: Machine) -> None:
    """`why` ends at pasta; what is not hidden does not reach it; a fault inside is rehearsed, as in any lab."""
    here = rootless
    with internet(here, forwards=False):
        lets_ping(here)
        here.write("out", LAB)
        here.ok("up")
        found = _why(here, "a", "9.9.9.10")["verdict"]
        assert ("unknown", "host", "p-world") == (found["finding"], found["where"]["node"], found["where"]["interface"])
        assert "nat-missing" == _why(here, "c", FAR4)["verdict"]["finding"]
        here.ok("exec", "host", "--", "ip", "link", "set", "p-a", "down")
        assert {"pass": 1, "of": 1} == _why(here, "a", "c")["fix"][0]["rehearsed"]
        here.ok("fix", "a", FAR4, "--yes")
        assert here.json("check")["ok"]
        here.ok("down", "out", "--wait")
        assert [] == pasta(here)


def _why(here: Machine, source: str, target: str) -> dict[str, Any]:
    done = here.vethlab("why", source, target, "-o", "json")
    assert 1 == done.returncode, done
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_what_the_machine_must_have(here: Machine) -> None:
    """Without pasta: exit 3 and the package's name; if it does not start: exit 5 and its own words. Nothing is left of either."""
    here.write("out", NETWORKS)
    before = look(here)
    done = here.vethlab("up", before=("env", "PATH=/usr/sbin:/sbin"))
    assert (3, True, True) == (done.returncode, "error[no-pasta]" in done.stderr, "apt install passt" in done.stderr), done
    mine = here.directory / "bin" / "pasta"
    mine.parent.mkdir()
    mine.write_text("#!/bin/sh\necho 'No external routable interface' >&2; exit 1\n")
    mine.chmod(0o755)
    done = here.vethlab("up", before=("env", f"PATH={mine.parent}:{PATH}"))
    assert (5, True, True) == (done.returncode, "error[pasta]: pasta did not start" in done.stderr, "routable" in done.stderr), done
    here.must_be_empty("by a refused up")
    assert before == look(here)


def test_killed_at_any_moment(here: Machine) -> None:
    """A killed `up` leaves nothing, or a whole lab; a killed keeper nothing: pasta included, and the machine is as it was."""
    with internet(here, forwards=False):
        here.write("out", NETWORKS)
        started = time.monotonic()
        here.ok("up")
        seconds = time.monotonic() - started
        here.ok("down", "out")
        before, mine = look(here), set(here.processes())
        for moment in moments(2, 40, seconds * 1.02, "pasta"):
            program = here.begin("up")
            time.sleep(moment)
            program.send(signal.SIGKILL)
            program.end()
            if here.json("ls")["labs"]:
                here.kill(here.labs()["out"])
            said = told(f"killed after {moment * 1000:.0f} of {seconds * 1000:.0f} ms")
            until(lambda: set(here.processes()) == mine, lambda said=said: f"{said}: {here.processes()}")
            until(lambda: before == look(here), said)


def test_a_lab_of_one_program(here: Machine) -> None:
    """Pasta goes with the lab while the program runs on, at once, and with the program when it is killed."""
    with internet(here, forwards=False):
        lets_ping(here)
        mode = "rootless" if here.flags else "root"
        program = here.start(PROGRAM[0], "-c", HELD, mode, stdin=-1)
        assert program.outer.stdout is not None
        assert "over\n" == program.outer.stdout.readline(), program.end()
        until(lambda: not pasta(here), "pasta outlives its lab")
        program.send(9)
        program.end()
