"""A kernel in memory: the public double of kernel.port.Kernel, with faults on demand. It serves fault injection, not proof.

Enters: changes; leaves: the state they lead to. Rule of the file: the few consequences that plans must know are imitated (a pair goes as
a whole, a link that goes down loses its routes and IPv6 addresses, one below IPv6's least MTU has none, a secondary address goes with
its primary), everything else is not.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from vethlab import change as ops
from vethlab.change import Change
from vethlab.errors import KernelError
from vethlab.model.link import LOOPBACK, LOOPBACK_MTU, End, Link, has_ipv6
from vethlab.model.route import Route
from vethlab.model.state import Address, Netns, State, of_ipv6, without_ipv6
from vethlab.model.switch import AUTO, KIND, USERSPACE, Switch, SwitchBridge, SwitchPort

_LO = Link(LOOPBACK, "loopback", up=False, mtu=LOOPBACK_MTU, index=1)


class Fake:
    """Holds a State. `fail_at`: the number of the change (from 1) that is refused with `code`; later ones are not tried."""

    def __init__(self, state: State | None = None, *, fail_at: int = 0, code: int = errno.ENOMEM, fail_read_at: int = 0) -> None:
        self.spaces: dict[str, Netns] = dict((state or State()).netns)
        self.fail_at, self.code, self.fail_read_at = fail_at, code, fail_read_at
        self.applied: list[Change] = []
        self._tried = self._reads = 0

    def names(self) -> frozenset[str]:
        """The namespaces that exist."""
        return frozenset(self.spaces)

    def apply(self, changes: Sequence[Change]) -> None:
        """Execute in order, failing where told to."""
        for one in changes:
            self._tried += 1
            if self._tried == self.fail_at:
                raise KernelError(one.action, one.object, self.code, "injected")
            _EFFECTS[type(one)](self, one)
            self.applied.append(one)

    def read(self, names: Iterable[str], sysctls: Iterable[tuple[str, str]] = ()) -> State:
        """A copy of what is held."""
        self._reads += 1
        if self._reads == self.fail_read_at:
            raise KernelError("read", "namespace", self.code, "injected")
        asked: dict[str, set[str]] = {}
        for name, key in sysctls:
            asked.setdefault(name, set()).add(key)
        return State({
            name: replace(self.spaces[name], sysctls={k: v for k, v in self.spaces[name].sysctls.items() if k in asked.get(name, set())})
            for name in names
        })

    def put(self, name: str, **fields: object) -> None:
        """Change a namespace by hand, as a person would behind the lab's back."""
        self.spaces[name] = replace(self.spaces[name], **fields)  # type: ignore[arg-type]

    def put_link(self, name: str, link: Link) -> None:
        """Add or replace one interface."""
        self.put(name, links={**self.spaces[name].links, link.name: link})

    def remove_link(self, end: End) -> None:
        """Take away an interface and what hangs on it; the peer goes too."""
        space = self.spaces.get(end.netns)
        if space is None or end.interface not in space.links:
            return
        link = space.links[end.interface]
        self.spaces[end.netns] = Netns(
            {name: _orphan(one, end.interface) for name, one in space.links.items() if name != end.interface},
            frozenset(one for one in space.addresses if one.interface != end.interface),
            frozenset(one for one in space.routes if not _uses(one, end.interface)),
            frozenset(one for one in space.neighbours if one.interface != end.interface), space.sysctls, space.nft, space.processes,
            space.table, space.switch, frozenset(one for one in space.fdb if one.interface != end.interface),
            queues={name: held for name, held in space.queues.items() if name != end.interface}, filled=space.filled - {end.interface},
        )
        if link.peer is not None:
            self.remove_link(link.peer)
        for above in [End(name, one.name) for name, held in self.spaces.items() for one in held.links.values() if one.lower == end]:
            self.remove_link(above)


def _orphan(link: Link, master: str) -> Link:
    return replace(link, master=None, port=None) if link.master == master else link


def _uses(route: Route, interface: str) -> bool:
    return any(hop.interface == interface for hop in route.next_hops)


def _add_netns(kernel: Fake, one: ops.AddNetns) -> None:
    kernel.spaces[one.netns] = Netns(links={LOOPBACK: _LO})


def _remove_netns(kernel: Fake, one: ops.RemoveNetns) -> None:
    for name in list(kernel.spaces[one.netns].links):
        kernel.remove_link(End(one.netns, name))
    del kernel.spaces[one.netns]


