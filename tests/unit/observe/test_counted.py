"""Counters that grow: told by how much, less what others told, and at one end of a cable only."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vethlab.model.finding import INFERRED, PROVEN
from vethlab.observe.counted import Counted, Counters

A = Counted("a", 1, "eth0", "veth", 2, received=0, sent=0, queues=(("pfifo 1:", 0),))
B = Counted("b", 2, "eth0", "veth", 1, received=0, sent=0)


@dataclass
class Looks:
    """Look after look."""

    counters: Counters

    def at(self, *seen: Counted, told: int = 0) -> list[tuple[str, str, str, int]]:
        """What one look tells. `told`: drops at a:eth0 that others told of."""
        found = self.counters.look(seen, {("a", "eth0"): told}, 5)
        return [(f"{one.node}:{one.interface}", one.reason, one.grade, one.count) for one in found]


@pytest.fixture
def looks() -> Looks:
    """After a first look, which tells nothing whatever was counted before."""
    one = Looks(Counters())
    assert [] == one.at(A._replace(sent=40), B._replace(received=7))
    assert [] == one.at(A, B)
    return one


def test_a_queue_that_drops(looks: Looks) -> None:
    """By how much it grew, once; a queue that is new began at zero."""
    dropped = A._replace(queues=(("pfifo 1:", 3),))
    assert [("a:eth0", "queue-drop", PROVEN, 3)] == looks.at(dropped, B)
    assert [] == looks.at(dropped, B)
    assert [("a:eth0", "queue-drop", PROVEN, 2)] == looks.at(A._replace(queues=(("tbf 2:", 2),)), B)


def test_what_others_told_is_taken_off(looks: Looks) -> None:
    """Three drops of which two were told with their packets: one is left."""
    assert [("a:eth0", "queue-drop", PROVEN, 1)] == looks.at(A._replace(queues=(("pfifo 1:", 3),)), B, told=2)
    assert [] == looks.at(A._replace(queues=(("pfifo 1:", 6),)), B, told=3)


def test_a_frame_that_the_peer_does_not_take(looks: Looks) -> None:
    """Counted at both ends, told at the sender's: it was too long. What else the receiver threw away is told of him."""
    assert [("a:eth0", "mtu-blackhole", INFERRED, 2)] == looks.at(A._replace(sent=2), B._replace(received=2, mtu=1280))
    assert [("b:eth0", "unknown", INFERRED, 4)] == looks.at(A._replace(sent=2), B._replace(received=6))


def test_a_frame_that_finds_no_room(looks: Looks) -> None:
    """Of equal MTUs it was the queue of received packets that was full; where the other end is not looked at, nobody knows."""
    assert [("a:eth0", "queue-drop", INFERRED, 2)] == looks.at(A._replace(sent=2), B._replace(received=2))
    assert [] == looks.at(A._replace(sent=4), B._replace(received=4), told=2)
    assert [] == looks.at(A._replace(sent=4), B._replace(received=4, sent=3), told=3)
    assert [("a:eth0", "unknown", INFERRED, 1)] == looks.at(A._replace(sent=5))


@pytest.mark.parametrize("silent", ["no-carrier", "link-down"])
def test_an_interface_that_carries_nothing(looks: Looks, silent: str) -> None:
    """What it did not send is its own state's fault."""
    assert [("a:eth0", silent, PROVEN, 1)] == looks.at(A._replace(sent=1, silent=silent), B)


def test_an_interface_that_is_new(looks: Looks) -> None:
    """It may have counted elsewhere: its first look is silent."""
    assert [] == looks.at(A, B, Counted("c", 3, "eth0", "veth", 0, received=9, sent=9))


def test_refusals_of_the_neighbour_table() -> None:
    """Told of the whole machine, from the second look on, less what was told with packets."""
    counters = Counters()
    assert [] == counters.refusals({2: (100, 1024)}, 0, 5)
    (death,) = counters.refusals({2: (105, 1024)}, 2, 5)
    assert ("", "neighbour-table-full", 3) == (death.node, death.reason, death.count)
    assert [] == counters.refusals({2: (105, 1024)}, 0, 5)
