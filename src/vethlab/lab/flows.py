"""`a`, `a:eth0`, `10.0.0.2`: what people write, as a flow.

Enters: the words of a question, the topology, the wiring; leaves: a Flow. Rule of the file: declared addresses first, as `check` takes
them, since a question about a node is a question about the address it should have; what was added by hand is found in the wiring.
NotFoundError for what is in neither.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from ipaddress import ip_address
from typing import TYPE_CHECKING

from vethlab.errors import NotFoundError, UsageError
from vethlab.model.flow import ARP, PING, TCP, Flow, Side
from vethlab.model.link import LOOPBACK, End
from vethlab.model.names import HOST, WORLD
from vethlab.model.path import Path
from vethlab.model.topology import Check, CheckEnd, Topology
from vethlab.plan.paths import expand

if TYPE_CHECKING:
    from vethlab.model.address import IP
    from vethlab.model.snapshot import Wiring

__all__ = ["flow_between", "path_of"]

LOCALHOST = "localhost"


def flow_between(
    topology: Topology, wiring: Wiring, src: str, dst: str, *, kind: str = PING, port: int | None = None, size: int | None = None,
) -> Flow:
    """The flow a question means."""
    dst, port = _port(dst, port, wiring)
    kind = TCP if port is not None and kind == PING else kind
    names = set(topology.namespaces)
    source, target = _end(src, names, wiring, topology), _end(dst, names, wiring, topology)
    if source.address is not None and not (set(wiring.owners(source.address)) | set(wiring.meant_for(source.address))):
        raise UsageError(f"no node of the lab has {source.address}: nothing can be sent from there", where=src)
    if source.address is not None:
        owner = (*wiring.owners(source.address), *wiring.meant_for(source.address))[0]
        source = replace(source, nodes=(owner.netns,))
    if source.word == LOCALHOST:
        raise UsageError("`localhost` is everybody's own: from whose?", where=src, help=f"name the node: vethlab why host {dst}")
    if (source.word, target.word) == (WORLD, LOCALHOST):
        raise UsageError(
            f"`{dst}` of the world is the world's own: nothing of the lab is there", where=dst,
            help="a published port of the lab's host is `host:PORT` from there",
        )
    same = (source.nodes, source.word) == (target.nodes, target.word) and target.address is None and not (target.word and port)
    if same and source.interface is None and target.interface is None:
        raise UsageError(f"`{src}` to itself crosses nothing", help="name two nodes, or two interfaces of one: box:veth0 box:veth1")
    check = Check("ping" if kind in {PING, ARP} else kind, replace(source, address=None), replace(target, port=port))
    path = expand(replace(topology, checks=(check,)))[0]
    address: IP | None = None if path.dst.is_unspecified else path.dst
    if address is None and path.dst_node is not None:
        address = _live(wiring, path.dst_node, target.interface, near=path.src)
    bound = path.source or source.address or (_bound(wiring, path.src, path.interface, address) if path.interface else None)
    holders = wiring.owners(address) if address is not None else ()
    node = path.dst_node or (holders[0].netns if holders else None)
    if address is not None and address.is_loopback:  # everybody has those, and reaches only his own
        node = path.src
    return Flow(kind, Side(path.src, path.interface, bound), Side(node, target.interface, address), port, size, path.leads)


def path_of(flow: Flow) -> Path | None:
    """The flow as `probe` knows it."""
    if flow.src.node is None or flow.dst.address is None:
        return None
    kind = "ping" if flow.kind == ARP else flow.kind
    return Path(kind, flow.src.node, flow.dst.address, str(flow.dst), flow.dst.node, flow.port, flow.src.interface, leads=flow.leads)


def _port(word: str, port: int | None, wiring: Wiring) -> tuple[str, int | None]:
    """`host:8080`, `localhost:8080`, `10.0.0.1:80`, `[fd00::1]:80`: digits after the last colon, if no interface is called so."""
    head, colon, digits = word.rpartition(":")
    plain = ":" not in head or (head.startswith("[") and head.endswith("]"))
    if not (colon and plain and digits.isdecimal()) or End(head, digits) in wiring.wires:
        return word, port
    if port is not None and port != int(digits):
        raise UsageError(f"`{word}` names a port, and {port} is another", help="say it once", where=word)
    return head, int(digits)


def _end(word: str, names: set[str], wiring: Wiring, topology: Topology) -> CheckEnd:
    """One side of the question. NotFoundError for a node or an interface that is not there."""
    try:
        return CheckEnd(address=ip_address(word.strip("[]")))
    except ValueError:
        node, _, interface = word.partition(":")
    if word == WORLD and topology.uplink != "none":
        raise UsageError(
            f"with `uplink: {topology.uplink}` the world is the real one, and `world` is no address of it", where=word,
            help="ask for an address", slug="world-is-real",
        )
    if word == LOCALHOST:
        return CheckEnd(word=LOCALHOST)
    if node not in names:
        near = get_close_matches(node, names, n=1)
        remedy = f"did you mean `{near[0]}`?" if near else f"its nodes: {', '.join(sorted(names - {HOST})[:12])}"
        raise NotFoundError(f"lab `{topology.name}` has no node `{node}`", where=word, slug="no-such-node", help=remedy)
    end = End(node, interface)
    if interface and end not in wiring.wires and end not in wiring.declared:
        own = sorted(wire.end.interface for wire in wiring.of(node))
        raise NotFoundError(
            f"node `{node}` has no interface `{interface}`", where=word, slug="no-such-interface",
            help=f"its interfaces: {', '.join(own[:12])}",
        )
    return CheckEnd(word=node, interface=interface or None) if node in {HOST, WORLD} else CheckEnd((node,), interface or None)


def _live(wiring: Wiring, node: str, interface: str | None, *, near: str) -> IP | None:
    """An address the node has although no file says so; on a subnet of the asker first."""
    held = [
        one for wire in wiring.of(node) if wire.end.interface in ({interface} if interface else {wire.end.interface} - {LOOPBACK})
        for one in wire.addresses if not (one.ip.is_link_local or one.ip.is_loopback)
    ]
    subnets = {one.network for wire in wiring.of(near) for one in wire.addresses}
    held.sort(key=lambda one: (one.network not in subnets, one.version))
    return held[0].ip if held else None


def _bound(wiring: Wiring, node: str, interface: str, target: IP | None) -> IP | None:
    """The address a socket bound to an interface sends from."""
    wire = wiring.wires.get(End(node, interface))
    own = [one for one in wire.addresses if target is None or one.version == target.version] if wire is not None else []
    own.sort(key=lambda one: (one.ip.is_link_local, target is not None and target not in one.network))
    return own[0].ip if own else None
