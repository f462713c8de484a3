"""Streams that cannot be written or are closed: what nobody can read changes no outcome."""

import signal
import time

import pytest
from tests.kernel.survival.labs import EVERYTHING, PAIR
from tests.kernel.survival.machine import Machine, wait_for_handlers

pytestmark = [pytest.mark.kernel, pytest.mark.long]


@pytest.mark.parametrize("streams", ["2>/dev/full", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_the_exit_status_does_not_depend_on_who_listens(here: Machine, streams: str) -> None:
    """With streams closed or full, `up` builds the lab, a missing lab is 4, and `down` takes the lab away."""
    here.write("quiet", PAIR)
    statuses = []
    for verb, *words in (["up"], ["plan", "--exit-code"], ["down", "missing"], ["down", "quiet"]):
        program = here.start("sh", "-c", f'exec "$@" {streams}', "sh", *here.words(verb, *words))
        statuses.append(program.end()[0])
    assert [0, 0, 4, 0] == statuses
    here.must_be_empty("by down")


def test_a_full_standard_output_is_told(here: Machine) -> None:
    """Data that cannot be written is an error on stderr (3), and the lab is up all the same."""
    here.write("quiet", PAIR)
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        status, _, err = here.begin("up", stdout=full).end()
    assert (3, True) == (status, "error[file]: cannot write" in err), err
    assert ["quiet"] == list(here.labs())
    here.ok("down", "quiet")


def test_nohup_is_respected(here: Machine) -> None:
    """Where SIGHUP is ignored from the start, as by nohup(1), it interrupts nothing."""
    here.write("big", EVERYTHING)
    program = here.start("sh", "-c", 'trap "" HUP; exec "$@"', "sh", *here.words("up"))
    wait_for_handlers(program)
    for _ in range(20):
        program.send(signal.SIGHUP)
        time.sleep(0.005)
    assert 0 == program.end()[0]
    here.ok("down", "big")
