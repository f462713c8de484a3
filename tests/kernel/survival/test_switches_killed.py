"""Open vSwitch after SIGKILL, of the keeper and of `up`: no daemon, no socket directory and no interface is left."""

import signal
import time
from pathlib import Path

import pytest
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.machine import Machine, until

pytestmark = [pytest.mark.kernel, pytest.mark.long]

SWITCHED = """\
nodes: {a: {}, b: {run: "sleep 1002; :"}}
networks:
  sw0: {type: ovs, subnet: 10.7.0.0/24, gateway: 1, nodes: [a, b], tags: {a: 5, b: 5}}
"""


def daemons(here: Machine) -> list[str]:
    """The daemons that live, by name."""
    found = [command.split("\0")[0] for command in here.processes().values()]
    return sorted(name for name in found if name in {"ovs-vswitchd", "ovsdb-server"})


def test_a_killed_keeper_leaves_no_daemon(here: Machine) -> None:
    """Both daemons die with PID 1 of their world, and their directory is on a tmpfs of that world; `up` and `down` work as ever."""
    here.write("sw", SWITCHED)
    here.ok("up")
    assert ["ovs-vswitchd", "ovsdb-server"] == daemons(here)
    here.kill(here.labs()["sw"], signal.SIGKILL)
    here.must_be_empty("by a killed keeper")
    assert not Path(f"/proc/{here.init}/root/run/openvswitch").exists()
    here.ok("up")
    assert [] == here.json("plan")["changes"]
    here.ok("down", "sw", "--wait")
    here.must_be_empty("by down")


def test_a_killed_up_leaves_nothing_or_a_whole_lab(here: Machine) -> None:
    """Whenever it is killed while Open vSwitch boots: nothing runs, or all does; the next `up` always succeeds."""
    here.write("sw", SWITCHED)
    started = time.monotonic()
    here.ok("up")
    seconds = time.monotonic() - started
    here.ok("down", "sw")
    for moment in moments(3, 40, seconds, "switch"):
        program = here.begin("up")
        time.sleep(moment)
        program.send(signal.SIGKILL)
        program.end()
        said = told(f"killed after {moment * 1000:.0f} of {seconds * 1000:.0f} ms")
        if here.json("ls")["labs"]:
            assert [] == here.json("plan")["changes"], said
        else:
            here.must_be_empty(said)
        here.ok("up")
        assert (["ovs-vswitchd", "ovsdb-server"], []) == (daemons(here), here.json("plan")["changes"]), said
        here.ok("down", "sw")
        here.must_be_empty(said)


def test_a_convergence_killed_while_the_switch_changes_is_repaired(here: Machine) -> None:
    """Ports half made, daemons half restarted: the next `up` brings the lab to its file."""
    here.write("sw", SWITCHED)
    here.ok("up")
    grown = SWITCHED.replace("nodes: [a, b]", "nodes: [a, b, c]").replace("nodes: {a: {}", "nodes: {c: {}, a: {}").replace("5}", "6}")
    for turn, moment in enumerate(moments(3, 30, 0.3, "converge a switch")):
        here.write("sw", grown if turn % 2 == 0 else SWITCHED)
        if turn == 1:
            here.run("pkill", "--exact", "ovs-vswitchd")
        program = here.begin("up")
        time.sleep(moment)
        program.send(signal.SIGKILL)
        program.end()
        here.ok("up")
        until(lambda: daemons(here) == ["ovs-vswitchd", "ovsdb-server"], "a daemon is missing")
        assert [] == here.json("plan")["changes"], told(f"killed after {moment * 1000:.0f} ms")
    here.ok("down", "sw")
    here.must_be_empty("by down")
