"""A double of the `vethlab.lab` facade, and what a command line left."""

# ruff: noqa: D102 - it answers as the facade does

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

from vethlab import spec
from vethlab.change import Change
from vethlab.errors import NotFoundError
from vethlab.model.path import Path, Report, Result
from vethlab.model.state import State
from vethlab.model.topology import Topology
from vethlab.plan.desired import desired
from vethlab.plan.diff import diff

PAIR = "name: pair\nlinks:\n  - a 10.0.0.1/24 -- b 10.0.0.2/24\n"


@dataclass
class Ran:
    """What one command line left."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as its one JSON document."""
        return json.loads(self.out)


Cli = Callable[..., Ran]


@dataclass
class FakeLab:
    """One lab of the double. `report` is what a check answers, `answers` what (source, target) or (verb, source, target) is answered."""

    world: World
    topology: Topology
    mode: str = "rootless"
    error: Exception | None = None
    report: Report | None = None
    drift: tuple[Change, ...] | None = None
    answers: dict[tuple[str, ...], Any] = field(default_factory=dict)
    question: Any = None
    mended: Any = None
    undone: Any = None
    calls: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.topology.name

    @property
    def current(self) -> Topology:
        return self.topology

    def info(self) -> Any:
        return SimpleNamespace(
            name=self.name, mode=self.mode, nodes=len(self.topology.nodes), links=len(self.topology.cables), since=self.world.since,
            file=self.topology.source, pid=4242, uid=os.getuid(), host="private",
        )

    def state(self) -> State:
        return desired(self.topology)

    def plan(self) -> tuple[Change, ...]:
        if self.drift is not None:
            return self.drift
        return () if self.name in self.world.up else diff(State(), desired(self.topology), new=True)

    def up(self, *, detach: bool = True, names: bool = False) -> Any:
        if self.error:
            raise self.error
        changes, created = self.plan(), self.name not in self.world.up
        self.calls.append(f"up detach={detach} names={names}")
        self.world.up[self.name] = self
        return SimpleNamespace(
            changes=changes, created=created, seconds=0.012, mode=self.mode, nodes=2, links=1, untouched=2, warnings=(),
        )

    def down(self, *, wait: bool = False) -> None:
        self.calls.append(f"down wait={wait}")
        del self.world.up[self.name]

    def check(self, selectors: Sequence[str] = (), *, seed: int | None = None, timeout: float = 1.0) -> Report:
        self.calls.append(f"check seed={seed} timeout={timeout}")
        assert not selectors
        return self.report or Report((), 0.009)

    def why(self, src: str, dst: str, **how: Any) -> Any:
        return self._asked("why", src, dst, how)

    def trace(self, src: str, dst: str, **how: Any) -> Any:
        return self._asked("trace", src, dst, how)

    def fix(self, src: str | None = None, dst: str | None = None, **how: Any) -> Any:
        self.calls.append(said("fix", src, dst, how))
        if self.error:
            raise self.error
        return self.mended

    def undo(self) -> Any:
        self.calls.append("undo")
        return self.undone

    def last_question(self) -> Any:
        return self.question

    def _asked(self, verb: str, src: str, dst: str, how: Mapping[str, Any]) -> Any:
        self.calls.append(said(verb, src, dst, how))
        found = self.answers.get((verb, src, dst), self.answers.get((src, dst)))
        if found is None:
            raise NotFoundError(f"lab `{self.name}` has no node `{src}`", where=src, slug="no-such-node")
        return found

    def processes(self) -> list[Any]:
        return self.world.processes


def said(verb: str, src: str | None, dst: str | None, how: Mapping[str, Any]) -> str:
    """A call as a line, with what was given: `why a b port=80`."""
    return " ".join([verb, src or "-", dst or "-", *(f"{key}={value}" for key, value in how.items() if value not in {None, "ping"})])


class World:
    """The double of the module `vethlab.lab`."""

    def __init__(self) -> None:
        self.up: dict[str, FakeLab] = {}
        self.since = 1_000_000_000.0
        self.left: list[str] = []
        self.processes: list[Any] = []
        self.explaining: Any = None
        self.environment: dict[str, str] = {}
        self.executed: list[tuple[str, str, list[str]]] = []
        self.prepare: Callable[[FakeLab], None] = lambda _lab: None
        self.Lab = SimpleNamespace(load=self.load, running=self.running)

    def load(self, path: str, *, mode: str = "auto", ahead: bool = False) -> FakeLab:  # noqa: ARG002 - nothing is started here
        lab = FakeLab(self, spec.load(path), "rootless" if mode == "auto" else mode)
        self.prepare(lab)
        return self.up.get(lab.name, lab)

    def running(self, name: str) -> FakeLab:
        if name not in self.up:
            raise NotFoundError(f"no lab `{name}` is running", slug="no-such-lab", help="`vethlab ls` lists the running labs")
        return self.up[name]

    def labs(self) -> list[Any]:
        return [lab.info() for lab in self.up.values()]

    def leftovers(self) -> list[str]:
        return list(self.left)

    def clean(self, *, dry_run: bool = False) -> list[str]:
        found = list(self.left)
        if not dry_run:
            self.left.clear()
        return found

    def exec_in(self, lab: FakeLab, node: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
        self.environment = dict(env or {})
        self.executed.append((lab.name, node, list(argv)))
        return 7

    def start(self, text: str, **attributes: Any) -> FakeLab:
        """Have a lab run."""
        lab = FakeLab(self, spec.loads(text, "made.lab.yaml"), **attributes)
        self.up[lab.name] = lab
        return lab


def ping(src: str, dst: str, rtt_us: float | None = 40.0, **keys: Any) -> Result:
    """A ping that passed, or (without a time) got no reply."""
    through = rtt_us is not None
    reason = "" if through else "no reply in 1 s"
    words: dict[str, Any] = {"ok": through, "passed": through, "rtt_us": rtt_us, "reason": reason, **keys}
    return Result(Path("ping", src, ip_address("10.0.0.9"), dst, dst_node=dst), **words)
