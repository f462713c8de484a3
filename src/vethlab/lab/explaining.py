"""A question about packets and its answer.

Enters: a flow between two ends of a lab; leaves: an Answer, the explanation with the fixes that were tried on a copy.
Rule of the file: values and the order of the steps; what is decided is decided in `explain`.
"""

from __future__ import annotations

from dataclasses import dataclass

from vethlab.model.finding import Command, Explanation
from vethlab.model.flow import Flow

__all__ = ["Answer", "Offer"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A fix as it is offered. `rehearsed`: how many paths passed of how many, on a copy; None: not tried, and `why_not` is the sentence.

    `policy`: it changes what somebody decided (a filter, a firewall), not what broke.
    """

    title: str
    commands: tuple[Command, ...]
    rehearsed: tuple[int, int] | None = None
    why_not: str = ""
    policy: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. `notes`: what else is worth knowing, one sentence each; `lab`: its name, where it is known."""

    flow: Flow
    explanation: Explanation
    fixes: tuple[Offer, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    lab: str = ""
