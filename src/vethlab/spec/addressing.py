"""Gives every interface its addresses. Enters: raw links and networks, `addressing`. Leaves: the same, with addresses and subnets.

Rule of the file: what the file gives is never changed, and what is handed out never overlaps it. A link takes a /30 (IPv6: /64) or what
`addressing.prefix` says; a network a /24, or more where it has more nodes; both in file order, from 10.255.0.0/16 if the file names
nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface

from vethlab.model.address import IPInterface, IPNetwork
from vethlab.spec.addresses import address_in, first_host, last_host, network_at, with_prefix
from vethlab.spec.fields import Fields
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.raw import Host, Place, RawLink, RawNetwork
from vethlab.spec.tree import Item

POOL = IPv4Network("10.255.0.0/16")


class Pool:
    """Hands out the subnets of a prefix from its beginning, skipping what is used."""

    def __init__(self, prefix: IPNetwork, used: list[IPNetwork]) -> None:
        self.prefix = prefix
        self.next = int(prefix.network_address)
        self.end = self.next + prefix.num_addresses
        inside = [network for network in used if network.version == prefix.version]
        spans = sorted((int(network.network_address), int(network.network_address) + network.num_addresses) for network in inside)
        self.starts: list[int] = []
        self.ends: list[int] = []
        for start, end in spans:
            if self.ends and start <= self.ends[-1]:
                self.ends[-1] = max(self.ends[-1], end)
            else:
                self.starts.append(start)
                self.ends.append(end)

    def take(self, length: int) -> IPNetwork | None:
        """The next free subnet of this length, or None when the pool is empty."""
        size = 1 << (self.prefix.max_prefixlen - length)
        start = self.next
        while True:
            start = -(-start // size) * size
            if start + size > self.end:
                return None
            index = bisect_right(self.starts, start + size - 1) - 1
            if index < 0 or self.ends[index] <= start:
                self.next = start + size
                return network_at(self.prefix.version, start, length)
            start = self.ends[index]


def assign(links: list[RawLink], networks: list[RawNetwork], addressing: Fields, mistakes: Mistakes, *, networks_first: bool) -> None:
    """Fills in the addresses of every Place and the subnets of every network."""
    used = _used(links, networks)
    loopbacks = list(addressing.get("loopbacks", ()))
    automatic = Pool(POOL, used + loopbacks + ([addressing.get("links")] if "links" in addressing.values else []))
    given: IPNetwork | None = addressing.get("links")
    pool = automatic if given is None else Pool(given, used + loopbacks)
    length = addressing.get("prefix", 30 if pool.prefix.version == 4 else 64)
    if not pool.prefix.prefixlen <= length < pool.prefix.max_prefixlen:
        item = addressing.at("prefix") if "prefix" in addressing.values else addressing.at("links")
        mistakes.add(item, "wrong-value", f"a link's subnet cannot be a /{length} of {pool.prefix}", why="does not fit the prefix",
                     help=f"a length from {pool.prefix.prefixlen} to {pool.prefix.max_prefixlen - 1}", topic="addressing.prefix")
        mistakes.vague.update(place.node for link in links for place in (link.left, link.right))
        links = []
    for is_network in (True, False) if networks_first else (False, True):
        if is_network:
            for network in networks:
                _network(network, automatic, mistakes)
        else:
            for link in links:
                _link(link, pool, length, mistakes)


def _used(links: list[RawLink], networks: list[RawNetwork]) -> list[IPNetwork]:
    """Every subnet that the file itself names."""
    used: set[IPNetwork] = {address.network for link in links for place in (link.left, link.right) for address in place.addresses}
    for network in networks:
        used.update(network.subnets)
        used.update(host.network for place in network.places for host in place.hosts if isinstance(host, IPv4Interface | IPv6Interface))
    return list(used)


def _link(link: RawLink, pool: Pool, length: int, mistakes: Mistakes) -> None:
    """A cable without any address gets a subnet: the left end its first host, the right end its second."""
    if link.left.addresses or link.right.addresses:
        return
    subnet = pool.take(length)
    if subnet is None:
        mistakes.vague.update((link.left.node, link.right.node))
        mistakes.add(link.item, "addresses-exhausted", f"no /{length} of {pool.prefix} is left for this link", why="needs a subnet",
                     help="set `addressing: {links: PREFIX, prefix: LENGTH}`", topic="addressing.links")
        return
    first = first_host(subnet)
    link.left.addresses, link.right.addresses = [address_in(subnet, first)], [address_in(subnet, first + 1)]


def _network(network: RawNetwork, pool: Pool, mistakes: Mistakes) -> None:
    """A network's subnets, gateway and hosts."""
    gateways = list(network.fields.get("gateway", ()))
    hosts = [host for place in network.places for host in place.hosts]
    spoiled = network.fields.spoiled and "subnet" in (network.fields.item.mapping() or {}) and not network.subnets
    if not network.subnets and all(isinstance(host, int) for host in hosts + gateways) and network.places and not spoiled:
        most = max([len(network.places) + len(gateways), *(host for host in hosts + gateways if isinstance(host, int))])
        subnet = pool.take(min(24, 32 - (most + 1).bit_length())) if most < 65535 else None
        if subnet is None:
            mistakes.add(network.item, "addresses-exhausted", f"no subnet of {pool.prefix} is left for network `{network.name}`",
                         why="needs a subnet", help="give it a `subnet`", topic="networks.subnet")
            spoiled = True
        else:
            network.subnets = [subnet]
    where = network.fields.at("gateway")
    for index, gateway in enumerate(gateways):
        item = (where.sequence() or [where])[index]
        network.gateway += _addresses(gateway, item, network, f"the gateway of `{network.name}`", mistakes, quiet=spoiled)
    taken = _numbers(network.gateway, network)
    if spoiled:
        mistakes.vague.update(place.node for place in network.places)
    for place in network.places:
        items = [item for item, _ in place.parts]
        place.parts = []
        for host, item in zip(place.hosts, items, strict=True):
            found = _addresses(host, item, network, f"`{place.node}` on `{network.name}`", mistakes, quiet=spoiled)
            place.addresses += found
            if not found:
                mistakes.vague.add(place.node)
            place.parts += [(item, None)] * len(found)
            taken |= _numbers(found, network)
    _number(network, [place for place in network.places if not place.hosts], taken, mistakes)


