"""A packet's way on a scene: which cables it took, what each interface saw of it and when, where it died, what it never reached.

Enters: a scene and an explanation; leaves: a Journey, lines of text and marks by the keys of the scene. Rule of the file: numbers are those
of `trace`, so that who reads both finds the same hop; a cable counts as travelled as far as somebody saw the packet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from vethlab.model.link import LOOPBACK, End
from vethlab.present.drawing.block import WIDEST, Line
from vethlab.present.drawing.metrics import shorten, wrapped
from vethlab.present.drawing.scene import Scene
from vethlab.present.steps import NEVER, Step, asks, steps

if TYPE_CHECKING:
    from vethlab.model.finding import Explanation

__all__ = ["ASKED", "REPLY", "REQUEST", "Journey", "Leg", "Turn", "journey", "passed"]

REQUEST, REPLY, ASKED = "request", "reply", "asked"  # asked: nothing but ARP, or its like of IPv6
ARROW = " → "
SHOWN = 3  # numbers of hops at one place; a packet that runs in circles has dozens


@dataclass(frozen=True, slots=True)
class Leg:
    """A cable that was taken. `forth`: from its left end to its right end; `arrived`: the far end saw it."""

    cable: int
    kind: str
    forth: bool
    arrived: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """From one interface to another of the same box; or out of one and in again, as only `lo` has it."""

    start: str
    end: str
    kind: str


@dataclass(frozen=True, slots=True)
class Journey:
    """What to draw. `notes`: lines by the key of a plug or box; `never`: plugs that were not reached.

    `fault`: where it died, or what is at fault, as `end` says. `asking`: numbers of the hops that are ARP; `told`: a sentence for each hop.
    """

    notes: dict[str, tuple[Line, ...]]
    legs: tuple[Leg, ...]
    turns: tuple[Turn, ...]
    never: frozenset[str]
    fault: str
    end: str
    asking: tuple[int, ...]
    told: tuple[str, ...]


def passed(explanation: Explanation) -> list[End]:
    """Every interface that the journey speaks of; where it speaks of a node only, that with no interface."""
    return [End(step.node, step.interface) for leg in steps(explanation) for step in leg]


def journey(scene: Scene, explanation: Explanation) -> Journey:
    """The journey on this scene."""
    request, reply = steps(explanation)
    numbered = [*enumerate([*request, *reply], 1)]
    legs = [(REQUEST, numbered[: len(request)]), (REPLY, numbered[len(request) :])]
    known = {plug.key for plug in scene.plugs} | {box.key for box in scene.boxes}
    notes: dict[str, list[Line]] = {}
    fault = end = ""
    for kind, hops in legs:
        for key, lines in _seen(kind, hops):
            if key in known:
                notes.setdefault(key, []).extend(lines)
    carried = {_key(step) for _, hops in legs for _, step in hops if step.time not in {NEVER, ""} and not asks(step.what)}
    for key, lines in _asked(numbered):
        if key in known and key not in carried:
            notes.setdefault(key, []).extend(lines)
    never = {_key(step) for _, step in numbered if step.time == NEVER}
    for _, step in numbered:
        if step.mark:
            fault = next((key for key in (_key(step), step.node) if key in known), "")
            end = step.tail.removeprefix("← ")
            notes.setdefault(fault, []).extend(_death(step))
        elif step.tail and _key(step) in known:
            notes.setdefault(_key(step), []).append(Line(step.tail.removeprefix("← "), "word", "bad"))
    for key in sorted((never & known) - {fault}):
        notes.setdefault(key, []).append(Line("never reached", "word", "never"))
    travelled = _legs(scene, legs)
    return Journey(
        {key: tuple(lines) for key, lines in notes.items()}, tuple(travelled), tuple(_turns(legs)), frozenset(never - {fault}), fault, end,
        tuple(number for number, step in numbered if asks(step.what)), tuple(_sentence(number, step) for number, step in numbered),
    )


def _key(step: Step) -> str:
    return f"{step.node}:{step.interface}" if step.interface else step.node


def _seen(kind: str, hops: Sequence[tuple[int, Step]]) -> Iterator[tuple[str, list[Line]]]:
    """At each place a line for the packets of one leg: their numbers, the time of the first."""
    places: dict[str, list[tuple[int, Step]]] = {}
    for number, step in hops:
        if step.time not in {NEVER, ""} and not asks(step.what):
            places.setdefault(_key(step), []).append((number, step))
    ends = ""
    for key, found in places.items():
        word = "error" if found[0][1].what.startswith("ICMP error") else kind
        yield key, [Line(f"{word} {_numbers([number for number, _ in found])} · {found[0][1].time}", "hop", kind)]
        for step in (step for _, step in found):
            now, why = _told_ends(step.what)
            texts = [*([now] if now not in {ends, ""} else []), *wrapped(why, "word", WIDEST)]
            yield key, [Line(shorten(text, "word", WIDEST), "word") for text in texts]
            ends = now
        aside = {step.what.partition(", ")[2] for _, step in found if ARROW not in step.what} - {""}
        yield key, [Line(text, "word") for text in sorted(aside)]


def _told_ends(what: str) -> tuple[str, str]:
    """Of a packet that is translated on its way: its addresses, and by what they became so (explain/seen.py)."""
    if ARROW not in what:
        return "", ""
    ends, _, why = what.partition(": ")
    return ends.partition(" ")[2], why


def _asked(numbered: Iterable[tuple[int, Step]]) -> Iterator[tuple[str, list[Line]]]:
    places: dict[str, list[tuple[int, Step]]] = {}
    for number, step in numbered:
        if asks(step.what):
            places.setdefault(_key(step), []).append((number, step))
    for key, found in places.items():
        word = "ARP" if found[0][1].what.startswith("ARP") else "neighbour"
        yield key, [Line(f"{word} {_numbers([number for number, _ in found])} · {found[0][1].time}", "hop", REQUEST)]


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:SHOWN])) + (" …" if len(numbers) > SHOWN else "")


def _death(step: Step) -> list[Line]:
    tail = step.tail.removeprefix("← ")
    return [Line(f"✗ {step.what}", "fault", "bad"), Line(f"{tail}: {step.way}" if step.way else tail, "word", "bad")]


def _legs(scene: Scene, legs: Sequence[tuple[str, Sequence[tuple[int, Step]]]]) -> Iterator[Leg]:
    """Each cable that a packet took, once for each leg and direction; ARP only where nothing else went."""
    taken = set()
    for wanted in (False, True):
        for kind, hops in legs:
            real = [step for _, step in hops if step.time not in {NEVER, ""} and asks(step.what) == wanted]
            sent = {_key(step) for step in real if step.way == "tx"}
            onwards = {_key(step) for step in real[:-1] if step.way == "tx"}  # seen further on, whoever did not look in between
            got = {_key(step) for step in real if step.way == "rx"}
            for number, cable in enumerate(scene.cables):
                for forth, here, there in ((True, cable.left, cable.right), (False, cable.right, cable.left)):
                    if (here in sent or (there in got and here not in got)) and not (wanted and number in taken):
                        yield Leg(number, ASKED if wanted else kind, forth, there in got or here in onwards)
                taken |= {number} if not wanted and sent & {cable.left, cable.right} else set()


def _turns(legs: Sequence[tuple[str, Sequence[tuple[int, Step]]]]) -> Iterator[Turn]:
    """Where it goes on within a node: forwarded, into a bridge's own interface or out of it, into a tunnel; and where `lo` hands it back.

    A reply that leaves by another interface than the request came in by is one of them. Of `lo` often only one side is seen.
    """
    real = {kind: [step for _, step in hops if step.time not in {NEVER, ""} and not asks(step.what)] for kind, hops in legs}
    answered = [(real[REQUEST][-1], real[REPLY][0])] if real[REQUEST] and real[REPLY] else []
    for kind, pairs in ((REQUEST, pairwise(real[REQUEST])), (REPLY, [*answered, *pairwise(real[REPLY])])):
        found = {Turn(_key(step), _key(step), kind): None for step in real[kind] if step.interface == LOOPBACK}
        for a, b in pairs:
            backwards = (a.way, b.way) == ("tx", "rx") and LOOPBACK not in {a.interface, b.interface}
            if a.node == b.node and a.interface != b.interface and not backwards:
                found[Turn(_key(a), _key(b), kind)] = None
        yield from found


def _sentence(number: int, step: Step) -> str:
    place = f"{step.node} {step.interface}".strip()
    if step.time == NEVER:
        return f"{number}: {place} was never reached"
    if step.mark:
        return f"{number}: {step.what} at {place}: {step.tail.removeprefix('← ')}"
    return f"{number}: {place} {step.way} {step.what} {step.time}"
