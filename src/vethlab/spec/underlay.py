"""How the hosts of a VXLAN network reach each other. Enters: links and networks with addresses. Leaves: the network's Vteps, vni, mtu.

Rule of the file: an address that two hosts share a subnet of comes first, then the first address in file order (links, networks,
loopbacks), of one family for the whole network. A way over several segments leads through nodes that forward; whether their routes
agree is seen when packets fly, not here.
"""

from __future__ import annotations

from typing import NamedTuple

from vethlab.model.address import IP, IPInterface, IPv4Address, IPv6Address
from vethlab.model.names import HOST, vxlan_name
from vethlab.model.topology import Vtep
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.nodes import RawNode
from vethlab.spec.raw import RawLink, RawNetwork
from vethlab.spec.ways import Stand, Ways

OVERHEAD = {4: 50, 6: 70}  # outer IP (20, 40), UDP 8, VXLAN 8 and the inner Ethernet header 14 (RFC 7348, section 4.3)
PLAIN_MTU = 1500


class _Pair(NamedTuple):
    """Two hosts: the address at which the first reaches the second, and the smallest mtu on the way; `mtu` 0: there is no way."""

    remote: IP | None
    mtu: int


def join(
    links: list[RawLink], networks: list[RawNetwork], declared: dict[str, RawNode], loopbacks: dict[str, tuple[IPInterface, ...]],
    mistakes: Mistakes,
) -> None:
    """Fills in what the VXLAN networks of a lab need."""
    overlays = [network for network in networks if network.type == "vxlan"]
    ways = Ways(links, networks, {name for name, node in declared.items() if node.get("forward")}, loopbacks)
    used = {network.vni for network in overlays}
    for network in overlays:
        if not network.vni:
            network.vni = next(number for number in range(1, len(networks) + 2) if number not in used)
            used.add(network.vni)
        _join(network, ways, mistakes)
    _same_vni(overlays, mistakes)


def _join(network: RawNetwork, ways: Ways, mistakes: Mistakes) -> None:
    hosts = [host for host in network.hosts() if host != HOST]
    known = [host for host in hosts if ways.held.get(host)]
    if any(mistakes.unsure(host) for host in hosts):
        return
    tried = [(version, _pairs(hosts, version, ways)) for version in _versions(known, ways)]
    version, pairs = next((one for one in tried if all(pair.mtu for pair in one[1].values())), tried[0] if tried else (4, {}))
    lost = next((ends for ends, pair in pairs.items() if not pair.mtu), None)
    if lost is not None or (len(hosts) > 1 and not tried):
        _no_underlay(network, lost or (hosts[0], hosts[1]), ways, mistakes)
        return
    multicast = network.fields.get("fdb") == "multicast"
    shared = ways.shared(hosts, version) if multicast and len(hosts) > 1 else {}
    if multicast and len(hosts) > 1 and not shared:
        mistakes.add(
            network.fields.at("fdb"), "no-underlay", f"the hosts of network `{network.name}` are not all on one segment",
            topic="networks.fdb", why="multicast reaches no other segment",
            help="put them on one network, or say `fdb: static` or `fdb: learning`",
        )
    network.vteps = tuple(_vtep(network, host, version, pairs, shared, ways) for host in hosts)
    _mtu(network, min([pair.mtu for pair in pairs.values()], default=PLAIN_MTU), version, mistakes)


def _versions(hosts: list[str], ways: Ways) -> list[int]:
    """The address families in the order of the first host's addresses."""
    return list(dict.fromkeys(stand.address.version for host in hosts[:1] for stand in ways.held[host]))


def _pairs(hosts: list[str], version: int, ways: Ways) -> dict[tuple[str, str], _Pair]:
    """Every host with every other."""
    found = {}
    for here in hosts:
        for there in hosts:
            if here != there:
                near = ways.neighbours(here, there, version)
                if near is not None:
                    found[here, there] = _Pair(near.address.ip, near.mtu)
                else:
                    main = next((stand.address.ip for stand in ways.held.get(there, ()) if stand.address.version == version), None)
                    found[here, there] = _Pair(main, ways.mtu(here, there) if main is not None else 0)
    return found


def _vtep(
    network: RawNetwork, host: str, version: int, pairs: dict[tuple[str, str], _Pair], shared: dict[str, Stand], ways: Ways,
) -> Vtep:
    remotes = tuple((there, pair.remote) for (here, there), pair in pairs.items() if here == host and pair.remote is not None)
    seen = {pair.remote for (_, there), pair in pairs.items() if there == host}
    if not seen:
        seen = {stand.address.ip for stand in ways.held.get(host, ())[:1]}
    local, stand = seen.pop() if len(seen) == 1 else None, shared.get(host)
    if stand is not None:
        return Vtep(host, vxlan_name(network.name), version, stand.address.ip, (), stand.interface, _group(network.vni, version))
    return Vtep(host, vxlan_name(network.name), version, local, remotes)


def _group(vni: int, version: int) -> IP:
    """A multicast group of the network's own: organisation-local (RFC 2365), site-local (RFC 4291)."""
    return IPv4Address((239 << 24) + vni) if version == 4 else IPv6Address((0xFF05 << 112) + vni)


def _mtu(network: RawNetwork, underlay: int, version: int, mistakes: Mistakes) -> None:
    """What the underlay leaves; a larger number would be lost on the way, because VXLAN packets are not cut."""
    most = underlay - OVERHEAD[version]
    given = network.fields.get("mtu", "auto")
    if most < 68:  # net/ipv4: the smallest mtu an interface may have
        mistakes.add(network.item, "mtu-too-small", f"the underlay's mtu {underlay} leaves {most} bytes for network `{network.name}`",
                     why="too small to carry anything", help="raise the mtu of the links between its hosts", topic="networks.mtu")
    elif given != "auto" and given > most:
        mistakes.add(
            network.fields.at("mtu"), "mtu-too-large",
            f"the mtu {given} of network `{network.name}` does not fit into its underlay's {underlay}",
            why=f"VXLAN takes {OVERHEAD[version]} bytes of each packet",
            help=f"`mtu: auto` is {most} here", topic="networks.mtu",
        )
    else:
        network.mtu = most if given == "auto" else given


def _no_underlay(network: RawNetwork, ends: tuple[str, str], ways: Ways, mistakes: Mistakes) -> None:
    here, there = ends
    joined = bool(ways.mtu(here, there))
    remedy = f"join them: `links: [{here} -- {there}]`, or over nodes with `forward: true`"
    mistakes.add(
        network.item, "no-underlay", f"the hosts `{here}` and `{there}` of network `{network.name}` have no common underlay",
        why="they have no addresses of one family" if joined else "no link or network leads from one to the other",
        help="give both an address, IPv4 or IPv6" if joined else remedy, topic="networks.type",
    )


def _same_vni(networks: list[RawNetwork], mistakes: Mistakes) -> None:
    """One UDP port of a host tells networks apart by their vni (drivers/net/vxlan vxlan_config_validate: EEXIST)."""
    taken: dict[tuple[str, int, int], str] = {}
    for network in networks:
        port = network.fields.get("udp_port", 4789)
        for host in network.hosts():
            first = taken.setdefault((host, port, network.vni), network.name)
            if first != network.name:
                mistakes.add(
                    network.fields.at("vni"), "duplicate-vni",
                    f"the networks `{first}` and `{network.name}` have the vni {network.vni} both, on host `{host}` and UDP port {port}",
                    why="their packets could not be told apart", help="give each its own `vni`, or its own `udp_port`",
                    topic="networks.vni",
                )
                break
