"""What a random fault is put into: a question, its way, and the fault itself as a value.

Enters: a world of worlds.py; leaves: values. Rule of the file: the addresses that a packet has on a leg are known here, so that a fault
means the packet where it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.faults.worlds import Leg, World

__all__ = ["LARGE", "Injection", "Maker", "Question", "Scene"]

LARGE = ("--size", "1300")  # passes any overlay, and nothing that is made narrow


@dataclass(frozen=True, slots=True)
class Question:
    """A question: two hosts, the IP version, and the options of `why`."""

    src: str
    dst: str
    version: int
    options: tuple[str, ...] = ()
    target: str = ""  # where that is not an address of `dst`


@dataclass(frozen=True, slots=True)
class Injection:
    """What is broken. `findings`: the slugs that are true of it; `nodes`: whose configuration is at fault.

    `{mac:NODE:INTERFACE}` in a line stands for that interface's MAC. `options` None: whatever the question has.
    """

    name: str
    lines: tuple[str, ...]
    findings: tuple[str, ...]
    nodes: tuple[str, ...]
    options: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault may go."""

    world: World
    question: Question
    legs: list[Leg]
    chance: Random

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.question.version

    @property
    def ip(self) -> str:
        """The program and its family."""
        return "ip" if self.version == 4 else "ip -6"

    @property
    def target(self) -> str:
        """The address that is asked for."""
        last = self.legs[-1]
        return self.question.target or last.segment.address(last.receiver, self.version)

    @property
    def source(self) -> str:
        """The source's address."""
        first = self.legs[0]
        return first.segment.address(first.sender, self.version)


    def sent_to(self, leg: Leg) -> str:
        """The packet's destination on a leg."""
        return leg.target or self.target

    def sent_from(self, leg: Leg) -> str:
        """The packet's source on a leg."""
        return leg.source or self.source


Maker = Callable[[Scene], Injection | None]
