"""Lab: one short file becomes a real network, is compared, verified, and taken down.

Enters: a lab file, or sentences of Python; leaves: values (changes, receipts, reports). Rule of the file: it connects the layers and
decides nothing itself. `with Lab("pair") as lab:` holds a lab in this process: every further declaration is made real at once, and
everything vanishes with the process, however it ends. `up()` by default makes a lab that stays (docs/explanation).
"""

from __future__ import annotations

import copy
import os
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vethlab import spec
from vethlab.errors import LabError, NotFoundError
from vethlab.keep.client import Keeper
from vethlab.lab.asked import Asked
from vethlab.lab.held import Held
from vethlab.lab.mode import choose_mode

if TYPE_CHECKING:
    from vethlab.change import Change
    from vethlab.keep.client import Scope, View
    from vethlab.keep.launch import Starting
    from vethlab.kernel.port import ProcessStatus
    from vethlab.lab.listing import LabInfo
    from vethlab.lab.node import Node
    from vethlab.lab.session import Session
    from vethlab.model.state import State
    from vethlab.model.topology import Topology
    from vethlab.observe.capture import Capture

__all__ = ["Lab", "Receipt"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What `up` did. `created`: the lab did not run before; `untouched`: nodes in which nothing was changed.

    `warnings`: what the machine refused and the lab does without, one sentence each (`doctor` knows more).
    """

    changes: tuple[Change, ...]
    created: bool
    seconds: float
    mode: str
    nodes: int
    links: int
    untouched: int
    warnings: tuple[str, ...] = ()


class Lab(Asked):
    """A lab, declared and perhaps running. `keys` are those of the lab file besides its nodes, links and networks: `host="machine"`."""

    def __init__(self, name: str = "lab", *, mode: str = "auto", **keys: Any) -> None:
        self._draft: spec.Draft | None = None
        self._keys = keys
        self._name = name
        self._topology: Topology | None = None
        self._text: str | None = None
        self._mode = mode
        self._guard = threading.RLock()  # one declaration or change at a time, whichever thread it comes from
        self._starting: Starting | None = None
        self._held: Held | None = None
        self._session: Session | None = None

    @classmethod
    def load(cls, file: str | os.PathLike[str], *, mode: str = "auto", ahead: bool = False) -> Self:
        """A lab from its file. SpecErrors names every mistake of the file at once.

        `ahead`: `up` will follow, so let the keeper's interpreter boot beside the parsing; without `up` it dies with this object.
        """
        from vethlab.spec.file import read_text  # noqa: PLC0415 - a running lab reads no file

        path = os.fspath(file)
        text = read_text(path)
        name = spec.plain_name(text) if ahead else None
        starting = Keeper.prepare(name, choose_mode(mode)) if name is not None else None
        try:
            topology = spec.loads(text, path)
            lab = cls(topology.name, mode=mode)
            lab._text, lab._topology = text, topology
            if starting is not None and topology.name == name:
                lab._starting, starting = starting, None
        finally:
            if starting is not None:
                starting.abandon()
        return lab

    @classmethod
    def running(cls, name: str) -> Self:
        """A lab that is up. NotFoundError if there is none of that name."""
        held = Held.attach(name)
        lab = cls(name, mode=held.record.mode)
        lab._text, lab._held = held.record.text, held
        return lab

    @property
    def topology(self) -> Topology:
        """What is declared, in full."""
        if self._topology is None:
            if self._text is not None and self._held is not None:
                self._topology = self._held.declared()
            else:
                self._topology = self._drafted().topology()
        return self._topology

    @property
    def name(self) -> str:
        """The lab's name."""
        return self._name

    def to_yaml(self) -> str:
        """The canonical lab file; loading it gives an equal lab."""
        return spec.to_yaml(self.topology)

    def node(self, name: str, **keys: Any) -> Node:
        """Declare a node; `keys` as in the lab file (run, sysctl, routes, ...)."""
        self._declare(lambda draft: draft.node(name, **keys))
        return self._handle(name)

    def link(self, left: str, right: str, **keys: Any) -> None:
        """Declare a cable: `lab.link("a 10.0.0.1/24", "b 10.0.0.2/24", mtu=9000)`."""
        self._declare(lambda draft: draft.link(left, right, **keys))

    def bridge(self, name: str, **keys: Any) -> None:
        """Declare a bridge: `lab.bridge("br0", subnet="10.1.0.0/24", nodes=["a", "b"])`."""
        self._declare(lambda draft: draft.network(name, **keys))

    def plan(self) -> tuple[Change, ...]:
        """What `up` would do now."""
        if self._held is None:
            try:
                self._held = Held.attach(self.name)
            except NotFoundError:
                from vethlab.model.state import Netns, State  # noqa: PLC0415
                from vethlab.plan.desired import desired  # noqa: PLC0415 - the engine is loaded by those who use it
                from vethlab.plan.diff import diff  # noqa: PLC0415 - the engine is loaded by those who use it

                return diff(State({self.topology.machine: Netns()} if self.topology.machine else {}), desired(self.topology), new=True)
        return self._engine().plan(self.topology)

    def up(self, *, detach: bool = True, names: bool = False) -> Receipt:
        """Make the kernel agree with what is declared. A failure puts back what was before (BuildError)."""
        started = time.perf_counter()
        topology, text = self.topology, self._text if self._text is not None else self.to_yaml()
        if names:
            from vethlab.lab import naming  # noqa: PLC0415 - root only

            naming.require(topology, self._held.keeper.mode if self._held else choose_mode(self._mode))
        with self._guard:
            created, changes = self._reach(topology, text, detach=detach)
        held = self._running()
        if names or held.record.mode == "root":
            from vethlab.lab import naming  # noqa: PLC0415

            try:
                naming.settle(held, topology, asked=names, created=created)
            except BaseException:
                if created:  # a lab that could not come up as it was asked for does not stay
                    self.down()
                raise
        touched = {one.netns for one in changes}
        return Receipt(
            changes=changes, created=created, seconds=time.perf_counter() - started, mode=held.record.mode, nodes=held.record.nodes,
            links=held.record.links, untouched=sum(node.name not in touched for node in topology.nodes), warnings=held.warnings(topology),
        )

    def _reach(self, topology: Topology, text: str, *, detach: bool) -> tuple[bool, tuple[Change, ...]]:
        if self._held is not None:
            return False, self._engine().converge(topology, text)
        mode = choose_mode(self._mode)
        starting, self._starting = self._starting or (Keeper.prepare(self.name, mode) if detach else None), None
        from vethlab.lab import opening  # noqa: PLC0415 - only for those who build

        if detach:
            self._session, changes, new = opening.reach(topology, mode, text, starting, forced=self._mode != "auto")
        else:
            self._session, changes = opening.hold(topology, mode, text)
            new = True
        self._held = self._session.held
        return new, changes

    def down(self, *, wait: bool = False) -> None:
        """Take the lab down. Returns when nothing runs in it any more; `wait`: when the kernel has freed everything."""
        (self._held or Held.attach(self.name)).end(wait=wait)
        self._held = self._session = None

    def capture(self, *places: str, filter: str = "", snaplen: int = 0) -> Capture:  # noqa: A002 - the word users know
        """Frames of nodes (`a`), interfaces (`a:eth0`) or of all: `with lab.capture("a") as c: for batch in c.batches(seconds=1): ...`."""
        from vethlab.lab.capturing import start  # noqa: PLC0415 - only for those who look

        return start(self._running().namespaces, places, expression=filter, snaplen=snaplen)

    def state(self) -> State:
        """What the kernel holds for this lab now."""
        return self._engine().compare(self.current)[0]

    def processes(self) -> list[ProcessStatus]:
        """The `run:` processes of this lab."""
        from vethlab.kernel.ovs_daemons import others  # noqa: PLC0415 - `up` does not need it

        return others(self._running().namespaces.processes())

    @property
    def namespaces(self) -> Scope:
        """The lab's namespaces, for sockets of your own."""
        return self._running().namespaces

    def view(self, node: str) -> View:
        """Descriptors with which a process enters a node."""
        if node not in self.namespaces.names():
            raise NotFoundError(f"lab `{self.name}` has no node `{node}`", where=node, slug="no-such-node", help=self._known_nodes())
        return self._running().namespaces.view(node)

    def info(self) -> LabInfo:
        """The running lab in one line."""
        from vethlab.lab.listing import info_of  # noqa: PLC0415 - `up` does not need it

        held = self._running()
        return info_of(held.record, held.keeper.pid, os.getuid())

    def __getitem__(self, node: str) -> Node:
        if node not in self.current.namespaces:
            raise NotFoundError(f"lab `{self.name}` has no node `{node}`", where=node, slug="no-such-node", help=self._known_nodes())
        return self._handle(node)

    def __enter__(self) -> Self:
        self.up(detach=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.down()

    def _handle(self, node: str) -> Node:
        from vethlab.lab.node import Node  # noqa: PLC0415 - the command line has no nodes to hand out

        return Node(self, node)

    def _declare(self, say: Any) -> None:
        with self._guard:
            self._declare_alone(say)

    def _declare_alone(self, say: Any) -> None:
        before = (copy.deepcopy(self._drafted()), self._topology, self._text)
        say(self._drafted())
        self._topology, self._text = None, None
        if self._held is None:
            return
        try:
            self._engine().converge(self.topology, self.to_yaml())
        except BaseException:  # what could not be made real is not declared either
            self._draft, self._topology, self._text = before
            raise

    def _drafted(self) -> spec.Draft:
        if self._draft is None:
            self._draft = spec.Draft(self._name, **self._keys) if self._text is None else spec.Draft.of(self.topology)
        return self._draft

    def _running(self) -> Held:
        if self._held is None:
            raise LabError(f"lab `{self.name}` is not up", slug="not-up", help="call up(), or use it in a `with` statement")
        return self._held

    def _engine(self) -> Session:
        if self._session is None:
            from vethlab.lab.session import Session  # noqa: PLC0415 - the engine is loaded by those who use it

            self._session = Session(self._running())
        return self._session

    def _known_nodes(self) -> str:
        names = [node.name for node in self.current.nodes]
        return f"its nodes: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"
