"""Reads `networks`. Enters: the mapping as Items. Leaves: one RawNetwork each, with a Place for every node on it.

Rule of the file: what is written, checked value by value; numbers become addresses in `addressing`.
"""

from __future__ import annotations

from vethlab.model.names import interface_name_problem
from vethlab.spec import ranges
from vethlab.spec.fields import Fields, take
from vethlab.spec.keys import NETWORK, PORT
from vethlab.spec.kinds import HOST, HOSTS, At
from vethlab.spec.mistakes import Mistakes, Wrong
from vethlab.spec.raw import Place, RawNetwork
from vethlab.spec.tree import Item, shown


def read(item: Item | None, mistakes: Mistakes) -> list[RawNetwork]:
    """All networks of the file, in file order."""
    if item is None or item.value is None:
        return []
    entries = item.mapping()
    if entries is None:
        mistakes.lost = True
        mistakes.add(item, "wrong-type", f"`networks` must be a mapping of names to networks, this is {item.described()}",
                     why="expected `br0: {...}`", help="for example `br0: {nodes: [a, b]}`", topic="networks")
        return []
    return [_network(name, item.keys[name], entry, mistakes) for name, entry in entries.items()]


def _network(name: str, key: Item, entry: Item, mistakes: Mistakes) -> RawNetwork:
    what = f"network `{shown(name)}`"
    problem = interface_name_problem(name) or ("`lo` is the loopback interface" if name == "lo" else "")
    if problem:
        mistakes.add(key, "bad-interface-name", f"the name of {what} is its bridge's interface name: {problem}",
                     why="not an interface name",
                     topic="networks")
    fields = take(entry, NETWORK, what, mistakes)
    network = RawNetwork(name, key, fields)
    _subnets(network, mistakes)
    nodes = (entry.mapping() or {}).get("nodes")
    if nodes is not None:
        _nodes(network, nodes, what, mistakes)
    tags = fields.get("tags")
    if tags is not None:
        _tags(network, tags, what, mistakes)
    return network


def _subnets(network: RawNetwork, mistakes: Mistakes) -> None:
    """One subnet of a family may hold another only by mistake."""
    for index, subnet in enumerate(network.subnets):
        if any(subnet.version == other.version and subnet.overlaps(other) for other in network.subnets[:index]):
            item = network.fields.at("subnet")
            mistakes.add(item, "overlapping-subnet", f"network `{network.name}` has the subnet {subnet} twice",
                         why="overlaps an earlier one",
                         help="remove one of them", topic="networks.subnet")


def _nodes(network: RawNetwork, item: Item, what: str, mistakes: Mistakes) -> None:
    """Places from a list of names, or a mapping of names to places."""
    listed, mapped = item.sequence(), item.mapping()
    there: set[str] = set()
    if mapped is not None:
        for name, value in mapped.items():
            names = _names(item.keys[name], mistakes)
            _put(network, [_place(one, item.keys[name], value, len(names), what, mistakes) for one in names], there, mistakes)
    elif listed is not None:
        for value in listed:
            if not value.is_scalar():
                mistakes.lost = True
                mistakes.add(value, "wrong-type", f"`nodes` of {what} is a list of names, this is {value.described()}",
                             why="expected a name",
                             help="write a mapping to give addresses: `nodes: {a: 11}`", topic="networks.nodes")
                continue
            _put(network, [Place(one, value) for one in _names(value, mistakes)], there, mistakes)
    elif item.value is not None:
        mistakes.lost = True
        mistakes.add(item, "wrong-type", f"`nodes` of {what} must be a list or a mapping, this is {item.described()}", why="expected names",
                     help="for example `nodes: [a, b]`", topic="networks.nodes")


def _names(item: Item, mistakes: Mistakes) -> list[str]:
    """The nodes one word names."""
    try:
        return ranges.names(item.text, mistakes)
    except Wrong as wrong:
        mistakes.lost = True
        hint = "give interface names as `a: {interface: eth5}`" if ":" in item.text else wrong.help
        mistakes.add(item, wrong.slug, wrong.why, why="not the name of a node", help=hint, part=wrong.part, topic="nodes")
        return []


def _put(network: RawNetwork, places: list[Place], there: set[str], mistakes: Mistakes) -> None:
    """Adds places; a node has one place on a network, `there` are those that have."""
    for place in places:
        if place.node in there:
            mistakes.add(place.item, "duplicate-node", f"`{place.node}` is on network `{shown(network.name)}` twice", why="named before",
                         help="remove one of the two",
                         topic="networks.nodes")
        else:
            there.add(place.node)
            network.places.append(place)


def _place(name: str, key: Item, value: Item, of: int, what: str, mistakes: Mistakes) -> Place:
    """The place of one node, from what stands behind its name."""
    place = Place(name, key)
    if value.value is None:
        return place
    whose = f"`{shown(name)}` on {what}"
    if value.mapping() is not None:
        fields = take(value, PORT, whose, mistakes)
        place.interface, place.port, place.mac = fields.get("interface", ""), fields.get("port", ""), fields.get("mac")
        place.named = bool(place.interface)
        written = fields.at("address")
        hosts = list(fields.get("address", ()))
        _once(fields, of, whose, mistakes)
        if fields.spoiled:
            mistakes.vague.add(name)
    else:
        written = value
        try:
            hosts = list(HOSTS.parse(value))
        except Wrong as wrong:
            mistakes.vague.add(name)
            mistakes.wrong(wrong.item if isinstance(wrong, At) else value, f"the address of {whose}", wrong, HOST.words, "networks.nodes")
            return place
    items = written.sequence() or [written]
    if of == 1 or not hosts:
        place.hosts = hosts
        place.parts = [(part, None) for part in items[: len(hosts)]]
    else:
        mistakes.vague.add(name)
        mistakes.add(written, "address-in-range", f"`{shown(key.text)}` stands for {of} nodes, they cannot share an address",
                     topic="networks.nodes",
                     why="one address, several nodes", help="leave the address away: hosts are numbered in order")
    return place


def _once(fields: Fields, of: int, whose: str, mistakes: Mistakes) -> None:
    """What only one interface can have, given to a range."""
    for key in ("port", "mac"):
        if of > 1 and key in fields.values:
            mistakes.add(fields.at(key), "address-in-range", f"`{key}` of {whose} is given to {of} nodes at once", why="each needs its own",
                         help=f"remove `{key}`", topic=f"networks.nodes.{key}")


def _tags(network: RawNetwork, item: Item, what: str, mistakes: Mistakes) -> None:
    """VLAN numbers, 0 and 4095 being reserved (IEEE 802.1Q table 9-2)."""
    entries = item.mapping()
    if entries is None:
        mistakes.add(item, "wrong-type", f"`tags` of {what} must be a mapping, this is {item.described()}", why="expected `node: number`",
                     help="for example `tags: {a: 10}`", topic="networks.tags")
        return
    for name, value in entries.items():
        if not isinstance(value.value, int) or isinstance(value.value, bool) or not 1 <= value.value <= 4094:
            mistakes.add(value, "wrong-value", f"the tag of `{shown(name)}` on {what} must be a whole number from 1 to 4094",
                         why=f"this is {value.described()}", topic="networks.tags")
        else:
            network.tags[name] = value.value
