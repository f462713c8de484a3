"""State(actual), State(desired) -> changes: what has to happen, and why.

Enters: two states of one lab; leaves: ordered changes, empty if the lab is as declared. Rule of the file: the smallest change that does it.
A field that is None in a desired link is not compared, a link that somebody else made is left alone, and a namespace that goes takes
its links along (but the far ends are removed by hand, because the kernel frees a namespace later than it says).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from vethlab import change as ops
from vethlab.model.address import IPv6Interface
from vethlab.model.link import LOOPBACK, LOOPBACK_MTU, SWITCH_KIND, TAP, End, Link, has_ipv6
from vethlab.model.state import Address, Netns, State, without_ipv6
from vethlab.plan.differences import adjustable, alike, explain, matches, rebuilt
from vethlab.plan.members import EXTRA, kept, members
from vethlab.plan.order import order
from vethlab.plan.spaces import QUIET_PORTS
from vethlab.plan.spreading import sysctls

if TYPE_CHECKING:
    from vethlab.change import Change

FRESH_LO = Link(LOOPBACK, "loopback", up=False, mtu=LOOPBACK_MTU)
FRESH = Netns(links={LOOPBACK: FRESH_LO})
FIRST_INDEX = 2  # 1 is lo in every namespace
# Kinds of link without a peer, with the change that makes one.
ALONE: Mapping[str, Callable[[str, Link, str], Change]] = {
    "bridge": ops.AddBridge, "macvlan": ops.AddMacvlan, "vxlan": ops.AddVxlan, TAP: ops.AddTap,
}
UNFILLED = "its switch fills no checksum in"
NEW, MISSING = "declared in the lab file", "declared, but missing in the running lab"
LEFT = ops.RemoveNetns("").reason  # what most removals say by themselves


def diff(actual: State, wanted: State, *, new: bool = False) -> tuple[Change, ...]:
    """The changes that lead from `actual` to `wanted`. `new`: the lab is being made, so that nothing in it is called missing."""
    return _Diff(actual, wanted, new=new).changes()


class _Diff:
    """One comparison: remembers which links it will remove or make, so that each pair is touched once."""

    def __init__(self, actual: State, wanted: State, *, new: bool) -> None:
        self.actual, self.wanted = actual.netns, wanted.netns
        self.why = NEW if new or not actual.netns else MISSING
        self.removed: set[End] = set()
        self.made: dict[End, tuple[Link, Link]] = {}  # what the kernel will have made, what it should be in the end
        taken = max((link.index or 0 for one in self.actual.values() for link in one.links.values()), default=FIRST_INDEX - 1)
        self.next_index = max(1 + taken, *[one.first_index for one in self.wanted.values()], 0)
        self.foreign = frozenset[int]().union(*[one.foreign for one in self.actual.values()])
        self.switched = self._switched() if any(one.switch is not None for one in self.wanted.values()) else {}

    def changes(self) -> tuple[Change, ...]:
        found: list[Change] = [ops.AddNetns(name, self._reason(name)) for name in self.wanted if name not in self.actual]
        found += [ops.RemoveNetns(name) for name in self.actual if name not in self.wanted]
        for name, after in self.wanted.items():
            found += self._removed_links(name, self.actual.get(name, FRESH).links, after.links)
        found += self._left_behind()
        for name, after in self.wanted.items():
            found += self._added_links(name, after.links)
        for name, after in self.wanted.items():
            before = _sunk(self.actual.get(name, FRESH), after)
            missing = after.addresses - kept(before, self._gone(name))
            early = {one for one in missing if one.address.is_link_local and one.address.version == 6}
            found += sysctls(name, before, after, NEW, there=name in self.actual)
            # Before the interface comes up, or the kernel makes the same address first, tentative for a second.
            found += [ops.AddAddress(name, one, self._reason(name)) for one in sorted(early, key=str)]
            found += self._settings(name, before, after)
            found += members(
                name, before, after, missing=missing - early, gone=self._gone(name), why=self._reason(name), there=name in self.actual,
            )
            found += self._queues(name, before, after)
            found += self._checksums(name, before, after)
            found += self._software(name, before, after)
            if before.switch is not None or after.switch is not None:
                found += self._switch(name, before, after)
        return order(found, list(self.wanted))

    def _switched(self) -> dict[str, frozenset[str]]:
        """The bridges that Open vSwitch will make, by namespace; the indexes of their interfaces are kept free."""
        from vethlab.plan.switches import indexes_needed, new_bridges  # noqa: PLC0415 - labs with Open vSwitch only

        made = {name: new_bridges(self.actual.get(name, FRESH), after) for name, after in self.wanted.items()}
        self.next_index += indexes_needed(made.values())
        return made

    def _switch(self, name: str, before: Netns, after: Netns) -> Iterator[Change]:
        from vethlab.plan.switches import switch_changes  # noqa: PLC0415 - as in _switched

        return switch_changes(name, before, after, self._reason(name), gone=self._gone(name))

    def _reason(self, name: str) -> str:
        return NEW if name not in self.actual else self.why

    def _removed_links(self, name: str, before: Mapping[str, Link], after: Mapping[str, Link]) -> Iterator[Change]:
        """Links to take away: extra ones of ours, and those whose kind or peer is not what it should be."""
        for link in before.values():
            end, goal = End(name, link.name), after.get(link.name)
            if link.kind == "loopback" or end in self.removed:
                continue
            if link.kind == SWITCH_KIND:
                if goal is not None and (goal.kind != SWITCH_KIND or link.name in self.switched.get(name, ())):
                    self.removed.add(end)  # by the switch, whose interface it is
                continue
            if goal is None and (not link.owned or link.kind not in {"veth", *ALONE}):
                continue
            if goal is None or not self._same_link(end, link, goal):
                self.removed.add(end)
                if link.peer is not None:
                    self.removed.add(link.peer)
                yield ops.RemoveLink(name, link, EXTRA if goal is None else rebuilt(link, goal))

    def _left_behind(self) -> Iterator[Change]:
        """What stands on a link that goes, goes with it; what stands on one that stays is removed by hand when its namespace goes.

        The kernel frees a namespace later than it says, and until then a macvlan keeps its MAC address to itself (macvlan_addr_busy).
        """
        for name, space in self.actual.items():
            for link in space.links.values():
                if link.lower is not None and link.lower in self.removed:
                    self.removed.add(End(name, link.name))
                elif link.lower is not None and name not in self.wanted and link.lower.netns in self.wanted:
                    yield ops.RemoveLink(name, link, EXTRA)

    def _same_link(self, end: End, link: Link, goal: Link) -> bool:
        if (link.kind, link.lower) != (goal.kind, goal.lower) or not adjustable(link.vxlan, goal.vxlan):
            return False
        if goal.peer is not None and link.peer != goal.peer:
            return False
        if goal.peer is None:
            return True
        far = self.wanted[goal.peer.netns].links.get(goal.peer.interface)
        return far is not None and far.peer == end

    def _exists(self, end: End) -> bool:
        space = self.actual.get(end.netns)
        return space is not None and end.interface in space.links and end not in self.removed

    def _added_links(self, name: str, after: Mapping[str, Link]) -> Iterator[Change]:
        """Links to make; of a pair, the end with a master or a mark (or that comes first) makes both."""
        for link in after.values():
            end = End(name, link.name)
            if link.kind == "loopback" or end in self.made or self._exists(end):
                continue
            if link.kind == SWITCH_KIND:
                self.made[end] = (self._by_switch(name, link), link)
            elif link.kind in ALONE and (link.owned or link.kind != TAP):  # another program's tap only that can make
                goal = link if link.kind == TAP else self._index(link)  # of a tap the kernel chooses it
                self.made[end] = (replace(goal, up=False, link_local=self._link_local(name, goal)), goal)
                yield ALONE[link.kind](name, goal, self._reason(name))
            elif link.peer is not None:
                yield self._pair(end, link, link.peer)

    def _pair(self, end: End, link: Link, peer: End) -> Change:
        far = self.wanted[peer.netns].links[peer.interface]
        if (far.master is not None and link.master is None) or (far.mark is not None and link.mark is None):
            end, peer, link, far = peer, end, far, link
        left, right = self._index(link), self._index(far)
        reason = NEW if end.netns not in self.actual or peer.netns not in self.actual else self.why
        quiet = left.link_local != self._link_local(end.netns, left)
        self.made[end] = (replace(left, link_local=not left.link_local) if quiet else left, left)
        fresh = replace(right, up=False, link_local=self._link_local(peer.netns, right), master=None, port=None, alias=None)
        self.made[peer] = (fresh, right)
        return ops.AddVeth(end.netns, left, peer.netns, right, reason)

    def _index(self, link: Link) -> Link:
        while self.next_index in self.foreign:
            self.next_index += 1
        self.next_index += 1
        return replace(link, index=self.next_index - 1)

    def _link_local(self, name: str, link: Link) -> bool:
        """What addr_gen_mode a new interface starts with. A marked one is told at once: the default there is the machine's."""
        return link.link_local if link.mark else self.wanted[name].sysctls.get(QUIET_PORTS) != "1"

    def _by_switch(self, name: str, link: Link) -> Link:
        """The interface of a bridge as Open vSwitch makes it: without a mark, and among others' as the machine's settings would have it."""
        made = replace(link, up=False, mark=None, link_local=self._link_local(name, link))
        return replace(made, link_local=not link.link_local) if link.mark else made

    def _settings(self, name: str, before: Netns, after: Netns) -> Iterator[Change]:
        for goal in after.links.values():
            made = self.made.get(End(name, goal.name))
            if made is not None:
                if not matches(*made):
                    yield ops.SetLink(name, *made, self._reason(name), fresh=True)
                continue
            now = before.links.get(goal.name)
            # None: a link of somebody else (a tunnel, say) that is gone; only a rollback asks for one, and nobody can make it anew.
            if now is not None and not matches(now, goal):
                target = replace(goal, index=now.index, mac=goal.mac or now.mac, alias=goal.alias if goal.alias is not None else now.alias)
                if goal.port is not None and goal.port.state is None and now.port is not None:
                    target = replace(target, port=replace(goal.port, state=now.port.state))
                back = has_ipv6(goal) and not has_ipv6(now)
                if back:  # first and alone: until IPv6 is there again, nothing of it can be said
                    low, now = now, self._raised(name, now, goal)
                    yield ops.SetLink(name, low, now, f"mtu {low.mtu} → {now.mtu}")
                if back and goal.kind == "loopback":  # made as lo comes up, and not when IPv6 comes back on it (net/ipv6/addrconf.c)
                    yield ops.AddAddress(name, Address(LOOPBACK, IPv6Interface("::1/128")), "gone with IPv6 on lo")
                if not matches(now, goal):
                    yield ops.SetLink(name, now, target, explain(now, goal) if name in self.actual else self._reason(name), risen=back)

    def _raised(self, name: str, now: Link, goal: Link) -> Link:
        """An interface with IPv6 back on it, which starts as on one just made: one among others' has to be told, whatever it does there."""
        mode = not goal.link_local if goal.mark else self._link_local(name, goal)
        return replace(now, mtu=goal.mtu, link_local=mode)

    def _gone(self, name: str) -> set[str]:
        """Interfaces of a namespace that are removed; what hung on them goes with them."""
        return {end.interface for end in self.removed if end.netns == name}

    def _queues(self, name: str, before: Netns, after: Netns) -> Iterator[Change]:
        """What holds back what leaves. An interface that is made anew has lost its queue; one of somebody else keeps its own."""
        gone = self._gone(name)
        for interface, goal in after.queues.items():
            now = None if interface in gone else before.queues.get(interface)
            if not alike(now, goal):
                why = self._reason(name) if now is None else f"{ops.words(now)} → {ops.words(goal)}"
                yield ops.SetQueue(name, interface, now, goal, why)
        for interface, now in before.queues.items():
            if interface in after.links and interface not in gone and interface not in after.queues:
                yield ops.RemoveQueue(name, interface, now, EXTRA)

    def _checksums(self, name: str, before: Netns, after: Netns) -> Iterator[Change]:
        """Who fills them in. An interface that is made anew leaves them to its device, as all do."""
        held = before.filled - self._gone(name)
        for interface in sorted((held ^ after.filled) & after.links.keys()):
            filled = interface in after.filled
            yield ops.SetChecksums(name, interface, filled, UNFILLED if filled else "its switch takes packets without a checksum")

    def _software(self, name: str, before: Netns, after: Netns) -> Iterator[Change]:
        if (before.nft or "") != (after.nft or ""):
            yield ops.LoadRuleset(name, after.nft or "", NEW if before.nft is None else "the ruleset differs from the declared one")
        if after.table is not None and before.table != after.table:
            yield ops.LoadTable(name, after.table, self._table_reason(name, before))
        if after.table is None and before.table is not None:
            yield ops.RemoveTable(name, before.table)
        for process in before.processes:
            if process not in after.processes:
                yield ops.StopProcess(name, process)
        for process in after.processes:
            if process not in before.processes:
                yield ops.StartProcess(name, process, self._reason(name))

    def _table_reason(self, name: str, before: Netns) -> str:
        return self._reason(name) if before.table is None else "the table differs from the declared one"


def _sunk(before: Netns, after: Netns) -> Netns:
    """A namespace without the IPv6 that the kernel takes off interfaces whose MTU will be too small for it."""
    return without_ipv6(before, [name for name, goal in after.links.items() if not has_ipv6(goal) and name in before.links])
