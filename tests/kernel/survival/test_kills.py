"""SIGKILL of `up` at random moments of its life: no half of a lab is left, and the next `up` always succeeds."""

import os
import signal
import time

import pytest
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.labs import EVERYTHING, GROWN, PAIR, all_sleep
from tests.kernel.survival.machine import Machine

pytestmark = [pytest.mark.kernel, pytest.mark.long]


def seconds_of(here: Machine, *words: str) -> float:
    """How long that `up` takes when nobody disturbs it."""
    started = time.monotonic()
    here.ok("up", *words)
    return time.monotonic() - started


def killed(here: Machine, moment: float, *words: str) -> int:
    """Start `up`, kill it then; how it ended (0: it was faster)."""
    program = here.begin("up", *words)
    time.sleep(moment)
    program.send(signal.SIGKILL)
    return program.end()[0]


@pytest.mark.parametrize("names", [False, True])
def test_a_killed_up_leaves_nothing_or_a_whole_lab(here: Machine, names: bool) -> None:
    """After SIGKILL of the making of a lab nothing runs, or the whole lab does; names are recorded; `up` and `down` work as ever."""
    if names and (os.geteuid() != 0 or here.flags):
        pytest.skip("names need root")
    here.write("big", EVERYTHING)
    words = ("--names",) if names else ()
    seconds = seconds_of(here, *words)
    here.ok("down", "big")
    ends = {"nothing": 0, "whole": 0, "faster": 0}
    for moment in moments(4, 50, seconds * 1.02, f"kill {names}"):
        status = killed(here, moment, *words)
        said = told(f"killed after {moment * 1000:.1f} of {seconds * 1000:.0f} ms (status {status})")
        whole = ["big"] == [one["name"] for one in here.json("ls")["labs"]]
        ends["faster" if status == 0 else "whole" if whole else "nothing"] += 1
        if whole:
            all_sleep(here)
            assert [] == here.json("plan")["changes"], said
        else:
            here.must_be_empty(said)
            _names_are_known(here, said)
        here.ok("up", *words)
        assert ([], 1) == (here.json("plan")["changes"], len(here.keepers())), said
        here.ok("down", "big", "--wait")
        here.must_be_empty(f"by down after an up {said}")
        assert set() == here.names(), said
    print(told(f"survival: up killed over {seconds * 1000:.0f} ms, {here.flags} {words}: {ends}"))


def _names_are_known(here: Machine, said: str) -> None:
    """Names without a lab are those that `clean` announces, and half of the time it removes them."""
    left = here.names()
    told_of = {one.rpartition("/")[2] for one in here.json("clean", "--dry-run")["would_remove"]}
    assert told_of == left, said
    if len(left) % 2:
        here.ok("clean")
        assert set() == here.names(), said


def test_a_killed_convergence_is_repaired_by_the_next_up(here: Machine) -> None:
    """`up` of a running lab, killed: a and b keep their links and lose no packet, and the next `up` brings the lab to its file."""
    here.write("grow", PAIR)
    here.ok("up")
    before = links(here)
    pinging = here.begin("exec", "a", "--", "ping", "-q", "-i", "0.01", "10.0.0.2")
    here.write("grow", GROWN)
    seconds = seconds_of(here)
    for turn, moment in enumerate(moments(4, 50, seconds * 1.02, "converge")):
        here.write("grow", PAIR if turn % 2 == 0 else GROWN)
        status = killed(here, moment)
        said = told(f"killed after {moment * 1000:.1f} of {seconds * 1000:.0f} ms (status {status})")
        assert before.items() <= links(here).items(), said
        here.ok("up")
        assert ([], 1) == (here.json("plan")["changes"], len(here.keepers())), said
    for pid, command in here.processes().items():
        if command.startswith("ping\0"):
            here.kill(pid, signal.SIGINT)
    _, out, _ = pinging.end()
    assert " 0% packet loss" in out, told(out)
    here.ok("down", "grow", "--wait")
    here.must_be_empty("by down")


def links(here: Machine) -> dict[str, str]:
    """The cable between a and b, as ip(8) sees it in both: index, address, state."""
    seen = {}
    for node in ("a", "b"):
        seen[node] = here.ok("exec", node, "--", "ip", "-o", "link", "show", "eth0").split(" txqueuelen")[0].split(" qlen")[0]
        seen[f"{node} address"] = here.ok("exec", node, "--", "ip", "-o", "addr", "show", "eth0")
    return seen
