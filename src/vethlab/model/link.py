"""A link of the kernel (rtnetlink(7)): one interface of one namespace. A veth pair is two of them, each naming its peer.

Rule of the file: a field that is None in a desired link is not compared. `index` is unique over a whole lab, so that a veth's
IFLA_LINK names its peer without asking for namespace ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vethlab.model.address import IP

LOOPBACK = "lo"
TAP = "tun"  # a tap is of that kind to rtnetlink: the way to pasta, which makes it and takes its frames
DEFAULT_MTU = 1500
LOOPBACK_MTU = 65536
IPV6_MIN_MTU = 1280  # RFC 8200, section 5; below it the kernel takes IPv6 off the interface (net/ipv6/addrconf.c)
BR_STATE_FORWARDING = 3  # include/uapi/linux/if_bridge.h
SWITCH_MODULE = "openvswitch"  # the kind of what the kernel module makes: not removed by hand, it goes when ovs-vswitchd runs again
SWITCH_MADE = frozenset({"tun", SWITCH_MODULE})  # the kinds that a switch's own interface is of in the kernel; a tap outlives ovs-vswitchd
SWITCH_KIND = "ovs"  # of a switch's own interface, whatever Open vSwitch makes of it (a tap, or one of the kernel module)
USUAL_GSO = 65536  # GSO_LEGACY_MAX_SIZE, include/linux/netdevice.h


@dataclass(frozen=True, slots=True)
class End:
    """One end of a cable: an interface in a namespace of the lab."""

    netns: str
    interface: str

    def __str__(self) -> str:
        return f"{self.netns}:{self.interface}"


@dataclass(frozen=True, slots=True)
class Bridge:
    """What only a bridge has. Without STP a port forwards at once; without snooping multicast is flooded like broadcast."""

    stp: bool = False
    multicast_snooping: bool = False


@dataclass(frozen=True, slots=True)
class BridgePort:
    """What a link has while a bridge is its master.

    `state` as in include/uapi/linux/if_bridge.h: 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking.
    """

    isolated: bool = False
    state: int | None = None
    hairpin: bool = False  # frames may leave by the port that they came in by


@dataclass(frozen=True, slots=True)
class Vxlan:
    """What only a VXLAN device has (drivers/net/vxlan, RFC 7348).

    Of a device that exists the kernel changes `local`, `learning`, `ttl` and `df` only; `settled` is the rest.
    `local`: the outer source, None where the route to the far end chooses it; `version` is then the family it is made for.
    `group`: unknown frames go out of the link's `lower` to a multicast group. `learning`: who sends from where is remembered.
    `ttl`: the hops of the outer packet, 0 those of the route, None those of the frame inside. `df`: whether it says don't-fragment:
    "unset", "set", or "inherit" from the frame inside. `remote_sum`: checksums inside are left to the far device and to nobody between
    (draft-herbert-remotecsumoffload-00).
    """

    vni: int
    port: int = 4789
    local: IP | None = None
    group: IP | None = None
    learning: bool = False
    ttl: int | None = 0
    df: str = "unset"
    remote_sum: bool = False
    version: int = field(default=4, compare=False)  # the kernel does not tell it where neither local nor group do

    @property
    def settled(self) -> Vxlan:
        """Without what can be changed."""
        return replace(self, local=None, learning=False, ttl=None if self.ttl is None else 0, df="unset")


@dataclass(frozen=True, slots=True)
class Link:
    """One interface. `kind` is IFLA_INFO_KIND ("veth", "bridge", "macvlan", "vxlan") or "loopback"; `master` is the name of its bridge.

    `gso` is the largest segment in bytes that is handed on whole, both ways; past USUAL_GSO it is BIG TCP, None means no more.
    `lower` is the interface that a macvlan stands on, or a VXLAN device sends out of; `mode` what a macvlan does with frames for others on
    it ("bridge" passes them on).
    """

    name: str
    kind: str
    up: bool = True
    mtu: int = DEFAULT_MTU
    mac: str | None = None
    index: int | None = None
    master: str | None = None
    peer: End | None = None
    bridge: Bridge | None = None
    port: BridgePort | None = None
    lower: End | None = None
    mode: str | None = None
    vxlan: Vxlan | None = None
    gso: int | None = None
    alias: str | None = None
    mark: str | None = None  # where others have interfaces too: the alternative name that says whose this one is (model.names.mark)
    link_local: bool = True  # False: addr_gen_mode none, the kernel makes no IPv6 link-local address
    owned: bool = field(default=True, compare=False)  # False in actual state: somebody else made it, it is never removed


def has_ipv6(link: Link) -> bool:
    """Whether there is IPv6 on an interface: below its least MTU the kernel takes it off, with its addresses, routes and settings.

    What comes back with the MTU is as on a new interface, how it makes link-local addresses included (addrconf_notify, NETDEV_CHANGEMTU).
    """
    return link.mtu >= IPV6_MIN_MTU


def generated_otherwise(before: Link, after: Link) -> bool:
    """Whether the kernel has to be told how to make link-local addresses; where there is no IPv6 it takes no word of it (EAFNOSUPPORT)."""
    return after.link_local != before.link_local and has_ipv6(before) and has_ipv6(after)


def gso(link: Link) -> int:
    """The largest segment of a link: that of any device, unless it says more."""
    return max(link.gso or 0, USUAL_GSO)
