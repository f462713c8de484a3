"""From a lab to a scene: what is declared, and where the lab runs what the kernel holds of it.

Enters: a topology, a state or None; leaves: a Scene. Rule of the file: every declared interface is there, whatever became of it; what
somebody added by hand is there too, and said to be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from vethlab.model.link import LOOPBACK, End
from vethlab.model.names import HOST, WORLD
from vethlab.model.state import State
from vethlab.plan import uplink, world
from vethlab.plan.desired import desired
from vethlab.present.drawing import traits
from vethlab.present.drawing.scene import HOST_BOX, NETWORK, NODE, Box, Cable, Plug, Scene

if TYPE_CHECKING:
    from vethlab.model.link import Link
    from vethlab.model.state import Netns
    from vethlab.model.topology import Cable as Wire
    from vethlab.model.topology import Endpoint, Network, Port, Topology
    from vethlab.model.topology import Node as Declared

__all__ = ["gather"]


def gather(topology: Topology, state: State | None = None, *, also: Collection[End] = ()) -> Scene:
    """The scene of a lab. `also`: interfaces that are wanted in it although nothing declares them, such as `lo`."""
    boxes = list(_boxes(topology))
    plugs, cables = _declared(topology)
    if state is not None:
        wanted, shared = desired(topology), _shared(topology)
        boxes = [_bridge_as_it_is(box, state) for box in boxes]
        plugs = {key: _as_it_is(plug, state, wanted, shared=key in shared) for key, plug in plugs.items()}
        _added_by_hand(_strangers(topology, wanted, state), {box.key for box in boxes}, plugs, cables)
    names = {box.key for box in boxes}
    for end in also:
        if end.interface and str(end) not in names and end.netns in names:
            plugs.setdefault(str(end), Plug(str(end), end.netns, end.interface, _of_interface(state, end)))
    inhabited = {box.parent for box in boxes} | {plug.box for plug in plugs.values()}
    return Scene(
        topology.name, tuple(box for box in boxes if box.key != HOST or HOST in inhabited), tuple(plugs.values()), tuple(cables),
    )


def _boxes(topology: Topology) -> Iterator[Box]:
    for node in topology.nodes:
        host, _, name = node.name.rpartition("/")
        yield Box(node.name, HOST_BOX if node.role == "host" else NODE, name, host, tuple(_words(node)))
    yield Box(HOST, HOST_BOX, HOST, words=("this machine" if topology.joins_machine else "plays the machine",))
    if topology.has_world:
        yield Box(WORLD, NODE, WORLD, words=("everything outside",))
    elif topology.machine == WORLD:
        yield Box(WORLD, NODE, WORLD, words=("this machine",))
    elif _translated(topology):
        yield Box(WORLD, NODE, WORLD, words=("this machine, by pasta",))
    for network in topology.networks:
        for at in network.hosts:
            addresses = tuple(str(one) for one in network.gateway) if at == network.on else ()
            yield Box(f"{at}:{network.name}", NETWORK, network.name, at, _kind(network), addresses)
        if len(network.vteps) > 2:
            yield Box(_segment(network), NETWORK, network.name, words=("VXLAN", f"vni {network.vni}, UDP {network.udp_port}"))


def _translated(topology: Topology) -> bool:
    """Whether what leaves the lab's host is a program's to send on."""
    return topology.uplink == "pasta"


def _out_of(topology: Topology) -> tuple[Wire, ...]:
    """The cable to what is outside."""
    if topology.has_world:
        return (world.CABLE,)
    if topology.uplink == "none" or topology.joins_machine:
        return ()
    made = uplink.cable(topology.name, uplink.transfer(topology, topology.name))
    return (made if topology.machine else replace(made, right=replace(made.right, interface="", addresses=())),)


def _kind(network: Network) -> tuple[str, ...]:
    words = [{"ovs": "Open vSwitch", "vxlan": "bridge"}.get(network.type, network.type), *(["STP"] if network.stp else [])]
    words += [f"{len(network.flows)} OpenFlow rule{'' if len(network.flows) == 1 else 's'}"] if network.flows else []
    return (", ".join(words), *((f"NAT: {network.nat}",) if network.nat != "none" else ()), *traits.of_network(network))


def _words(node: Declared) -> Iterator[str]:
    if node.forward:
        yield "forwards"
    if node.run:
        yield f"runs {node.run.strip().splitlines()[0] if node.run.strip() else ''}"
    if node.publish:
        yield f"publishes {', '.join(str(one) for one in node.publish)}"


def _declared(topology: Topology) -> tuple[dict[str, Plug], list[Cable]]:
    plugs: dict[str, Plug] = {}
    cables = []
    for node in topology.nodes:
        if node.loopbacks:
            _put(plugs, Plug(f"{node.name}:{LOOPBACK}", node.name, LOOPBACK, tuple(str(one) for one in node.loopbacks)))
    for cable in (*topology.cables, *_out_of(topology)):
        ends = [_plug(end, traits.as_declared(cable)) for end in (cable.left, cable.right)]
        for end in ends:
            _put(plugs, end)
        cables.append(Cable(ends[0].key, ends[1].key))
    for network in topology.networks:
        for port in network.ports:
            near, far = _plug(port.endpoint), _port(network, port)
            _put(plugs, near)
            _put(plugs, far)
            cables.append(Cable(near.key, far.key))
        ends, lines = _tunnels(network)
        for end in ends:
            _put(plugs, end)
        cables += lines
    return plugs, cables


def _port(network: Network, port: Port) -> Plug:
    """The network's side of an attachment; a macvlan has no interface there."""
    words = (*(("isolated",) if port.isolated else ()), *((f"tag {port.tag}",) if port.tag is not None else ()))
    name = port.name or f"{network.name}/{port.endpoint.node}.{port.endpoint.interface}"
    return Plug(f"{port.on}:{name}", f"{port.on}:{network.name}", port.name, words=words)


