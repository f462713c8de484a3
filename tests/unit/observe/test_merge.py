"""Frames of several rings come out in one order of time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vethlab.kernel.packet import Held
from vethlab.observe.merge import Merge


def held(ns: int, source: int = 0, interface: int = 1) -> Held:
    """A frame."""
    return Held(ns, source, interface, 0, 1, 60, b"")


def test_frames_wait_for_slower_rings() -> None:
    """What one ring hands over early is held back until the window has passed, and then sorted with the others'."""
    merge = Merge(0.05)
    merge.add([held(10), held(30)], 1.00)
    assert (1.05, []) == (merge.due(), merge.release(1.04))
    merge.add([held(20, 1), held(40, 1)], 1.04)
    assert [10, 20, 30] == [one.ns for one in merge.release(1.05)]
    assert ([40], 0) == ([one.ns for one in merge.release(1.09)], merge.late)
    assert merge.due() is None


def test_releases_keep_their_pace() -> None:
    """Two releases are at least `pace` apart, and `due` says so."""
    merge = Merge(0.05, 0.02)
    merge.add([held(10)], 1.000)
    merge.add([held(20)], 1.001)
    assert [10] == [one.ns for one in merge.release(1.0505)]
    assert (1.0705, []) == (round(merge.due() or 0, 6), merge.release(1.07))
    assert [20] == [one.ns for one in merge.release(1.071)]


def test_one_nanosecond_keeps_the_order_of_arrival() -> None:
    """Frames of one ring with one time stay as they came, whatever their interfaces."""
    merge = Merge(0)
    merge.add([held(5, 0, 9), held(5, 0, 2), held(5, 0, 7)], 1.0)
    assert [9, 2, 7] == [one.interface for one in merge.release(1.0)]


def test_late_frames_are_counted_and_kept() -> None:
    """A frame that comes after younger ones were released follows, and is counted."""
    merge = Merge(0.05)
    merge.add([held(100)], 1.0)
    merge.release(1.1)
    merge.add([held(50, 1), held(150, 1)], 1.2)
    assert ([50, 150], 1) == ([one.ns for one in merge.release(1.3)], merge.late)


def test_the_rest_ends_in_time() -> None:
    """At the end everything comes out, except what is younger than the end."""
    merge = Merge(0.05)
    merge.add([held(10), held(30)], 1.0)
    merge.add([held(20, 1)], 1.0)
    assert ([10, 20], []) == ([one.ns for one in merge.rest(20)], merge.rest(100))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), max_size=60), st.integers(1, 40))
def test_nothing_is_lost_and_all_is_sorted(seen: list[tuple[int, int]], period: int) -> None:
    """Rings that hand over at least every `period` lose nothing and need no more than a window of two periods (times in ms)."""
    merge, out = Merge(2 * period / 1000), []
    for now in range(0, 401 + 4 * period, period):
        for ring in range(4):
            frames = sorted(at for source, at in seen if source == ring and now - period < at <= now)
            merge.add([held(at * 1_000_000 + 1, ring) for at in frames], now / 1000)
        out += merge.release(now / 1000)
    assert (sorted(at * 1_000_000 + 1 for _, at in seen), 0) == ([one.ns for one in out], merge.late)
