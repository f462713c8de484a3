"""Edits of what a lab file says of a link or a network. Enters: a text, an interface, a wish. Leaves: the text that says it, or Unsaid.

Rule of the file: only what is written out is edited. An address that the file leaves to be handed out stays handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from vethlab.model.address import IPInterface
from vethlab.model.link import LOOPBACK
from vethlab.model.topology import Cable, Endpoint, Network, Topology
from vethlab.spec import links, networks
from vethlab.spec.layout import Layout, Step, Unsaid, word
from vethlab.spec.proof import Lab, proved
from vethlab.spec.raw import Place

LINKS, NETWORKS = "links", "networks"
_HANDED_OUT = "the lab file leaves this address to be handed out"


class Spot:
    """Where an interface belongs: the number of its link and the end, or of its network and the place, -1 for the bridge's side."""

    __slots__ = ("kind", "number", "place")

    def __init__(self, kind: str, number: int, place: int) -> None:
        self.kind, self.number, self.place = kind, number, place

    def end(self, topology: Topology) -> Endpoint:
        """The interface with its addresses."""
        if self.kind == NETWORKS:
            return topology.networks[self.number].ports[self.place].endpoint
        cable = topology.cables[self.number]
        return (cable.left, cable.right)[self.place]

    def addresses(self, topology: Topology) -> tuple[IPInterface, ...]:
        """The addresses of the interface; ports of a bridge have none."""
        return topology.networks[self.number].gateway if self.place < 0 else self.end(topology).addresses

    def with_segment(self, topology: Topology, **changes: object) -> Topology:
        """The lab with the link or network changed."""
        if self.kind == NETWORKS:
            whole: list[Network] = list(topology.networks)
            whole[self.number] = replace(whole[self.number], **changes)  # type: ignore[arg-type]
            return replace(topology, networks=tuple(whole))
        cables: list[Cable] = list(topology.cables)
        cables[self.number] = replace(cables[self.number], **changes)  # type: ignore[arg-type]
        return replace(topology, cables=tuple(cables))

    def with_end(self, topology: Topology, **changes: object) -> Topology:
        """The lab with the interface changed."""
        end = replace(self.end(topology), **changes)  # type: ignore[arg-type]
        if self.kind == LINKS:
            return self.with_segment(topology, **{("left", "right")[self.place]: end})
        ports = list(topology.networks[self.number].ports)
        ports[self.place] = replace(ports[self.place], endpoint=end)
        return self.with_segment(topology, ports=tuple(ports))


def spot(topology: Topology, node: str, interface: str) -> Spot:
    """The link or network of an interface; a bridge and its ports stand in its host."""
    for number, cable in enumerate(topology.cables):
        for place, end in enumerate((cable.left, cable.right)):
            if (end.node, end.interface) == (node, interface):
                return Spot(LINKS, number, place)
    for number, network in enumerate(topology.networks):
        inside = {network.name, *(port.name for port in network.ports if port.on == node)} if node in network.hosts else set()
        inside |= {vtep.interface for vtep in network.vteps if vtep.host == node}
        if interface in inside:
            return Spot(NETWORKS, number, -1)
        for place, port in enumerate(network.ports):
            if (port.endpoint.node, port.endpoint.interface) == (node, interface):
                return Spot(NETWORKS, number, place)
    raise Unsaid(f"no link or network of the lab file makes {node}:{interface}")


def set_mtu(text: str, node: str, interface: str, value: int) -> str:
    """The mtu of the link or network that an interface belongs to, at all its ends."""
    lab = Lab(text)
    where = spot(lab.topology, node, interface)
    wanted = where.with_segment(lab.topology, mtu=value)
    if wanted == lab.topology:
        return text
    if where.kind == NETWORKS:
        changed = lab.layout.put([NETWORKS, lab.topology.networks[where.number].name, "mtu"], str(value))
    else:
        item = entry(lab, where)
        span = lab.layout.there([LINKS, item])
        sentence = f"{{ends: {lab.layout.source(span)}, mtu: {value}}}"
        changed = lab.layout.put([LINKS, item, "mtu"], str(value)) if span.kind == "map" else lab.layout.put([LINKS, item], sentence)
    return proved(changed, wanted)


def set_mac(text: str, node: str, interface: str, mac: str) -> str:
    """The hardware address of a node on a network."""
    lab = Lab(text)
    where = spot(lab.topology, node, interface)
    if where.place < 0:
        raise Unsaid("a lab file gives bridges and their ports no hardware address")
    if where.end(lab.topology).mac == mac:
        return text
    if where.kind == LINKS:
        raise Unsaid("a lab file gives the ends of links no hardware address")
    wanted = where.with_end(lab.topology, mac=mac)
    path = _nodes(lab, where)
    if lab.layout.there(path).kind == "seq":
        lab = Lab(proved(lab.layout.mapped(path), lab.topology))
    path = (*path, _place(lab, where).item.text)
    span = lab.layout.there(path)
    if span.null or span.kind == "map":
        return proved(lab.layout.put((*path, "mac"), word(mac)), wanted)
    return proved(lab.layout.put(path, f"{{address: {lab.layout.source(span)}, mac: {word(mac)}}}"), wanted)


