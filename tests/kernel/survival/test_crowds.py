"""Several at once: two `up`s of one lab, eight labs, `up` against `down`, `down` twice."""

import time

import pytest
from tests.kernel.survival.corpus import amount, moments, told
from tests.kernel.survival.labs import EVERYTHING, GROWN, PAIR
from tests.kernel.survival.machine import Machine, Started

pytestmark = [pytest.mark.kernel, pytest.mark.long]


def all_of(programs: list[Started]) -> list[tuple[int, str]]:
    """How they ended: status and stderr."""
    return [(status, err) for status, _, err in (one.end() for one in programs)]


def test_two_ups_of_one_lab(here: Machine) -> None:
    """Both end with 0: one built, the other converged; one keeper, and the lab is as its file says."""
    here.write("big", EVERYTHING)
    for delay in moments(3, 20, 0.2, "two ups"):
        first = here.begin("up")
        time.sleep(delay)
        ends = all_of([first, here.begin("up")])
        said = told(f"the second {delay * 1000:.0f} ms later: {ends}")
        assert [0, 0] == [status for status, _ in ends], said
        assert (["big"], []) == ([lab for _, lab in here.keepers()], here.json("plan")["changes"]), said
        here.ok("down", "big", "--wait")
        here.must_be_empty(said)


def test_two_different_files_of_one_running_lab(here: Machine) -> None:
    """Two writers with different goals come one after the other: the lab is as one of both files says, never a mixture."""
    (here.directory / "files").mkdir()
    here.write("grow", PAIR)
    here.write("files/grow", GROWN)
    other = here.directory / "files" / "grow.lab.yaml"
    other.write_text(other.read_text().replace("files/grow", "grow"))
    for _ in range(amount(2, 10)):
        ends = all_of([here.begin("up", "grow.lab.yaml"), here.begin("up", str(other)), here.begin("up", "grow.lab.yaml")])
        assert [0, 0, 0] == [status for status, _ in ends], told(str(ends))
        left = [here.json("plan", one)["changes"] for one in ("grow.lab.yaml", str(other))]
        assert [] in left, told(str(left))
    here.ok("down", "grow", "--wait")
    here.must_be_empty("by down")


def test_eight_labs_at_once(here: Machine) -> None:
    """Eight labs come up, are checked and go at the same time; all succeed, and nothing is left."""
    names = [f"lab{number}" for number in range(8)]
    for _ in range(amount(1, 5)):
        files = [here.write(name, PAIR) for name in names]
        ends = all_of([here.begin("up", file, "--check") for file in files])
        assert [0] * 8 == [status for status, _ in ends], told(str(ends))
        assert names == sorted(here.labs())
        ends = all_of([here.begin("down", name, "--wait") for name in names])
        assert [0] * 8 == [status for status, _ in ends], told(str(ends))
        here.must_be_empty("by eight downs")


def test_up_and_down_at_once(here: Machine) -> None:
    """`down` beside `up`: either finds no lab or takes it away; `up` builds it or says that it was taken away. Nothing half is left."""
    here.write("big", EVERYTHING)
    for turn, delay in enumerate(moments(4, 40, 0.4, "up and down")):
        if turn % 2:
            here.ok("up")
        up = here.begin("up")
        time.sleep(delay)
        down = here.begin("down", "big")
        ended, said_by_up = all_of([up])[0]
        gone, said_by_down = all_of([down])[0]
        said = told(f"down {delay * 1000:.0f} ms after up: {ended} {said_by_up} / {gone} {said_by_down}")
        assert (ended, gone) in {(0, 0), (0, 4), (4, 0)}, said
        assert (gone == 4) == ("error[" in said_by_down), said
        assert "error[bug]" not in said_by_up + said_by_down, said
        if here.keepers():
            assert [] == here.json("plan")["changes"], said
            here.ok("down", "big", "--wait")
        here.must_be_empty(said)


def test_two_downs_at_once(here: Machine) -> None:
    """Of two, one takes the lab away; the other may find it gone (4), and nothing is left."""
    here.write("big", EVERYTHING)
    for _ in range(amount(2, 20)):
        here.ok("up")
        ends = all_of([here.begin("down", "big"), here.begin("down", "big")])
        assert [status for status, _ in sorted(ends)] in ([0, 0], [0, 4]), told(str(ends))
        here.must_be_empty(told(f"two downs: {ends}"))


def test_down_twice(here: Machine) -> None:
    """The second `down` is exit status 4, with a message."""
    here.write("two", PAIR)
    here.ok("up")
    here.ok("down", "two")
    again = here.vethlab("down", "two")
    assert (4, True) == (again.returncode, "error[no-such-lab]" in again.stderr), again.stderr
