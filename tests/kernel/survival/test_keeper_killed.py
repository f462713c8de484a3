"""SIGKILL of the keeper: all of the lab is gone with it, and every command afterwards ends with a clear message."""

import signal
import threading
import time

import pytest
from tests.kernel.survival.corpus import amount, moments, told
from tests.kernel.survival.labs import EVERYTHING, PAIR, all_sleep
from tests.kernel.survival.machine import Machine, until

pytestmark = [pytest.mark.kernel, pytest.mark.long]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_of_the_lab_dies_with_its_keeper(here: Machine, number: signal.Signals) -> None:
    """`run:` processes, a daemon in a session of its own and a running `exec` are gone; down, check, exec say so with 4; `up` works."""
    here.write("big", EVERYTHING)
    for _ in range(amount(1, 10)):
        here.ok("up")
        all_sleep(here)
        running = here.begin("exec", "s", "--", "sleep", "1000")
        until(lambda: any(command == "sleep\x001000\0" for command in here.processes().values()), "exec does not run")
        here.kill(here.labs()["big"], number)
        status, _, err = running.end(10)
        assert (True, False) == (status != 0, "Traceback" in err), told(f"{status} {err}")
        here.must_be_empty("by a killed keeper")
        for words in (["down", "big"], ["check"], ["exec", "s", "--", "true"], ["show", "--lab", "big"]):
            done = here.vethlab(*words)
            assert (4, True, "") == (done.returncode, "error[no-such-lab]" in done.stderr, done.stdout), told(f"{words}: {done}")
    here.ok("up")
    assert [] == here.json("plan")["changes"]
    here.ok("down", "big", "--wait")
    here.must_be_empty("by down")


def test_every_command_ends_when_the_keeper_dies_meanwhile(here: Machine) -> None:
    """Whatever a command was doing, it ends within seconds, without a traceback, and not with 70."""
    here.write("big", EVERYTHING)
    verbs = (["up"], ["check"], ["plan"], ["down", "big"], ["exec", "s", "--", "sleep", "1000"], ["show", "--lab", "big"])
    for turn, moment in enumerate(moments(6, 60, 0.4, "keeper dies")):
        here.ok("up")
        words = verbs[turn % len(verbs)]
        keeper = here.labs()["big"]
        program = here.begin(*words)
        time.sleep(moment)
        if keeper in here.processes():
            here.run("kill", "-9", str(keeper), check=False)
            here.must_see_the_end_of(keeper)
        status, out, err = program.end(30)
        said = told(f"{words}, keeper killed after {moment * 1000:.0f} ms: {status} {out} {err}")
        assert (False, False) == ("Traceback" in err, "error[bug]" in err), said
        assert status in ({0, 1, 4, 128 + signal.SIGKILL} if words[0] == "exec" else {0, 1, 4}), said
        assert (status in {0, 137}) or err or out, said
        if here.keepers():
            here.ok("down", "big")
        here.must_be_empty(said)


def test_down_ends_a_running_exec(here: Machine) -> None:
    """`down` beside a command inside: both end at once, the command's status tells that it was killed."""
    here.write("two", PAIR)
    here.ok("up")
    program = here.begin("exec", "a", "--", "sh", "-c", "trap '' TERM HUP INT; sleep 1000; sleep 1000")
    until(lambda: any(command == "sleep\x001000\0" for command in here.processes().values()), "exec does not run")
    ended: list[tuple[int, str, str]] = []
    waiting = threading.Thread(target=lambda: ended.append(program.end(20)))
    waiting.start()
    here.ok("down", "two")
    waiting.join(20)
    assert [128 + signal.SIGKILL] == [status for status, _, _ in ended], ended
    here.must_be_empty("by down")