def set_isolated(text: str, node: str, port: str, *, isolated: bool) -> str:
    """Whether the node behind a port of a bridge reaches only those that are not isolated."""
    lab = Lab(text)
    where = spot(lab.topology, node, port)
    if where.kind == LINKS:  # somebody made a bridge in a node by hand, and the end of a cable a port of it
        if isolated:
            raise Unsaid("a lab file isolates ports of its networks only")
        return text
    number = where.number
    ports = lab.topology.networks[number].ports
    found = next((one for one in ports if (one.on, one.name) == (node, port)), None)
    if found is None:
        raise Unsaid(f"`{port}` is a bridge, no port of one")
    if found.isolated == isolated:
        return text
    path, name = (NETWORKS, lab.topology.networks[number].name, "isolated"), found.endpoint.node
    if isolated:
        changed = lab.layout.append(path, word(name))
    else:
        changed = lab.layout.remove(path, [item.text for item in lab.layout.there(path).items].index(name))
    goal = tuple(replace(one, isolated=isolated) if one is found else one for one in ports)
    return proved(changed, Spot(NETWORKS, number, -1).with_segment(lab.topology, ports=goal))


def set_address(text: str, node: str, interface: str, *, add: Iterable[IPInterface] = (), remove: Iterable[IPInterface] = ()) -> str:
    """Addresses of an interface that come and go together: where one replaces another, it takes its place."""
    lab = Lab(text)
    where = None if interface == LOOPBACK else spot(lab.topology, node, interface)
    before = lab.node(node).loopbacks if where is None else where.addresses(lab.topology)
    own = lab.topology.ipv6 != "none"  # the kernel's link-local addresses are as the file says
    new = [address for address in dict.fromkeys(add) if address not in before and not (own and _is_link_local(address))]
    gone = [place for place, address in enumerate(before) if address in {*remove}]
    if not new and not gone:
        return text
    if where is None or where.place < 0:
        raise Unsaid("a lab file has no such address: loopbacks come from `addressing`, a bridge has its network's `gateway`")
    turned = dict(zip(gone, new, strict=False))
    after = [turned.get(place, address) for place, address in enumerate(before) if place in turned or place not in gone]
    wanted = where.with_end(lab.topology, addresses=tuple(after + new[len(gone) :]))
    edit = _in_sentence if where.kind == LINKS else _in_network
    return proved(edit(lab, where, turned, gone[len(new) :], new[len(gone) :]), wanted)


def _is_link_local(address: IPInterface) -> bool:
    return address.version == 6 and address.is_link_local


def _in_sentence(lab: Lab, where: Spot, turned: dict[int, IPInterface], gone: Sequence[int], new: Sequence[IPInterface]) -> str:
    """Words of END -- END."""
    cable = links.read(lab.entries[LINKS], lab.mistakes())[where.number]
    place = (cable.left, cable.right)[where.place]
    if where.end(lab.topology).addresses and not place.parts:
        raise Unsaid(_HANDED_OUT)
    if cable.item.inset < 0 or place.name_part is None:
        raise Unsaid("the link is written in a way that cannot be edited")
    begin = lab.layout.at(cable.item).start + cable.item.inset
    parts = [(begin + part[0], begin + part[0] + part[1]) for _, part in place.parts if part is not None]
    name = begin + sum(place.name_part) + (len(place.interface) + 1 if place.named else 0)
    last = parts[-1][1] if parts else name
    cuts = [(*parts[number], str(address)) for number, address in turned.items()]
    cuts += [((parts[number - 1][1] if number else name), parts[number][1], "") for number in gone]
    return lab.layout.cut([*cuts, *([(last, last, "".join(f" {address}" for address in new))] if new else [])])


def _in_network(lab: Lab, where: Spot, turned: dict[int, IPInterface], gone: Sequence[int], new: Sequence[IPInterface]) -> str:
    """What stands behind a node's name on a network: a host number, an address, a list of them, or a mapping with `address`."""
    place = _place(lab, where)
    count = len(where.end(lab.topology).addresses)
    if not place.hosts:
        raise Unsaid(_HANDED_OUT)
    if len(place.hosts) != count:
        raise Unsaid("one number there stands for an address of several subnets")
    if len(gone) == count:
        raise Unsaid("without an address there, the lab file would hand one out")
    network, layout = lab.topology.networks[where.number], lab.layout
    path: tuple[Step, ...] = (*_nodes(lab, where), place.item.text)
    path = (*path, "address") if layout.there(path).kind == "map" else path
    span = layout.there(path)
    if span.kind == "scalar":
        words = [_spelled(turned[0], network, place) if turned else layout.source(span), *[_spelled(one, network) for one in new]]
        return layout.put(path, words[0] if len(words) == 1 else f"[{', '.join(words)}]")
    changed = layout.cut([(span.items[at].start, span.items[at].end, _spelled(one, network, place, at)) for at, one in turned.items()])
    for at in reversed(gone):
        changed = Layout(changed).remove(path, at)
    for one in new:
        changed = Layout(changed).append(path, _spelled(one, network))
    return changed


def _spelled(address: IPInterface, network: Network, place: Place | None = None, number: int = 0) -> str:
    """An address as short as the network's subnet allows: a host number in the stead of one, an address without its prefix."""
    subnet = next((one for one in network.subnets if one == address.network), None)
    if subnet is None:
        return word(str(address))
    if place is not None and isinstance(place.hosts[number], int):
        return str(int(address) - int(subnet.network_address))
    return word(str(address.ip))


def entry(lab: Lab, where: Spot) -> int:
    """Which item of `links` makes a link."""
    item = links.read(lab.entries[LINKS], lab.mistakes())[where.number].item
    entries = lab.entries[LINKS].sequence() or []
    return next(at for at, one in enumerate(entries) if item is one or item in (one.mapping() or {}).values())


def _nodes(lab: Lab, where: Spot) -> tuple[Step, ...]:
    """The way to the `nodes` of a network."""
    return NETWORKS, lab.topology.networks[where.number].name, "nodes"


def _place(lab: Lab, where: Spot) -> Place:
    """A node's place on a network, as it is written."""
    return networks.read(lab.entries[NETWORKS], lab.mistakes())[where.number].places[where.place]
