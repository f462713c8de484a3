"""SIGKILL at any moment: what is left on the machine is ours, marked, and gone after `clean` or the next `up` and `down`."""

import os
import signal
import subprocess
import time

import pytest
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.machine import PROGRAM, Machine, until
from tests.system.machine.labs import JOINED, links, marks

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
FOREIGN = """
sysctl -qw net.ipv6.conf.default.accept_dad=0
ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up
ip link add name eth0 type veth peer name far; ip link set far master docker0; ip link set far up; ip link set eth0 up
nft 'add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oifname eth0 masquerade'
"""
PARTS = ("ip -d -o link show docker0", "ip -d -o link show far", "ip addr show docker0", "nft list ruleset", "ip route show dev docker0")
LOOP = """\
from vethlab import Lab
lab = Lab("inside", host="machine")
lab.bridge("br9", subnet="10.9.0.0/24", gateway=1, nodes=["a", "b"])
with lab:
    print("up", flush=True)
    input()
"""


def foreign(here: Machine) -> list[str]:
    """All about the machine's own things, without timers."""
    return [" ".join(word for word in here.run(*words.split()).split() if "." not in word) for words in PARTS]


@pytest.fixture
def settled(here: Machine) -> Machine:
    """A machine with a bridge, a cable, a NAT table of its own; their IPv6 addresses have come to rest."""
    here.run("sh", "-ec", FOREIGN)
    until(lambda: "tentative" not in here.run("ip", "addr"), "duplicate address detection does not end", step=0.1)
    return here


def test_a_killed_keeper_leaves_what_clean_removes(settled: Machine) -> None:
    """The bridge stays, `clean --dry-run` announces it and nothing else, `clean` removes exactly it; the next `up` takes one over."""
    here = settled
    before = foreign(here)
    here.write("joined", JOINED)
    here.ok("up")
    here.kill(here.labs()["joined"])
    here.must_be_empty("by a killed keeper")
    until(lambda: set(marks(here)) == {"br7"}, lambda: f"ports stay: {marks(here)}")
    assert ["bridge br7 (vethlab:joined:br7)"] == here.json("clean", "--dry-run")["would_remove"]
    here.run("ip", "link", "set", "br7", "name", "mine")
    here.run("ip", "link", "set", "mine", "group", "0")
    assert ["bridge mine (vethlab:joined:br7)"] == here.json("clean")["removed"]
    assert ({}, {"lo", "docker0", "eth0", "far"}, before) == (marks(here), set(links(here)), foreign(here))
    here.ok("up")
    here.kill(here.labs()["joined"])
    here.must_be_empty("by a killed keeper")
    here.ok("up")
    assert (True, []) == (here.json("check")["ok"], here.json("plan")["changes"])
    here.ok("down", "joined", "--wait")
    assert ({}, before) == (marks(here), foreign(here))
    here.ok("up")
    here.kill(here.labs()["joined"], signal.SIGTERM)  # it can still act: nothing is left for `clean`
    here.must_be_empty("by a terminated keeper")
    until(lambda: not marks(here), lambda: f"left: {marks(here)}")
    assert (before, []) == (foreign(here), here.json("clean")["removed"])


@pytest.mark.parametrize("who", ["up", "keeper"])
def test_killed_at_every_step_of_up(settled: Machine, who: str) -> None:
    """Whoever is killed while a lab is made: nothing, or a whole lab, or leftovers that `clean` knows; foreign things stay as they were."""
    here = settled
    before = foreign(here)
    wide = JOINED.replace("[n1, n2]", "[n1..12]")
    here.write("joined", wide)
    started = time.monotonic()
    here.ok("up")
    seconds = time.monotonic() - started
    here.ok("down", "joined", "--wait")
    ends: dict[str, int] = {}
    for moment in moments(3, 60, seconds * 1.02, f"machine {who}"):
        status = here.kill_up(who, moment)
        said = told(f"{who} killed after {moment * 1000:.0f} of {seconds * 1000:.0f} ms (status {status})")
        whole = ["joined"] == [one["name"] for one in here.json("ls")["labs"]]
        ends["whole" if whole else "nothing"] = ends.get("whole" if whole else "nothing", 0) + 1
        if whole:
            assert (14 - 1, []) == (len(marks(here)), here.json("plan")["changes"]), said
            here.ok("down", "joined", "--wait")
        else:
            here.must_be_empty(said)
            here.ok("clean")
        assert ({}, before) == (marks(here), foreign(here)), said
    print(told(f"machine: {who} killed over {seconds * 1000:.0f} ms: {ends}"))


def test_a_program_that_holds_a_lab(settled: Machine) -> None:
    """Two processes hold labs of one name's kind; a killed one leaves nothing, `clean` leaves the other one's alone."""
    here = settled
    before = foreign(here)
    program = here.start(PROGRAM[0], "-c", LOOP, stdin=subprocess.PIPE)
    assert program.outer.stdout is not None
    assert "up\n" == program.outer.stdout.readline()
    (mark,) = [one for one in marks(here).values() if one.endswith(":br9")]
    assert mark.startswith("vethlab:inside.1.")
    assert [] == here.json("clean")["removed"]
    assert {"br9", "p-a", "p-b"} == set(marks(here))
    program.send(signal.SIGKILL)
    program.end()
    here.must_be_empty("by a killed program")
    until(lambda: not marks(here), lambda: f"left: {marks(here)}")
    assert before == foreign(here)
