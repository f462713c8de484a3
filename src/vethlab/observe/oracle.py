"""Answers questions that need no packet, from the kernel: what a namespace holds, where it would send something.

Enters: Look and Route; leaves: Snapshot and Routed. Rule of the file: nothing is remembered but connections and the names of interfaces:
the same question asked again is answered by the kernel again. An Oracle lives as long as one explanation, since its sockets keep
namespaces alive.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self, overload

from vethlab.kernel.full_snapshot import look
from vethlab.kernel.inside import AT_ONCE, Inside, enter
from vethlab.kernel.netlink.lookup import lookup
from vethlab.kernel.netlink.watch import links
from vethlab.kernel.port import Namespaces
from vethlab.model.question import Look, Route, Routed
from vethlab.model.snapshot import Snapshot

__all__ = ["Oracle"]


class Oracle:
    """The kernel of a lab's namespaces, asked. One user at a time."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._entered: dict[str, Inside] = {}
        self._indexes: dict[str, tuple[dict[str, int], dict[int, str]]] = {}

    @overload
    def answer(self, question: Look) -> Snapshot: ...
    @overload
    def answer(self, question: Route) -> Routed: ...
    def answer(self, question: Look | Route) -> Snapshot | Routed:
        """Ask the kernel. NotFoundError for a namespace that the lab does not have."""
        if isinstance(question, Look):
            return self.snapshots([question.netns])[question.netns]
        connection = self._inside([question.netns])[question.netns].route
        known = self._indexes.get(question.netns)
        if known is None or any(name is not None and name not in known[0] for name in (question.iif, question.oif)):
            known = self._learn(question.netns, ((link.name, link.number) for link in links(connection)))
        routed = lookup(connection, question, *known)
        if not routed.error and routed.interface is None:  # it leaves by an interface that is new
            known = self._learn(question.netns, ((link.name, link.number) for link in links(connection)))
            routed = lookup(connection, question, *known)
        return routed

    def snapshots(self, names: Iterable[str]) -> dict[str, Snapshot]:
        """Several namespaces at once, which costs less than one after the other."""
        wanted = list(dict.fromkeys(names))
        found: dict[str, Snapshot] = {}
        for start in range(0, len(wanted), AT_ONCE):
            found |= look(self._namespaces, self._inside(wanted[start : start + AT_ONCE]))
        for name, snapshot in found.items():
            self._learn(name, ((one.name, one.index) for one in snapshot.interfaces.values()))
        return found

    def close(self) -> None:
        """Let go of the namespaces."""
        for inside in self._entered.values():
            inside.close()
        self._entered.clear()
        self._indexes.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _inside(self, names: list[str]) -> dict[str, Inside]:
        missing = [name for name in names if name not in self._entered]
        while len(self._entered) + len(missing) > AT_ONCE:  # no more are asked for at once, so the oldest is somebody else
            self._entered.pop(next(name for name in self._entered if name not in names)).close()
        if missing:
            self._entered |= enter(self._namespaces, missing)
        return {name: self._entered[name] for name in names}

    def _learn(self, netns: str, seen: Iterable[tuple[str, int]]) -> tuple[dict[str, int], dict[int, str]]:
        indexes = dict(seen)
        known = self._indexes[netns] = (indexes, {number: name for name, number in indexes.items()})
        return known
