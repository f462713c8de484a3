"""Rulesets in each family and hook, what is sent through them, and what a trace must say of it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import NamedTuple

from vethlab import Lab


def pair(mode: str) -> Lab:
    """Two nodes on one cable."""
    lab = Lab("traced", mode=mode)
    lab.link("a 10.0.0.1/24 fd00::1/64", "b 10.0.0.2/24 fd00::2/64")
    return lab


def bridged(mode: str) -> Lab:
    """Two nodes on a bridge, which has an address."""
    lab = Lab("traced", mode=mode)
    lab.bridge("br0", subnet="10.1.0.0/24", nodes={"a": 1, "b": 2})
    return lab


def routed(mode: str) -> Lab:
    """Two nodes and a router between them."""
    lab = Lab("traced", mode=mode)
    lab.node("a", routes=["default via 10.2.1.1"])
    lab.node("r", forward=True)
    lab.node("b", routes=["default via 10.2.2.1"])
    lab.link("a 10.2.1.2/24", "r:left 10.2.1.1/24")
    lab.link("r:right 10.2.2.1/24", "b 10.2.2.2/24")
    return lab


def ping(lab: Lab) -> None:
    """An echo request from a to b, which need not arrive."""
    lab["a"].ping("b", timeout=0.1)


def ping_command(lab: Lab) -> None:
    """The same by ping(8): a drop at egress is ENOBUFS to the sender, which `check` takes for a full neighbour table and waits for."""
    lab["a"].exec("ping -c 1 -W 0.1 10.0.0.2")


def ping_ipv6(lab: Lab) -> None:
    """The same over IPv6."""
    lab["a"].exec("ping -6 -c 1 -W 0.1 fd00::2")


def stray_reply(lab: Lab) -> None:
    """An echo reply that nobody asked for, which connection tracking finds invalid."""
    with lab["a"].socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sender:
        sender.sendto(b"\0\0\xff\xff" + bytes(4), ("10.2.2.2", 0))


def ping_from_bridge(lab: Lab) -> None:
    """An echo request from the bridge's own address."""
    lab.namespaces.run("host", ["ip", "address", "add", "10.1.0.9/24", "dev", "br0"])
    lab.namespaces.run("host", ["ping", "-c", "1", "-W", "0.1", "10.1.0.2"])


def load(lab: Lab, node: str, ruleset: str) -> None:
    """Give a node a ruleset, after its own notation: `table FAMILY t`, chains in lines."""
    done = lab.namespaces.run(node, ["nft", "-f", "-"], ruleset)
    assert "" == done.stderr


class Case(NamedTuple):
    """A ruleset in one node of a lab, what is sent, and what the trace says of it."""

    shape: Callable[[str], Lab]
    node: str
    ruleset: str
    expected: list[str]
    send: Callable[[Lab], None] = ping


CASES = {
    "input, a chain jumped into": Case(pair, "b", """table inet t {
        chain i { type filter hook input priority 0; policy accept
            icmp type echo-request jump deep comment "jumps"
        }
        chain deep { goto deeper comment "goes"
        }
        chain deeper { ip protocol icmp counter drop comment "drops"
        }; }""", ["b inet i jumps jump", "b inet deep goes goto", "b inet deeper drops drop"]),
    "input, a policy": Case(pair, "b", """table ip t {
        chain i { type filter hook input priority 0; policy drop
            ip protocol tcp accept
        }; }""", ["b ip i policy drop"]),
    "input, reject": Case(pair, "b", """table ip t {
        chain i { type filter hook input priority 0
            icmp type echo-request reject comment "rejects"
        }; }""", ["b ip i rejects drop"]),
    "input, IPv6": Case(pair, "b", """table ip6 t {
        chain i { type filter hook input priority 0
            icmpv6 type echo-request drop comment "drops"
        }; }""", ["b ip6 i drops drop"], ping_ipv6),
    "prerouting before everything": Case(pair, "b", """table inet t {
        chain p { type filter hook prerouting priority -2147483648
            ip protocol icmp drop comment "drops"
        }; }""", ["b inet p drops drop"]),
    "output, type route": Case(pair, "a", """table ip t {
        chain o { type route hook output priority -150
            ip protocol icmp meta mark set 7 comment "marks"
            ip protocol icmp drop comment "drops"
        }; }""", ["a ip o marks continue", "a ip o drops drop"]),
    "arp, input": Case(pair, "b", """table arp t {
        chain i { type filter hook input priority 0
            arp operation request drop comment "drops"
        }; }""", ["b arp i drops drop"]),
    "arp, output": Case(pair, "a", """table arp t {
        chain o { type filter hook output priority 0
            arp operation request drop comment "drops"
        }; }""", ["a arp o drops drop"]),
    "netdev, ingress": Case(pair, "b", """table netdev t {
        chain i { type filter hook ingress devices = { lo, eth0 } priority -500
            ip protocol icmp drop comment "drops"
        }; }""", ["b netdev i drops drop"]),
    "netdev, ingress before everything": Case(pair, "b", """table netdev t {
        chain i { type filter hook ingress device eth0 priority -2147483648
            ip protocol icmp drop comment "drops"
        }; }""", ["b netdev i drops drop"]),
    "netdev, egress": Case(pair, "a", """table netdev t {
        chain e { type filter hook egress device eth0 priority 0
            ip protocol icmp drop comment "drops"
        }; }""", ["a netdev e drops drop"], ping_command),
    "inet, ingress": Case(pair, "b", """table inet t {
        chain i { type filter hook ingress device eth0 priority 0
            ip protocol icmp drop comment "drops"
        }; }""", ["b inet i drops drop"]),
    "bridge, forward": Case(bridged, "host", """table bridge t {
        chain f { type filter hook forward priority 0
            ip protocol icmp drop comment "drops"
        }; }""", ["host bridge f drops drop"]),
    "bridge, output and input": Case(bridged, "host", """table bridge t {
        chain o { type filter hook output priority 0
            ip protocol icmp counter comment "leaves"
        }
        chain p { type filter hook postrouting priority 0
            ip protocol icmp counter comment "left"
        }
        chain i { type filter hook input priority 0
            ip protocol icmp drop comment "drops"
        }; }""", ["host bridge o leaves continue", "host bridge p left continue", "host bridge i drops drop"], ping_from_bridge),
    "bridged traffic in the stack's chains": Case(bridged, "host", """table bridge t {
        chain f { type filter hook forward priority -300
            ip protocol icmp counter comment "forwards"
        }; }
    table ip t {
        chain p { type filter hook prerouting priority 0
            icmp type echo-request counter comment "sees"
        }
        chain f { type filter hook forward priority 0; policy drop
            ip protocol tcp accept
        }; }""", ["host ip p sees continue", "host bridge f forwards continue", "host ip f policy drop"]),
    "forward, invalid": Case(routed, "r", """table inet t {
        chain f { type filter hook forward priority 0
            ct state invalid drop comment "drops"
        }; }""", ["r inet f drops drop"], stray_reply),
    "forward, reject": Case(routed, "r", """table ip t {
        chain f { type filter hook forward priority 0
            icmp type echo-request reject with icmp type admin-prohibited comment "rejects"
        }; }""", ["r ip f rejects drop"]),
    "forward, then nat in postrouting": Case(routed, "r", """table inet t {
        chain f { type filter hook forward priority 0
            icmp type echo-request accept comment "passes"
        }
        chain n { type nat hook postrouting priority 100
            oifname "right" masquerade comment "translates"
        }; }""", ["r inet f passes accept", "r inet n translates accept"]),
}
