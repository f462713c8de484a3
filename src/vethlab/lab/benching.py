"""Measuring data planes: of a running lab, or the same two nodes on each plane in turn.

Enters: a lab, or the names of planes; leaves: Rows. Rule of the file: loopback of the same machine is measured beside them with the same
tool, since only ratios mean anything; a plane that this machine has not is a Row with the reason.
"""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from vethlab.errors import HostError, LabError, UsageError, VethlabError
from vethlab.keep.join import launcher_argv
from vethlab.kernel.features import which
from vethlab.lab.facade import Lab
from vethlab.probe.iperf3 import Iperf3
from vethlab.probe.speed import End, Figures, measure

if TYPE_CHECKING:
    from vethlab.model.address import IPInterface
    from vethlab.model.topology import Topology

__all__ = ["OWN", "PLANES", "Row", "Streams", "bench", "built", "iperf3", "planes", "streams"]

LOCAL = ip_address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `figures` None: not to be had, and `refused` says why."""

    plane: str
    tuned: bool = False
    figures: Figures | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Streams:
    """Who makes streams: iperf3 of that `version` at `program`, or (both empty) sockets of our own."""

    program: str = ""
    version: str = ""

    @property
    def name(self) -> str:
        """As `--with` has it."""
        return "iperf3" if self.program else "own"

    def lasts(self, seconds: float) -> float:
        """How long a stream lasts that was asked to last so long: iperf3 counts whole seconds."""
        return max(1, math.ceil(seconds)) if self.program else seconds


OWN = Streams()


def streams(wanted: str | None = None) -> Streams:
    """`iperf3` or `own` as wanted; else iperf3 where it is installed. HostError where it is wanted and missing."""
    program = None if wanted == "own" else which("iperf3")
    if program is None:
        if wanted == "iperf3":
            help_ = "apt install iperf3; or `bench --with own`"
            raise HostError("iperf3 is not installed", help=help_, slug="no-iperf3")
        return OWN
    words = subprocess.run([program, "--version"], check=False, capture_output=True, text=True).stdout.split()
    return Streams(program, words[1] if len(words) > 1 else "")


def _network(kind: str) -> Callable[[Lab, bool], None]:
    def declare(lab: Lab, tuned: bool) -> None:
        lab.bridge("net0", type=kind, subnet="10.0.0.0/24", nodes=["a", "b"], **_keys(tuned=tuned))

    return declare


def _direct(lab: Lab, tuned: bool) -> None:
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24", **_keys(tuned=tuned))


def _routed(lab: Lab, tuned: bool) -> None:
    lab.node("r", forward=True)
    lab.node("a", routes=["10.0.2.0/24 via 10.0.1.1"])
    lab.node("b", routes=["10.0.1.0/24 via 10.0.2.1"])
    lab.link("a 10.0.1.2/24", "r 10.0.1.1/24", **_keys(tuned=tuned))
    lab.link("r 10.0.2.1/24", "b 10.0.2.2/24", **_keys(tuned=tuned))


def _vxlan(lab: Lab, tuned: bool) -> None:
    for host in ("h1", "h2"):
        lab.node(host, role="host")
    lab.link("h1 192.168.50.1/24", "h2 192.168.50.2/24", **_keys(tuned=tuned))
    lab.bridge("net0", type="vxlan", vni=1, subnet="10.0.0.0/24", nodes=["h1/a", "h2/b"], **_keys(tuned=tuned))


def _keys(*, tuned: bool) -> dict[str, Any]:
    return {"tuned": True} if tuned else {}


PLANES: dict[str, Callable[[Lab, bool], None]] = {
    "direct": _direct, "bridge": _network("bridge"), "ovs": _network("ovs"), "vxlan": _vxlan, "routed": _routed,
    "macvlan": _network("macvlan"),
}


def bench(lab: Lab, src: str | None, dst: str | None, *, seconds: float, by: Streams = OWN) -> Iterator[Row]:
    """Loopback of `src`, then the way from `src` to `dst`: the lab's first two nodes with addresses, where none are named."""
    topology = lab.topology
    first, second = _ends(topology, src, dst)
    here = End(first.node, LOCAL)
    yield Row("loopback", figures=_measured(lab, here, here, seconds, by))
    yield Row(f"{first.node} -> {second.node}", figures=_measured(lab, first, second, seconds, by))


def planes(names: Sequence[str], *, seconds: float, tuned: Iterable[bool] = (False, True), by: Streams = OWN) -> Iterator[Row]:
    """Loopback, then each plane plain and tuned, in labs that live as long as it takes. UsageError for a plane that there is not."""
    for name in names:
        if name not in PLANES:
            raise UsageError(f"there is no plane `{name}`", help=f"planes: {', '.join(PLANES)}")
    with built("direct") as (lab, _, _):
        yield Row("loopback", figures=_measured(lab, End("a", LOCAL), End("a", LOCAL), seconds, by))
    for name in names:
        for fast in tuned:
            try:
                with built(name, tuned=fast) as (lab, src, dst):
                    yield Row(name, fast, _measured(lab, src, dst, seconds, by))
            except VethlabError as error:
                yield Row(name, fast, refused=error.message)


@contextmanager
def built(plane: str, *, tuned: bool = False) -> Iterator[tuple[Lab, End, End]]:
    """Two nodes on a plane, for as long as the block lasts."""
    lab = Lab(f"bench-{plane}-{os.getpid()}")
    PLANES[plane](lab, tuned)
    with lab:
        yield lab, *_ends(lab.topology, *(("h1/a", "h2/b") if plane == "vxlan" else ("a", "b")))


def iperf3(lab: Lab, program: str) -> Iperf3:
    """That program, run in nodes of a lab."""
    def start(node: str, argv: Sequence[str]) -> subprocess.Popen[str]:
        view = lab.view(node)
        try:
            launcher, keep = launcher_argv(view, argv, bound=True)
            return subprocess.Popen(
                launcher, pass_fds=keep, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
        finally:
            view.close()

    return Iperf3(lab.namespaces, start, program)


def _measured(lab: Lab, src: End, dst: End, seconds: float, by: Streams) -> Figures:
    return measure(lab.namespaces, src, dst, seconds=seconds, tool=iperf3(lab, by.program) if by.program else None)


def _ends(topology: Topology, src: str | None, dst: str | None) -> tuple[End, End]:
    """Two nodes with an address of one family each; of one subnet, if they have one in common. Routers are not meant unless named."""
    held: dict[str, list[IPInterface]] = {node.name: [] for node in topology.nodes if node.role == "node"}
    ends = [end for cable in topology.cables for end in (cable.left, cable.right)]
    for end in (*ends, *(port.endpoint for network in topology.networks for port in network.ports)):
        held.setdefault(end.node, []).extend(end.addresses)
    routers = {node.name for node in topology.nodes if node.forward or node.role != "node"}
    able = [name for name, addresses in held.items() if addresses and name not in routers]
    first = src or next(iter(able), "")
    second = dst or next((name for name in reversed(able) if name != first), "")
    pairs = [(one, other) for one in held.get(first, ()) for other in held.get(second, ()) if one.version == other.version]
    if not pairs:
        what = f"`{first}` and `{second}` have" if first and second else "two nodes of the lab would need"
        raise LabError(f"{what} no address of one family" if first and second else f"{what} addresses", slug="no-answer")
    one, other = next((pair for pair in pairs if pair[0].network == pair[1].network), pairs[0])
    return End(first, one.ip), End(second, other.ip)
