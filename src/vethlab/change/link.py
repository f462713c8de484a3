"""Make, change and remove links: veth pairs, bridges, macvlans, and the settings of any interface.

Rule of the file: a veth pair is one change, because the kernel makes both ends in one message (drivers/net/veth.c veth_newlink).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.change.vxlan import adjusted
from vethlab.model.address import generated
from vethlab.model.link import DEFAULT_MTU, LOOPBACK, SWITCH_KIND, End, Link, generated_otherwise, gso, has_ipv6
from vethlab.model.names import dotted

# No port of the machine leads into the lab, none of the lab to programs of the machine's loopback, no address is handed out.
PASTA = (
    "pasta", "--quiet", "--netns", "{netns}", "--netns-only", "--no-netns-quit", "--tcp-ports", "none", "--udp-ports", "none",
    "--tcp-ns", "none", "--udp-ns", "none", "--no-map-gw", "--no-dhcp", "--no-dhcpv6", "--no-ra",
)


@dataclass(frozen=True, slots=True)
class AddVeth:
    """Make a pair: `left` in `netns` (with its master, created up), `right` in `peer_netns` (still down: a peer created up is ENOTCONN)."""

    netns: str
    left: Link
    peer_netns: str
    right: Link
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"link {self.netns}:{self.left.name} -- {self.peer_netns}:{self.right.name}"

    def commands(self) -> tuple[str, ...]:
        left, right = self.left, self.right
        place = f" netns {dotted(self.peer_netns)}" if self.peer_netns != self.netns else ""
        lines = [
            f"ip link add name {left.name}{_mac(left)}{_mtu(left)} type veth peer name {right.name}{_mac(right)}{_mtu(right)}{place}",
        ]
        lines += _mark(left)
        if left.alias:
            lines.append(f"ip link set dev {left.name} alias {left.alias}")
        if left.master:
            lines.append(f"ip link set dev {left.name} master {left.master}")
        if left.port is not None and left.port.isolated:
            lines.append(f"bridge link set dev {left.name} isolated on")
        if left.port is not None and left.port.hairpin:
            lines.append(f"bridge link set dev {left.name} hairpin on")
        if left.up:
            lines.append(f"ip link set dev {left.name} up")
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class AddBridge:
    """Make a bridge, still down: brought up last, so that its ports join without a flood."""

    netns: str
    link: Link
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"bridge {self.netns}:{self.link.name}"

    def commands(self) -> tuple[str, ...]:
        options = self.link.bridge
        extra = "" if options is None else f" stp_state {int(options.stp)} mcast_snooping {int(options.multicast_snooping)}"
        return (f"ip link add name {self.link.name}{_mac(self.link)}{_mtu(self.link)} type bridge{extra}", *_mark(self.link))


@dataclass(frozen=True, slots=True)
class AddMacvlan:
    """Make a macvlan in `place`, still down. The kernel is told so where the interface is that it stands on."""

    place: str
    link: Link
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def lower(self) -> End:
        """What it stands on; a macvlan stands on something."""
        return self.link.lower or End(self.place, "")

    @property
    def netns(self) -> str:
        """Where the command is given."""
        return self.lower.netns

    @property
    def object(self) -> str:
        return f"link {self.place}:{self.link.name} on {self.lower}"

    def commands(self) -> tuple[str, ...]:
        place = f" netns {self.place}" if self.place != self.netns else ""
        words = f"{_mac(self.link)}{_mtu(self.link)}{place}"
        return (f"ip link add link {self.lower.interface} name {self.link.name}{words} type macvlan mode {self.link.mode}",)


@dataclass(frozen=True, slots=True)
class AddTap:
    """Let pasta make a tap, still down. It runs where whoever brings the lab up is."""

    netns: str
    link: Link
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"link {self.netns}:{self.link.name} -- pasta"

    def commands(self) -> tuple[str, ...]:
        words = " ".join(PASTA).replace("{netns}", f"/run/netns/{dotted(self.netns)}")
        return (f"{words} --ns-ifname {self.link.name} --runas 0",)  # as nobody it could not enter a namespace of root's


@dataclass(frozen=True, slots=True)
class RemoveLink:
    """Remove an interface; the other end of a pair goes with it."""

    netns: str
    link: Link
    reason: str = "no longer in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"{self.link.kind if self.link.kind in {'bridge', 'vxlan'} else 'link'} {self.netns}:{self.link.name}"

    def commands(self) -> tuple[str, ...]:
        return (f"ip link delete dev {self.link.name}",)


@dataclass(frozen=True, slots=True)
class SetLink:
    """Bring an interface's settings from `before` to `after`; only what differs is sent.

    `fresh`: the same plan made the interface; `risen`: it brought IPv6 back on it (model.link.has_ipv6).
    """

    netns: str
    before: Link
    after: Link
    reason: str
    fresh: bool = False
    risen: bool = False
    action: ClassVar[Action] = "change"

    @property
    def object(self) -> str:
        return f"interface {self.netns}:{self.after.name}"

    def commands(self) -> tuple[str, ...]:
        lines, mac = _settings(self.before, self.after), self.before.mac
        if self.risen and mac and not self.after.link_local:  # what the kernel made as IPv6 came back stays; nothing is wrong without
            lines.append(f"ip -6 address flush dev {self.after.name} to {generated(mac).ip}")
        return tuple(lines)


def _settings(before: Link, after: Link) -> list[str]:
    head, lines = f"ip link set dev {after.name}", list[str]()
    if after.mark is not None and after.mark != before.mark:
        lines.append(f"ip link property add dev {after.name} altname {after.mark}")
    held = after.kind == SWITCH_KIND  # ovs-vswitchd holds its own interface to what its database says
    if after.mac is not None and after.mac != before.mac:
        lines.append(f'ovs-vsctl set Bridge {after.name} other_config:hwaddr="{after.mac}"' if held else f"{head} address {after.mac}")
    if after.mtu != before.mtu:
        lines.append(f"ovs-vsctl set Interface {after.name} mtu_request={after.mtu}" if held else f"{head} mtu {after.mtu}")
    if after.alias != before.alias and after.alias is not None:
        lines.append(f"{head} alias {after.alias}")
    if after.master != before.master:
        lines.append(f"{head} master {after.master}" if after.master else f"{head} nomaster")
    if after.bridge is not None and before.bridge is not None and after.bridge != before.bridge:
        lines.append(f"{head} type bridge stp_state {int(after.bridge.stp)} mcast_snooping {int(after.bridge.multicast_snooping)}")
    if gso(after) != gso(before):
        names = ("gso_max_size", "gro_max_size", "gso_ipv4_max_size", "gro_ipv4_max_size")
        lines.append(f"{head} {' '.join(f'{name} {gso(after)}' for name in names)}")
    if after.mode is not None and after.mode != before.mode:
        lines.append(f"{head} type macvlan mode {after.mode}")
    if after.vxlan is not None and before.vxlan is not None and after.vxlan != before.vxlan:
        lines.append(f"{head} type vxlan {' '.join(adjusted(before.vxlan, after.vxlan))}")
    if after.port is not None and after.port != before.port:
        was = before.port
        if was is None or was.isolated != after.port.isolated:
            lines.append(f"bridge link set dev {after.name} isolated {'on' if after.port.isolated else 'off'}")
        if (was is not None and was.hairpin) != after.port.hairpin:
            lines.append(f"bridge link set dev {after.name} hairpin {'on' if after.port.hairpin else 'off'}")
        if after.port.state is not None and (was is None or was.state != after.port.state):
            lines.append(f"bridge link set dev {after.name} state {after.port.state}")
    if generated_otherwise(before, after) and after.name != LOOPBACK:
        lines.append(f"{head} addrgenmode {'eui64' if after.link_local else 'none'}")
    if after.up != before.up:
        lines.append(f"{head} {'up' if after.up else 'down'}")
    return lines


def _mac(link: Link) -> str:
    return f" address {link.mac}" if link.mac else ""


def _mark(link: Link) -> list[str]:
    """In a namespace of others: whose it is, and how it makes IPv6 addresses, whatever new interfaces there do by default."""
    if link.mark is None:
        return []
    mode = [f"ip link set dev {link.name} addrgenmode {'eui64' if link.link_local else 'none'}"] if has_ipv6(link) else []
    return [f"ip link property add dev {link.name} altname {link.mark}", *mode]


def _mtu(link: Link) -> str:
    return f" mtu {link.mtu}" if link.mtu != DEFAULT_MTU else ""