def _link_local(kernel: Fake, netns: str, link: Link) -> bool:
    """What a new interface begins with: the namespace's setting, unless it is told (kernel/encode.py), as marked ones are."""
    asked = link.link_local if link.mark else kernel.spaces[netns].sysctls.get("net.ipv6.conf.default.addr_gen_mode") != "1"
    return asked and has_ipv6(link)


def _add_veth(kernel: Fake, one: ops.AddVeth) -> None:
    left = replace(one.left, peer=End(one.peer_netns, one.right.name), link_local=_link_local(kernel, one.netns, one.left))
    right = replace(
        one.right, peer=End(one.netns, one.left.name), up=False, master=None, port=None, alias=None,
        link_local=_link_local(kernel, one.peer_netns, one.right),
    )
    kernel.put_link(one.netns, left)
    kernel.put_link(one.peer_netns, right)


def _add_alone(kernel: Fake, one: ops.AddBridge | ops.AddVxlan) -> None:
    kernel.put_link(one.netns, replace(one.link, up=False, link_local=_link_local(kernel, one.netns, one.link)))


def _add_macvlan(kernel: Fake, one: ops.AddMacvlan) -> None:
    quiet = kernel.spaces[one.place].sysctls.get("net.ipv6.conf.default.addr_gen_mode") == "1"
    kernel.put_link(one.place, replace(one.link, up=False, link_local=not quiet and has_ipv6(one.link)))


def _set_link(kernel: Fake, one: ops.SetLink) -> None:
    kernel.put_link(one.netns, one.after)
    if not has_ipv6(one.after):
        kernel.put_link(one.netns, replace(one.after, link_local=False))
        kernel.spaces[one.netns] = without_ipv6(kernel.spaces[one.netns], [one.after.name])
    elif not has_ipv6(one.before):
        kernel.put_link(one.netns, replace(one.after, link_local=_link_local(kernel, one.netns, replace(one.after, mark=None))))
    if one.before.up and not one.after.up:
        space, name = kernel.spaces[one.netns], one.after.name
        kernel.put(
            one.netns, routes=frozenset(route for route in space.routes if not _uses(route, name)),
            addresses=frozenset(held for held in space.addresses if held.interface != name or held.address.version == 4),
        )


def _add_address(kernel: Fake, one: ops.AddAddress) -> None:
    space = kernel.spaces[one.netns]
    link = space.links.get(one.address.interface)
    if one.address.address.version == 6 and link is not None and not has_ipv6(link):
        raise KernelError(one.action, one.object, errno.EINVAL, "too small for IPv6")
    kernel.put(one.netns, addresses=space.addresses | {one.address})


def _remove_address(kernel: Fake, one: ops.RemoveAddress) -> None:
    space = kernel.spaces[one.netns]
    gone = {one.address} | {held for held in space.addresses if _is_secondary(held, one.address)}
    kernel.put(one.netns, addresses=space.addresses - gone)


def _is_secondary(held: Address, primary: Address) -> bool:
    """In the fake the lowest address of a subnet is its primary one."""
    same = held.interface == primary.interface and held.address.network == primary.address.network
    return same and held.address.version == 4 and int(held.address.ip) > int(primary.address.ip)


def _member(field: str, what: Callable[..., object], *, add: bool) -> Callable[[Fake, Change], None]:
    """An effect that adds to or removes from one of the frozen sets of a namespace."""
    def effect(kernel: Fake, one: Change) -> None:
        held: frozenset[object] = getattr(kernel.spaces[one.netns], field)
        kernel.put(one.netns, **{field: held | {what(one)} if add else held - {what(one)}})
    return effect


def _set_sysctl(kernel: Fake, one: ops.SetSysctl) -> None:
    links = kernel.spaces[one.netns].links.values()
    if any(of_ipv6(one.key, link.name) and not has_ipv6(link) for link in links):
        raise KernelError(one.action, one.object, errno.ENOENT, "there is no IPv6 on it")
    kernel.put(one.netns, sysctls={**kernel.spaces[one.netns].sysctls, one.key: one.value})


def _set_queue(kernel: Fake, one: ops.SetQueue | ops.RemoveQueue) -> None:
    others = {name: held for name, held in kernel.spaces[one.netns].queues.items() if name != one.interface}
    kernel.put(one.netns, queues=others if isinstance(one, ops.RemoveQueue) else {**others, one.interface: one.after})


def _set_checksums(kernel: Fake, one: ops.SetChecksums) -> None:
    held = kernel.spaces[one.netns].filled
    kernel.put(one.netns, filled=held | {one.interface} if one.filled else held - {one.interface})


