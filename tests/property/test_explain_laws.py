"""Laws of explaining: recordings keep every value, healthy labs have no obstacle, and seeing refutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from random import Random
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faults.worlds import World, world
from tests.unit.explain.scenes import Paper

from vethlab.explain import recording
from vethlab.explain.compare import last_seen, verdict
from vethlab.explain.recording import QUESTIONS
from vethlab.explain.way import Way
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.flow import Flow
from vethlab.model.journey import Observed, Sighting
from vethlab.model.snapshot import Wiring

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    NoneType: st.none(), int: st.integers(), str: st.text(max_size=9), bool: st.booleans(), float: st.floats(allow_nan=False),
    IPv4Address: st.integers(0, 2**32 - 1).map(IPv4Address), IPv6Address: st.integers(0, 2**128 - 1).map(IPv6Address),
    IPv4Interface: st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(IPv4Interface),
    IPv6Interface: st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(IPv6Interface),
    IPv4Network: st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(lambda pair: IPv4Network(pair, strict=False)),
    IPv6Network: st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(lambda pair: IPv6Network(pair, strict=False)),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that the models use."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return st.one_of([values(one) for one in arguments])
    if origin is tuple:
        parts = [values(one) for one in arguments if one is not Ellipsis]
        return st.lists(parts[0], max_size=2).map(tuple) if arguments[-1] is Ellipsis else st.tuples(*parts)
    if origin is frozenset:
        return st.frozensets(values(arguments[0]), max_size=2)
    if origin is Mapping:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)
    if is_dataclass(kind):
        return st.builds(cast("Any", kind), **{one.name: values(get_type_hints(kind)[one.name]) for one in fields(kind)})
    return PLAIN[kind]


ANSWERED = st.one_of([st.tuples(values(question), values(answer)) for question, answer in QUESTIONS.values()])


@settings(deadline=None, max_examples=60)
@given(values(Flow), values(Wiring), st.lists(ANSWERED, max_size=3))
def test_a_recording_keeps_every_value(flow: Flow, wiring: Wiring, answers: list[tuple[Any, Any]]) -> None:
    """What is written and read again is the same, whatever it is; and written again it is the same text."""
    text = recording.encode(flow, wiring, answers)
    found = recording.decode(text)
    assert (flow, wiring, answers) == found
    assert text == recording.encode(*found)


def healthy(seed: int) -> tuple[World, Paper, str, str]:
    """A random lab on paper, and a question about two of its hosts."""
    chance = Random(seed)  # noqa: S311 - a repeatable choice is the point
    made = world(chance, seed)
    src, dst = chance.sample(list(made.hosts), 2)
    segment = made.hosts[dst]
    return made, Paper(made.text()), src, segment.address(segment.seat(dst), chance.choice(made.versions))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_a_healthy_lab_has_no_obstacle(seed: int) -> None:
    """In a lab that nothing is wrong with the walk finds none, passes the routers of the way, and reaches both ends."""
    made, paper, src, target = healthy(seed)
    way = paper.walk(src, target)
    dst = way.routers["request"][-1]
    legs = made.way(src, dst)
    assert ([], {"request", "reply"}) == (way.obstacles, way.delivered)
    assert [legs[0].sender.node, *(leg.receiver.node for leg in legs)] == way.routers["request"]
    assert list(reversed(way.routers["request"])) == way.routers["reply"]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6))
def test_a_healthy_lab_has_no_warning_and_one_answer(seed: int) -> None:
    """A packet that passed is warned of in nothing; the recording of the conversation says the same."""
    _, paper, src, target = healthy(seed)
    paper.seen = Observed(ok=True, rtt_us=1.0)
    explanation = paper.explain(src, target)
    assert (True, ()) == (explanation.ok, explanation.warnings)
    text = recording.encode(paper.flow(src, target), paper.wiring, [(one, paper.answer(one)) for one in paper.asked])
    assert explanation == recording.replay(text)[1]


def seen(way: Way, count: int) -> Observed:
    """A probe that was seen at the first points of the way, and no further."""
    return Observed(ok=False, sightings=tuple(
        Sighting(one.node, one.interface, one.direction, one.what, number, one.about) for number, one in enumerate(way.points[:count])
    ))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.data())
def test_seeing_refutes_what_lies_behind_and_nothing_else(seed: int, data: st.DataObject) -> None:
    """An obstacle in front of the first point that was not seen is the verdict; one that the packet was seen behind never is."""
    _, paper, src, target = healthy(seed)
    way = paper.walk(src, target)
    count = data.draw(st.integers(0, len(way.points)))
    at = data.draw(st.integers(0, len(way.points)))
    points, way.points = way.points, way.points[:at]
    way.block(Finding("link-down", Where("somewhere"), "down", evidence=(Evidence("configuration", "so"),)))
    way.points = points
    observed = seen(way, count)
    last = last_seen(way, observed)
    found, _ = verdict(way, observed, [])
    assert ("link-down" if at > last else "unknown") == found.slug
    assert last < count


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.data())
def test_what_is_seen_more_is_seen_further(seed: int, data: st.DataObject) -> None:
    """More sightings never take the last point back, in whatever order they come."""
    _, paper, src, target = healthy(seed)
    way = paper.walk(src, target)
    every = list(seen(way, len(way.points)).sightings)
    some = data.draw(st.lists(st.sampled_from(every), unique_by=lambda one: one.ns))
    more = [*some, data.draw(st.sampled_from(every))]
    assert last_seen(way, Observed(ok=False, sightings=tuple(some))) <= last_seen(way, Observed(ok=False, sightings=tuple(more)))
    shuffled = data.draw(st.permutations(some))
    assert last_seen(way, Observed(ok=False, sightings=tuple(some))) == last_seen(way, Observed(ok=False, sightings=tuple(shuffled)))
