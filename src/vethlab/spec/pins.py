"""Writes out what a lab file left to be counted, where counting would now come out otherwise: interfaces, addresses, subnets.

Enters: a text from which something was taken, and the Topology it should mean; leaves: the text that means it, or Unsaid. Rule of the
file: nothing is written out that comes out right by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.model.topology import Endpoint, Network, Port, Topology
from vethlab.spec import links, networks
from vethlab.spec.layout import Layout, Unsaid, word
from vethlab.spec.proof import Lab, proved, read
from vethlab.spec.raw import Place

__all__ = ["pinned", "spelled"]

Cut = tuple[int, int, str]


def pinned(text: str, wanted: Topology) -> str:
    """The text that means `wanted`. The frame (which nodes, links and networks there are) has to be right already."""
    lab = read(text)
    lab = read(lab.layout.cut(list(_of_links(lab, wanted))))
    for network in wanted.networks:
        lab = _of_network(lab, network)
    return proved(lab.text, wanted)


def _of_links(lab: Lab, wanted: Topology) -> Iterator[Cut]:
    for raw, found, goal in zip(links.read(lab.entries.get("links"), lab.mistakes()), lab.topology.cables, wanted.cables, strict=True):
        for place, now, then in ((raw.left, found.left, goal.left), (raw.right, found.right, goal.right)):
            if now.node != then.node or now == then:
                continue
            if raw.item.inset < 0 or place.name_part is None:
                raise Unsaid("the link is written in a way that cannot be edited")
            end = lab.layout.at(raw.item).start + raw.item.inset + sum(place.name_part) + (len(f":{now.interface}") if place.named else 0)
            name = "" if place.named or now.interface == then.interface else f":{then.interface}"
            addresses = "" if place.parts or now.addresses == then.addresses else "".join(f" {one}" for one in then.addresses)
            yield end, end, name + addresses


def _of_network(lab: Lab, goal: Network) -> Lab:
    path: tuple[str | int, ...] = ("networks", goal.name)
    if _found(lab, goal).subnets != goal.subnets and lab.layout.find((*path, "subnet")) is None:
        lab = read(lab.layout.put((*path, "subnet"), f"[{', '.join(map(str, goal.subnets))}]"))
    for at, port in enumerate(goal.ports):
        if _found(lab, goal).ports[at] != port:
            lab = read(_of_place(lab, _found(lab, goal), at, port))
    return lab


def _found(lab: Lab, goal: Network) -> Network:
    return next(one for one in lab.topology.networks if one.name == goal.name)


def _of_place(lab: Lab, network: Network, at: int, goal: Port) -> str:
    """A node's place with what is not as it should be written out."""
    path: tuple[str | int, ...] = ("networks", network.name, "nodes")
    raw = next(one for one in networks.read(lab.entries["networks"], lab.mistakes()) if one.name == network.name).places[at]
    if raw.item.text != goal.endpoint.node:
        raise Unsaid(f"`{goal.endpoint.node}` is one of `{raw.item.text}` on network `{network.name}`")
    if lab.layout.there(path).kind == "seq":
        lab = read(proved(lab.layout.mapped(path), lab.topology))
    path = (*path, raw.item.text)
    span, said = lab.layout.there(path), dict(_said(raw, network.ports[at], goal, network))
    if span.kind == "map" and span.pairs:
        for key, value in said.items():
            lab = read(lab.layout.put((*path, key), value))
        return lab.text
    if not span.null and span.kind != "map":
        said = {"address": lab.layout.source(span), **said}
    if [*said] == ["address"]:
        return Layout(lab.text).put(path, said["address"])
    return lab.layout.put(path, f"{{{', '.join(f'{key}: {value}' for key, value in said.items())}}}")


def _said(raw: Place, now: Port, goal: Port, network: Network) -> Iterator[tuple[str, str]]:
    if now.endpoint.addresses != goal.endpoint.addresses and not raw.hosts:
        words = [spelled(goal.endpoint, at, network) for at in range(len(goal.endpoint.addresses))]
        yield "address", words[0] if len(words) == 1 else f"[{', '.join(words)}]"
    if now.endpoint.interface != goal.endpoint.interface:
        yield "interface", word(goal.endpoint.interface)
    if now.name != goal.name:
        yield "port", word(goal.name)


def spelled(end: Endpoint, at: int, network: Network) -> str:
    """An address as a host number in the one subnet there is, else in full."""
    address = end.addresses[at]
    if len(network.subnets) == 1 and address.network == network.subnets[0]:
        return str(int(address) - int(address.network.network_address))
    return word(str(address))