def _start(kernel: Fake, one: ops.StartProcess) -> None:
    kernel.put(one.netns, processes=(*kernel.spaces[one.netns].processes, one.process))


def _stop(kernel: Fake, one: ops.StopProcess) -> None:
    kernel.put(one.netns, processes=tuple(held for held in kernel.spaces[one.netns].processes if held != one.process))


def _start_switch(kernel: Fake, one: ops.StartSwitch) -> None:
    kernel.put(one.netns, switch=Switch())


def _stop_switch(kernel: Fake, one: ops.StopSwitch) -> None:
    for name, link in list(kernel.spaces[one.netns].links.items()):
        if link.kind == KIND:
            kernel.remove_link(End(one.netns, name))
    kernel.put(one.netns, switch=None)


def _put_bridge(kernel: Fake, netns: str, name: str, bridge: SwitchBridge | None) -> None:
    held = kernel.spaces[netns].switch or Switch()
    others = {key: value for key, value in held.bridges.items() if key != name}
    kernel.put(netns, switch=replace(held, bridges=others if bridge is None else {**others, name: bridge}))


def _add_switch_bridge(kernel: Fake, one: ops.AddSwitchBridge) -> None:
    made = replace(one.link, up=False, mark=None)
    kernel.put_link(one.netns, replace(made, link_local=_link_local(kernel, one.netns, made)))
    datapath = USERSPACE if one.bridge.datapath == AUTO else one.bridge.datapath
    _put_bridge(kernel, one.netns, one.link.name, SwitchBridge(datapath))


def _remove_switch_bridge(kernel: Fake, one: ops.RemoveSwitchBridge) -> None:
    kernel.remove_link(End(one.netns, one.name))
    _put_bridge(kernel, one.netns, one.name, None)


def _put_port(kernel: Fake, one: ops.AddSwitchPort | ops.SetSwitchPort | ops.RemoveSwitchPort, port: SwitchPort | None) -> None:
    held = (kernel.spaces[one.netns].switch or Switch()).bridges[one.bridge]
    others = {key: value for key, value in held.ports.items() if key != one.name}
    _put_bridge(kernel, one.netns, one.bridge, replace(held, ports=others if port is None else {**others, one.name: port}))


def _set_flows(kernel: Fake, one: ops.SetFlows) -> None:
    held = (kernel.spaces[one.netns].switch or Switch()).bridges[one.bridge]
    _put_bridge(kernel, one.netns, one.bridge, replace(held, flows=one.flows))


_EFFECTS: Mapping[type, Callable[..., None]] = {
    ops.AddNetns: _add_netns, ops.RemoveNetns: _remove_netns, ops.AddVeth: _add_veth, ops.AddBridge: _add_alone,
    ops.AddVxlan: _add_alone, ops.AddTap: _add_alone, ops.AddMacvlan: _add_macvlan, ops.SetLink: _set_link,
    ops.RemoveLink: lambda kernel, one: kernel.remove_link(End(one.netns, one.link.name)),
    ops.AddAddress: _add_address, ops.RemoveAddress: _remove_address,
    ops.AddRoute: _member("routes", lambda one: one.route, add=True), ops.RemoveRoute: _member("routes", lambda one: one.route, add=False),
    ops.AddNeighbour: _member("neighbours", lambda one: one.neighbour, add=True),
    ops.AddForward: _member("fdb", lambda one: one.entry, add=True), ops.RemoveForward: _member("fdb", lambda one: one.entry, add=False),
    ops.RemoveNeighbour: _member("neighbours", lambda one: one.neighbour, add=False),
    ops.SetSysctl: _set_sysctl, ops.LoadRuleset: lambda kernel, one: kernel.put(one.netns, nft=one.text), ops.StartProcess: _start,
    ops.LoadTable: lambda kernel, one: kernel.put(one.netns, table=one.table),
    ops.RemoveTable: lambda kernel, one: kernel.put(one.netns, table=None),
    ops.StopProcess: _stop, ops.StartSwitch: _start_switch, ops.StopSwitch: _stop_switch, ops.AddSwitchBridge: _add_switch_bridge,
    ops.RemoveSwitchBridge: _remove_switch_bridge, ops.AddSwitchPort: lambda kernel, one: _put_port(kernel, one, one.port),
    ops.SetSwitchPort: lambda kernel, one: _put_port(kernel, one, one.after),
    ops.RemoveSwitchPort: lambda kernel, one: _put_port(kernel, one, None), ops.SetFlows: _set_flows,
    ops.SetQueue: _set_queue, ops.RemoveQueue: _set_queue, ops.SetChecksums: _set_checksums,
}