def _tunnels(network: Network) -> tuple[list[Plug], list[Cable]]:
    """The device of each host that leads to the others, as a port of its bridge, and the lines between them."""
    plugs = [
        Plug(
            f"{vtep.host}:{vtep.interface}", f"{vtep.host}:{network.name}", vtep.interface, (),
            (f"VXLAN, vni {network.vni}, UDP {network.udp_port}", *(() if vtep.local is None else (f"from {vtep.local}",))),
        )
        for vtep in network.vteps
    ]
    if len(plugs) <= 2:
        return plugs, [Cable(a.key, b.key, "tunnel") for a, b in pairwise(plugs)]
    far = [Plug(f"{_segment(network)}/{plug.key}", _segment(network), "") for plug in plugs]
    return [*plugs, *far], [Cable(a.key, b.key, "tunnel") for a, b in zip(plugs, far, strict=True)]


def _segment(network: Network) -> str:
    """The key of what stands for a VXLAN between more than two hosts: each with each would be too many lines."""
    return f"vxlan:{network.name}"


def _put(plugs: dict[str, Plug], plug: Plug) -> None:
    plugs[plug.key] = plug


def _shared(topology: Topology) -> set[str]:
    """The interfaces on networks: nodes' own, ports, devices to other hosts."""
    ends = {str(port.endpoint) for network in topology.networks for port in network.ports}
    ports = {f"{port.on}:{port.name}" for network in topology.networks for port in network.ports}
    return ends | ports | {f"{vtep.host}:{vtep.interface}" for network in topology.networks for vtep in network.vteps}


def _plug(end: Endpoint, words: tuple[str, ...] = ()) -> Plug:
    return Plug(f"{end.node}:{end.interface}", end.node, end.interface, tuple(str(one) for one in end.addresses), words)


