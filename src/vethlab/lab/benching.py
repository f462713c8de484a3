"""Measuring data planes: of a running lab, or the same two nodes on each plane in turn.

Enters: a lab, or the names of planes; leaves: Rows. Rule of the file: loopback of the same machine is measured beside them, since only
ratios mean anything; a plane that this machine has not is a Row with the reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from vethlab.errors import LabError, UsageError, VethlabError
from vethlab.lab.facade import Lab
from vethlab.probe.speed import End, Figures, measure

if TYPE_CHECKING:
    from vethlab.model.address import IPInterface
    from vethlab.model.topology import Topology

__all__ = ["PLANES", "Row", "bench", "planes"]

LOCAL = ip_address("127.0.0.1")


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `figures` None: not to be had, and `refused` says why."""

    plane: str
    tuned: bool = False
    figures: Figures | None = None
    refused: str = ""


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


def bench(lab: Lab, src: str | None, dst: str | None, *, seconds: float) -> Iterator[Row]:
    """Loopback of `src`, then the way from `src` to `dst`: the lab's first two nodes with addresses, where none are named."""
    topology = lab.topology
    first, second = _ends(topology, src, dst)
    yield Row("loopback", figures=measure(lab.namespaces, End(first.node, LOCAL), End(first.node, LOCAL), seconds=seconds))
    yield Row(f"{first.node} -> {second.node}", figures=measure(lab.namespaces, first, second, seconds=seconds))


def planes(names: Sequence[str], *, seconds: float, tuned: Iterable[bool] = (False, True)) -> Iterator[Row]:
    """Loopback, then each plane plain and tuned, in labs that live as long as it takes. UsageError for a plane that there is not."""
    for name in names:
        if name not in PLANES:
            raise UsageError(f"there is no plane `{name}`", help=f"planes: {', '.join(PLANES)}")
    with _lab("direct", tuned=False) as lab:
        yield Row("loopback", figures=measure(lab.namespaces, End("a", LOCAL), End("a", LOCAL), seconds=seconds))
    for name in names:
        for fast in tuned:
            try:
                with _lab(name, tuned=fast) as lab:
                    src, dst = _ends(lab.topology, *(("h1/a", "h2/b") if name == "vxlan" else ("a", "b")))
                    yield Row(name, fast, measure(lab.namespaces, src, dst, seconds=seconds))
            except VethlabError as error:
                yield Row(name, fast, refused=error.message)


def _lab(plane: str, *, tuned: bool) -> Lab:
    lab = Lab(f"bench-{plane}-{os.getpid()}")
    PLANES[plane](lab, tuned)
    return lab


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