def _numbers(addresses: list[IPInterface], network: RawNetwork) -> set[int]:
    """The host numbers that addresses have in a network's subnets."""
    return {
        int(address) - int(subnet.network_address) for address in addresses for subnet in network.subnets
        if address.version == subnet.version and address.ip in subnet
    }


def _number(network: RawNetwork, waiting: list[Place], taken: set[int], mistakes: Mistakes) -> None:
    """Hosts without an address are numbered in order; one number means the same host in every subnet of the network."""
    if not network.subnets or not waiting:
        return
    number, last = max(first_host(subnet) for subnet in network.subnets), min(last_host(subnet) for subnet in network.subnets)
    for index, place in enumerate(waiting):
        while number in taken:
            number += 1
        if number > last:
            mistakes.vague.update(one.node for one in waiting[index:])
            smallest = max(network.subnets, key=lambda subnet: subnet.prefixlen - subnet.max_prefixlen)
            mistakes.add(
                network.fields.at("subnet"), "subnet-too-small",
                f"{smallest} has no address left for {len(waiting) - index} of the nodes on network `{network.name}`", why="too small",
                help=f"it holds {last} hosts: take a shorter prefix", topic="networks.subnet",
            )
            return
        place.addresses = [address_in(subnet, number) for subnet in network.subnets]
        number += 1


def _addresses(host: Host, item: Item, network: RawNetwork, whose: str, mistakes: Mistakes, *, quiet: bool) -> list[IPInterface]:
    """The addresses that a host number, an address, or an address with prefix means on this network."""
    if isinstance(host, int):
        if not network.subnets and not quiet:
            mistakes.add(item, "no-subnet", f"{whose} has host number {host}, but the network has no subnet",
                         why="a number of which subnet?",
                         help="add `subnet: PREFIX`, or write the whole address", topic="networks.subnet")
        found = []
        for subnet in network.subnets:
            if first_host(subnet) <= host <= last_host(subnet):
                found.append(address_in(subnet, host))
                continue
            size = subnet.num_addresses
            reason = "names the network itself" if host == 0 else "is the broadcast address" if host == size - 1 else "lies outside"
            mistakes.add(item, "host-number", f"{whose} has host number {host}, which in {subnet} {reason}", why=f"not a host of {subnet}",
                         help=f"host numbers go from {first_host(subnet)} to {last_host(subnet)}", topic="networks.nodes.address")
        return found
    if isinstance(host, IPv4Interface | IPv6Interface):
        return [host]
    within = [subnet for subnet in network.subnets if host in subnet]
    if within:
        return [with_prefix(host, within[0].prefixlen)]
    if network.subnets:
        subnets = ", ".join(map(str, network.subnets))
        mistakes.add(item, "outside-subnet", f"{whose} has the address {host}, which is outside {subnets}", why=f"not in {subnets}",
                     help="take an address of the subnet, or change `subnet`", topic="networks.subnet")
    elif not quiet:
        mistakes.add(item, "no-subnet", f"{whose} has the address {host} without a prefix, and the network has no subnet",
                     why="how long is the prefix?",
                     help=f"write `{host}/{24 if host.version == 4 else 64}`, or add `subnet`",
                     topic="networks.subnet")
    return []