def _as_it_is(plug: Plug, state: State, wanted: State, *, shared: bool) -> Plug:
    """A declared interface with what became of it. `shared`: it is on a network, whose box says what is wanted of all."""
    netns, _, name = plug.key.rpartition(":")
    if not plug.name:
        return plug
    space = state.netns.get(netns)
    link = space.links.get(name) if space is not None else None
    if space is None or link is None:
        return replace(plug, words=(*plug.words, "missing"), bad=True, loose=True)
    said = traits.Traits.of(wanted.netns[netns], name)
    words = [*(plug.words if shared else ()), *traits.as_found(traits.Traits.of(space, name), said, shared=shared)]
    loose = plug.box not in {netns, f"{netns}:{link.master}", *_switches(space, name, netns)}
    words += [f"not in {plug.box.rpartition(':')[2]}"] if loose else []
    words += [] if link.up else ["down"]
    return replace(plug, addresses=_owned(space, name), words=tuple(words), bad=loose or not link.up, loose=loose)


def _switches(space: Netns, name: str, netns: str) -> list[str]:
    """The Open vSwitch bridges that have this port: the kernel knows one master for all of them."""
    return [f"{netns}:{bridge}" for bridge, what in space.switch.bridges.items() if name in what.ports] if space.switch else []


def _bridge_as_it_is(box: Box, state: State) -> Box:
    if box.kind != NETWORK or not box.parent:
        return box
    space = state.netns.get(box.parent)
    link = space.links.get(box.name) if space is not None else None
    if space is None or link is None:
        return replace(box, words=(*box.words, "missing"), addresses=())
    return replace(box, addresses=_owned(space, box.name), words=box.words if link.up else (*box.words, "down"))


def _of_interface(state: State | None, end: End) -> tuple[str, ...]:
    space = state.netns.get(end.netns) if state is not None else None
    return () if space is None else _owned(space, end.interface)


def _owned(space: Netns, name: str) -> tuple[str, ...]:
    """The addresses of an interface; the link-local IPv6 one, which every interface has, is left out."""
    found = sorted((one.address for one in space.addresses if one.interface == name), key=lambda one: (one.version, one))
    return tuple(str(one) for one in found if not (one.version == 6 and one.is_link_local))


def _strangers(topology: Topology, wanted: State, state: State) -> State:
    """What the lab's namespaces hold and the file did not ask for; on the machine itself others' interfaces are no part of the lab."""
    spared = {topology.machine}
    return State({
        netns: replace(space, links={
            name: link for name, link in space.links.items() if name not in wanted.netns[netns].links and not _of_switch(space, link)
        })
        for netns, space in state.netns.items() if netns in wanted.netns and netns not in spared
    })


def _of_switch(space: Netns, link: Link) -> bool:
    """What Open vSwitch makes for itself, of its datapaths in user space and in the kernel (lib/dpif-netdev.c, net/openvswitch)."""
    return space.switch is not None and (link.name == "ovs-netdev" or link.kind == "openvswitch")


def _added_by_hand(state: State, boxes: Collection[str], plugs: dict[str, Plug], cables: list[Cable]) -> None:
    joined = {frozenset((cable.left, cable.right)) for cable in cables}
    for netns, space in state.netns.items():
        for name, link in space.links.items():
            if link.kind != "loopback":
                plugs[f"{netns}:{name}"] = _stranger(f"{netns}:{name}", netns, link, space, boxes)
    for netns, space in state.netns.items():
        for name, link in space.links.items():
            pair = frozenset((f"{netns}:{name}", str(link.peer)))
            if link.peer is not None and len(pair) == 2 and pair <= plugs.keys() and pair not in joined:
                joined.add(pair)
                cables.append(Cable(f"{netns}:{name}", str(link.peer)))


def _stranger(key: str, netns: str, link: Link, space: Netns, boxes: Collection[str]) -> Plug:
    master = f"{netns}:{link.master}"
    words = (link.kind, "not in the file", *(() if link.up else ("down",)))
    return Plug(key, master if master in boxes else netns, link.name, _owned(space, link.name), words, bad=not link.up)
