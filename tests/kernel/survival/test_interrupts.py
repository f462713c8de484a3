"""Ctrl-C, SIGTERM and the closing of the terminal at random moments of `up`: 130, a word on stderr, and the state before."""

import os
import pty
import signal
import time

import pytest
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.labs import EVERYTHING, GROWN, PAIR
from tests.kernel.survival.machine import Machine, until, wait_for_handlers

pytestmark = [pytest.mark.kernel, pytest.mark.long]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def interrupted(here: Machine, moment: float, number: int) -> tuple[int, str]:
    """Start `up`, send the signal then; exit status and stderr."""
    program = here.begin("up")
    wait_for_handlers(program)
    time.sleep(moment)
    program.send(number)
    status, _, err = program.end()
    return status, err


def undisturbed(here: Machine) -> float:
    """How long `up` takes once its handlers are in place."""
    program = here.begin("up")
    wait_for_handlers(program)
    started = time.monotonic()
    status, _, err = program.end()
    assert 0 == status, told(err)
    return time.monotonic() - started


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupted_new_lab_is_not_there(here: Machine, number: signal.Signals) -> None:
    """Wherever the signal hits, exit status 130 means that nothing runs and stderr says so; 0 that the lab is whole."""
    here.write("big", EVERYTHING)
    seconds = undisturbed(here)
    here.ok("down", "big")
    for moment in moments(3, 20, seconds, f"interrupt {number}"):
        status, err = interrupted(here, moment, number)
        said = told(f"{number.name} after {moment * 1000:.1f} of {seconds * 1000:.0f} ms: {status} {err}")
        assert status in {0, 130}, said
        if status == 130:
            assert "interrupted, cleaned up" in err, said
            here.must_be_empty(said)
        else:
            assert [] == here.json("plan")["changes"], said
            here.ok("down", "big", "--wait")
            here.must_be_empty(said)


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupted_convergence_is_rolled_back(here: Machine, number: signal.Signals) -> None:
    """Wherever the signal hits, exit status 130 means that the lab is as it was, 0 that it is as its new file says."""
    small = here.write("grow", PAIR)
    here.ok("up")
    here.write("grow", GROWN)
    seconds = undisturbed(here)
    here.write("grow", PAIR)
    here.ok("up")
    grown = False
    for moment in moments(3, 20, seconds, f"roll back {number}"):
        wanted = PAIR if grown else GROWN
        here.write("grow", wanted)
        status, err = interrupted(here, moment, number)
        said = told(f"{number.name} after {moment * 1000:.1f} of {seconds * 1000:.0f} ms, {grown=}: {status} {err}")
        assert status in {0, 130}, said
        assert (status == 130) == ("interrupted, cleaned up" in err), said
        grown = grown if status == 130 else not grown
        here.write("grow", GROWN if grown else PAIR)
        assert [] == here.json("plan", small)["changes"], said
    here.ok("down", "grow", "--wait")
    here.must_be_empty("by down")


def test_closing_the_terminal_rolls_back(here: Machine) -> None:
    """`up` in a terminal window that is closed: no lab, or a whole one that a keeper holds as always."""
    here.write("big", EVERYTHING)
    seconds = undisturbed(here)
    here.ok("down", "big")
    for moment in moments(3, 20, seconds, "hang up"):
        ours, theirs = pty.openpty()
        program = here.begin("up", stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_own_terminal)
        os.close(theirs)
        wait_for_handlers(program)
        time.sleep(moment)
        os.close(ours)
        said = told(f"hung up after {moment * 1000:.1f} of {seconds * 1000:.0f} ms: {program.end()}")
        until(program.is_over, said)  # nsenter(1) dies of the signal; the program itself cleans up
        changes = here.json("plan")["changes"]
        if here.keepers():  # asked later: one that was never given its lab may end a moment after the program
            assert [] == changes, said
            here.ok("down", "big")
        here.must_be_empty(said)


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
