"""Harmless oddities: what confuses a reader and stops nothing.

Enters: a Scene; leaves: lines to type. Rule of the file: the probe passes with all of them.
"""

from __future__ import annotations

from tests.faults.scenes import Scene


def oddities(scene: Scene) -> list[str]:
    """A few of them."""
    every = [
        _address(scene), _filter(scene), _other_port(scene), _other_source(scene), _unused_route(scene), _counting(scene),
        _unused_link(scene),
        _learned(scene), _queue(scene), _arp(scene), _rule(scene), _policy(scene),
    ]
    return [line for lines in scene.chance.sample(every, scene.chance.randint(1, 3)) for line in lines]


def _somebody(scene: Scene) -> str:
    return scene.chance.choice([leg.sender.node for leg in scene.legs] + [scene.question.dst])


def _address(scene: Scene) -> list[str]:
    return [f"{_somebody(scene)}: ip address add 198.51.100.{scene.chance.randint(1, 250)}/32 dev lo"]


def _filter(scene: Scene) -> list[str]:
    return [f"{scene.question.dst}: sysctl -qw net.ipv4.conf.{scene.legs[-1].receiver.interface}.rp_filter=1"]


def _other_port(scene: Scene) -> list[str]:
    node = _somebody(scene)
    return [
        f"{node}: nft add table inet odd1", f"{node}: nft 'add chain inet odd1 c {{ type filter hook input priority 10; }}'",
        f"{node}: nft add rule inet odd1 c tcp dport {{ 23, 3389 }} counter drop",
    ]


def _other_source(scene: Scene) -> list[str]:
    node = _somebody(scene)
    return [
        f"{node}: nft add table inet odd2", f"{node}: nft 'add chain inet odd2 c {{ type filter hook forward priority -5; }}'",
        f"{node}: nft add rule inet odd2 c ip saddr 192.0.2.0/24 drop",
        f"{node}: nft add rule inet odd2 c ip6 saddr 2001:db8:aaaa::/48 reject",
    ]


def _unused_route(scene: Scene) -> list[str]:
    return [f"{_somebody(scene)}: {scene.ip} route add blackhole {'192.0.2.0/24' if scene.version == 4 else '2001:db8:aaaa::/48'}"]


def _counting(scene: Scene) -> list[str]:
    node = _somebody(scene)
    return [
        f"{node}: nft add table inet odd3", f"{node}: nft 'add chain inet odd3 c {{ type filter hook prerouting priority -200; }}'",
        f"{node}: nft add rule inet odd3 c counter accept",
    ]


def _unused_link(scene: Scene) -> list[str]:
    return [f"{_somebody(scene)}: ip link add name spare0 type veth peer name spare1"]


def _learned(scene: Scene) -> list[str]:
    leg = scene.chance.choice(scene.legs)
    address = leg.segment.address(leg.receiver, scene.version)
    mac = f"{{mac:{leg.receiver.node}:{leg.receiver.interface}}}"
    return [f"{leg.sender.node}: ip neigh replace {address} lladdr {mac} dev {leg.sender.interface} nud permanent"]


def _queue(scene: Scene) -> list[str]:
    leg = scene.chance.choice(scene.legs)
    return [f"{leg.sender.node}: tc qdisc replace dev {leg.sender.interface} root tbf rate 100mbit burst 64kb latency 50ms"]


def _arp(scene: Scene) -> list[str]:
    return [f"{scene.question.dst}: sysctl -qw net.ipv4.conf.all.arp_ignore=1"]


def _rule(scene: Scene) -> list[str]:
    return [f"{_somebody(scene)}: {scene.ip} rule add fwmark 0x99 priority 50 prohibit"]


def _policy(scene: Scene) -> list[str]:
    node = _somebody(scene)
    return [
        f"{node}: nft add table inet odd4",
        f"{node}: nft 'add chain inet odd4 c {{ type filter hook input priority 0; policy drop; }}'",
        f"{node}: nft add rule inet odd4 c meta l4proto {{ icmp, ipv6-icmp, tcp, udp }} accept",
    ]
