"""What enters: a lab's topology, its state where it runs, its processes. What leaves: the tables of `show` and the rows of `show/1`.

Rule of the file: what the kernel holds is shown where the lab runs, what the file declares where it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vethlab.model.link import LOOPBACK, LOOPBACK_MTU, End
from vethlab.model.names import HOST, WORLD
from vethlab.model.shaping import Shaping
from vethlab.spec.amounts import texts

if TYPE_CHECKING:
    from vethlab.kernel.port import ProcessStatus
    from vethlab.model.address import IPInterface
    from vethlab.model.link import Link
    from vethlab.model.state import State
    from vethlab.model.topology import Endpoint, Topology

__all__ = ["Interface", "document", "interfaces", "process_state"]


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface as shown; `state` is `up`, `down`, or empty where the lab does not run."""

    node: str
    name: str
    state: str
    addresses: tuple[str, ...]
    to: str
    mtu: int
    mac: str
    kind: str
    shaped: str = ""  # rate, delay and loss of what leaves by it


def interfaces(topology: Topology, state: State | None, *, wide: bool = False) -> list[Interface]:
    """Every interface, nodes in file order; `lo` and the bridge-side ports only if `wide` (or if lo has addresses of the file).

    Link-local IPv6 addresses, which every interface has, are shown only if `wide`.
    """
    return _declared(topology) if state is None else list(_actual(topology, state, wide=wide))


def document(topology: Topology, state: State | None, processes: Sequence[ProcessStatus]) -> dict[str, Any]:
    """`nodes`, `links` and `networks` of `show/1`."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in interfaces(topology, state, wide=True):
        rows.setdefault(one.node, []).append({
            "name": one.name, "kind": one.kind, "state": one.state or None, "addresses": list(one.addresses), "to": one.to or None,
            "mtu": one.mtu, "mac": one.mac or None, "shaped": one.shaped or None,
        })
    running = {status.netns: status for status in processes}
    nodes = [
        {
            "name": node.name, "role": node.role, "forward": node.forward, "interfaces": rows.get(node.name, []), "run": node.run,
            "process": _process(running.get(node.name)),
        }
        for node in topology.nodes
    ]
    if HOST in rows:
        nodes.append({"name": HOST, "role": "host", "forward": False, "interfaces": rows[HOST], "run": None, "process": None})
    if WORLD in rows:
        nodes.append({"name": WORLD, "role": "world", "forward": False, "interfaces": rows[WORLD], "run": None, "process": None})
    links = [
        {"left": _end(cable.left), "right": _end(cable.right), "mtu": cable.mtu, **_shaping(cable.shaping)} for cable in topology.cables
    ]
    networks = [
        {
            "name": network.name, "type": network.type, "on": network.on, "subnets": [str(subnet) for subnet in network.subnets],
            "gateway": [str(address) for address in network.gateway], "mtu": network.mtu, "stp": network.stp,
            **_shaping(network.shaping),
            "ports": [{**_end(port.endpoint), "port": port.name, "isolated": port.isolated} for port in network.ports],
        }
        for network in topology.networks
    ]
    return {"nodes": nodes, "links": links, "networks": networks}


def process_state(status: ProcessStatus) -> str:
    """`running`, or how it ended."""
    if status.exited is None:
        return "running"
    return f"exited {status.exited}" if status.exited < 128 else f"killed by signal {status.exited - 128}"


def _process(status: ProcessStatus | None) -> dict[str, Any] | None:
    return None if status is None else {"pid": status.pid, "exited": status.exited, "log": status.log}


def _end(end: Endpoint) -> dict[str, Any]:
    return {"node": end.node, "interface": end.interface, "addresses": [str(address) for address in end.addresses]}


def _order(topology: Topology) -> list[str]:
    host, *others = topology.namespaces
    return [*others, host]


def _targets(topology: Topology) -> dict[End, str]:
    """Where each declared interface leads: the far end of its cable, or its network."""
    found = {}
    for cable in topology.cables:
        found[End(cable.left.node, cable.left.interface)] = str(cable.right)
        found[End(cable.right.node, cable.right.interface)] = str(cable.left)
    for network in topology.networks:
        for port in network.ports:
            found[End(port.endpoint.node, port.endpoint.interface)] = network.name
            if port.name:
                found[End(port.on, port.name)] = str(port.endpoint)
        found |= {
            End(host, network.name): _ports(len(network.ports), "node") if network.type == "macvlan" else "" for host in network.hosts
        }
    return found


def _declared(topology: Topology) -> list[Interface]:
    targets = _targets(topology)
    ends = [(end, cable.mtu, "veth", cable.shaping) for cable in topology.cables for end in (cable.left, cable.right)]
    ends += [
        (port.endpoint, network.mtu, "macvlan" if network.type == "macvlan" else "veth", network.shaping)
        for network in topology.networks for port in network.ports
    ]
    rows = [
        Interface(node.name, LOOPBACK, "", _texts(node.loopbacks), "", LOOPBACK_MTU, "", "loopback")
        for node in topology.nodes if node.loopbacks
    ]
    rows += [
        Interface(
            end.node, end.interface, "", _texts(end.addresses), targets[End(end.node, end.interface)], mtu, end.mac or "", kind,
            " ".join(texts(said).values()),
        )
        for end, mtu, kind, said in ends
    ]
    rows += [
        Interface(
            host, network.name, "", _texts(network.gateway if host == network.on else ()),
            targets[End(host, network.name)] or _ports(sum(port.on == host for port in network.ports)), network.mtu, "",
            "veth" if network.type == "macvlan" else "bridge",
        )
        for network in topology.networks for host in network.hosts
    ]
    order = {name: index for index, name in enumerate(_order(topology))}
    return sorted(rows, key=lambda row: order.get(row.node, len(order)))


def _actual(topology: Topology, state: State, *, wide: bool) -> Iterable[Interface]:
    targets = _targets(topology)
    parents = {link.lower for space in state.netns.values() for link in space.links.values() if link.lower is not None}
    for node in [*_order(topology), *sorted(set(state.netns) - set(_order(topology)))]:
        space = state.netns.get(node)
        if space is None:
            continue
        owned: dict[str, list[IPInterface]] = {}
        for one in sorted(space.addresses, key=lambda one: (one.address.version, one.address)):
            owned.setdefault(one.interface, []).append(one.address)
        for link in sorted(space.links.values(), key=lambda link: link.index or 0):
            addresses = tuple(str(one) for one in owned.get(link.name, ()) if wide or not (one.version == 6 and one.is_link_local))
            if not wide and (link.master or End(node, link.name) in parents or (link.kind == "loopback" and link.up and not addresses)):
                continue
            members = sum(other.master == link.name for other in space.links.values())
            to = _ports(members) if link.kind == "bridge" else targets.get(End(node, link.name)) or _peer(link)
            held = space.queues.get(link.name)
            shaped = "" if held is None else " ".join(texts(Shaping(held.rate, held.delay, held.loss)).values())
            yield Interface(node, link.name, "up" if link.up else "down", addresses, to, link.mtu, link.mac or "", link.kind, shaped)


def _shaping(said: Shaping) -> dict[str, str | None]:
    """`rate`, `delay` and `loss` as the lab file has them."""
    return {"rate": None, "delay": None, "loss": None, **texts(said)}


def _peer(link: Link) -> str:
    return str(link.peer) if link.peer is not None else ""


def _ports(count: int, what: str = "port") -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _texts(addresses: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(address) for address in addresses)
