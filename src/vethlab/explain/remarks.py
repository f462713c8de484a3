"""What is to be said of each sighting of a probe: which hop it is, who dropped it, that it was the last one, and why.

Enters: an Explanation and what was observed; leaves: sentences for each sighting, and those for the whole. Rule of the file: a hop has the
number that it has in the table of `why` and `trace`; what cannot be tied to a sighting is said of the whole, never of a likely one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vethlab.model.finding import REPLY as BACK
from vethlab.model.finding import Explanation, Finding, PathHop
from vethlab.model.flow import PING, Flow
from vethlab.model.journey import ANSWER, IN, OUT, REPLY, REQUEST, SOLICIT, FirewallDrop, KernelDrop, Observed, Sighting

__all__ = ["Remarks", "remarks"]

_STAGES = {"ingress": IN, "egress": OUT}


@dataclass(frozen=True, slots=True)
class Remarks:
    """`each`: for every sighting in its order; `whole`: the question, the verdict, and the rest."""

    whole: tuple[str, ...]
    each: tuple[tuple[str, ...], ...]


def remarks(flow: Flow, said: Explanation, observed: Observed) -> Remarks:
    """All that is to be said."""
    seen, verdict = observed.sightings, said.verdict
    each = [[text] for text in _hops(said, seen)]
    last = None if verdict is None else _last(verdict, seen)
    rest: list[str] = []
    drops: list[FirewallDrop | KernelDrop] = [*observed.firewall, *observed.drops]
    for drop in drops:
        text = _firewall(drop) if isinstance(drop, FirewallDrop) else f"kfree_skb {drop.reason} at {drop.function}"
        spots = [at for at in (_dropped(drop, seen), last) if at is not None and _concerns(drop, seen[at])]
        for at in spots:  # a drop is told once, of the first of several tries; the last of them died there too
            each[at].append(text)
        if not spots:
            rest.append(f"{drop.node}: {text}")
    if verdict is not None and last is not None:
        each[last].append(_death(verdict, seen[last]))
    whole = (_question(flow), *_outcome(said), *rest, *said.notes)
    return Remarks(tuple(dict.fromkeys(whole)), tuple(tuple(dict.fromkeys(texts)) for texts in each))


def _question(flow: Flow) -> str:
    size = f", {flow.size} bytes" if flow.size is not None else ""
    return f"question: {'ping ' if flow.kind == PING else ''}{flow.text()}{size}"


def _outcome(said: Explanation) -> list[str]:
    if said.ok:
        first = "verdict: it arrives" + (f", in {said.rtt_us:.0f} µs" if said.rtt_us is not None else "")
    elif said.verdict is None:
        first = f"verdict: {said.reason or 'no reply'}"
    else:
        first = f"verdict: {_finding(said.verdict)}"
    return [first, *(f"also: {_finding(one)}" for one in said.also), *(f"warning: {_finding(one)}" for one in said.warnings)]


def _finding(one: Finding) -> str:
    leg = "on the way back, " if one.direction == BACK else ""
    return f"{one.slug} at {_place(one)} ({one.grade}): {leg}{one.summary}"


def _place(one: Finding) -> str:
    return f"{one.where}, {one.where.stage}" if one.where.stage else str(one.where)


def _hops(said: Explanation, seen: Sequence[Sighting]) -> list[str]:
    """Which hop each of them is."""
    behind = _unseen(said)
    total = len(said.request) + len(said.reply) + behind
    back = len(said.request) + (behind if said.verdict is not None and said.verdict.direction != BACK else 0) + 1
    numbers: dict[tuple[object, ...], tuple[int, PathHop]] = {}
    for start, hops in ((1, said.request), (back, said.reply)):
        for number, hop in enumerate(hops, start):
            numbers[hop.node, hop.interface, hop.direction, hop.ns] = number, hop
    before: dict[tuple[object, ...], tuple[int, PathHop]] = {}
    texts = []
    for one in seen:
        key, again = (one.node, one.interface, one.direction, one.what, one.about), ""
        if (found := numbers.pop((one.node, one.interface, one.direction, one.ns), None)) is not None:
            before[key] = found
        else:
            found, again = before.get(key), " once more"
        texts.append(f"beside the way: {_word(one)}" if found is None else f"hop {found[0]} of {total}{again}: {found[1].note}")
    return texts


def _word(one: Sighting) -> str:
    return {SOLICIT: f"who has {one.about}?", ANSWER: f"{one.about} is answered"}.get(one.what, one.what)


def _unseen(said: Explanation) -> int:
    """How many places were never reached, with the one where it died."""
    if said.verdict is None:
        return 0
    seen = {f"{hop.node}:{hop.interface}" for hop in (*said.request, *said.reply)}
    where = said.verdict.where
    return len({place for place in said.expected if place not in seen} | {f"{where.node}:{where.interface or ''}"})


def _firewall(drop: FirewallDrop) -> str:
    chain = f"{drop.family} {drop.table} {drop.chain}"
    if drop.handle is None:
        return f"nft: the policy of {chain} ({drop.hook}): drop"
    return f"nft: {chain} handle {drop.handle} ({drop.hook}): {drop.text or 'drop'}"


def _dropped(drop: FirewallDrop | KernelDrop, seen: Sequence[Sighting]) -> int | None:
    """The sighting after which it was dropped: the last in that node, at the place that is told rather than elsewhere."""
    within = [at for at, one in enumerate(seen) if _concerns(drop, one)]
    there = [at for at in within if seen[at].interface == drop.interface]
    if isinstance(drop, KernelDrop):
        wishes = [[at for at in found if seen[at].ns <= drop.ns] for found in (there, within)]
    else:  # a trace tells no time, but no hook comes behind the last look at a packet that leaves
        wishes = [[at for at in found if seen[at].direction == IN] for found in (there, within)]
    return next((found[-1] for found in (*wishes, within) if found), None)


def _concerns(drop: FirewallDrop | KernelDrop, one: Sighting) -> bool:
    return (one.node, one.what) == (drop.node, drop.what)


def _last(verdict: Finding, seen: Sequence[Sighting]) -> int | None:
    """Where it was seen last: the packet itself rather than a question for its way, or the refusal that came back."""
    place = verdict.last_seen
    if place is None:
        return None
    direction = _STAGES.get(place.stage)
    there = [
        at for at, one in enumerate(seen)
        if one.node == place.node and place.interface in {None, one.interface} and direction in {None, one.direction}
    ]
    own = [[at for at in there if seen[at].what == what] for what in ((REPLY, REQUEST) if verdict.direction == BACK else (REQUEST,))]
    if verdict.direction != BACK and there and seen[there[-1]].what == REPLY:
        own.append([at for at, one in enumerate(seen) if (one.node, one.what) == (verdict.where.node, REQUEST)])
    return next((found[-1] for found in (*own, there) if found), None)


def _death(verdict: Finding, last: Sighting) -> str:
    back = verdict.direction == BACK and last.what != REPLY
    if last.node == verdict.where.node:
        return f"{'the reply ' if back else ''}died here: {verdict.slug}: {verdict.summary}"
    return f"last seen here; {'on the way back, ' if back else ''}{verdict.slug} at {_place(verdict)}: {verdict.summary}"
