"""In which order changes are carried out.

Enters: changes in any order; leaves: the same changes sorted. Rule of the file: the table is the whole truth; within a phase changes of
one namespace stay together (they share a system call), in the order `diff` found them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from vethlab import change as ops
from vethlab.model.link import End, has_ipv6
from vethlab.plan.settings import of_interface

if TYPE_CHECKING:
    from vethlab.change import Change

# 0 what runs in the way of a change ends first; 1 removed links free their names; 2 whole namespaces go; 3 new ones come;
# 4 sysctls that new interfaces inherit; 5 bridges before 6 their ports; 6.5 links that are there become ports of Open vSwitch (it works
# while they are made), 6.7 its rules; 7 what stands on these; 7.4 what others stand on grows before they may (macvlan_change_mtu, EINVAL);
# 7.5 IPv6 comes back on interfaces, as on new ones; 8 sysctls of interfaces, before they rise; 9 settings, addresses, routes of each
# namespace; 10 fresh bridges come up last, or every port that joins floods all others, and so does what macvlans stand on: each that comes
# up later has to wait for linkwatch, which is in no hurry (net/core/link_watch.c); 10.5 routes of the namespaces where one does: the kernel
# refuses a gateway behind a device that is down (fib_check_nh, ENETUNREACH); 11 firewalls, and after a whole ruleset the table of ours
# beside it; 12 processes find everything ready.
_PHASE: dict[str, float] = {
    "RemoveQueue": 9, "SetQueue": 9, "SetChecksums": 9, "AddTap": 7,
    "StopProcess": 0, "RemoveLink": 1, "RemoveNetns": 2, "AddNetns": 3, "SetSysctl": 4, "AddBridge": 5, "AddVeth": 6,
    "AddMacvlan": 7, "AddVxlan": 7, "SetLink": 9, "RemoveAddress": 9, "AddAddress": 9, "RemoveRoute": 9, "AddRoute": 9,
    "RemoveNeighbour": 9, "AddNeighbour": 9, "RemoveForward": 9, "AddForward": 9, "LoadRuleset": 11, "RemoveTable": 11,
    "LoadTable": 11, "StartProcess": 12,
    "StopSwitch": 0, "RemoveSwitchPort": 0.5, "RemoveSwitchBridge": 0.5, "StartSwitch": 5, "AddSwitchBridge": 5,
    "AddSwitchPort": 6.5, "SetSwitchPort": 6.5, "SetFlows": 6.7,
}
_UNDER, _IPV6_BACK, _OF_INTERFACE, _UP_LAST, _BEHIND_IT = 7.4, 7.5, 8, 10, 10.5


def order(changes: Sequence[Change], names: Sequence[str]) -> tuple[Change, ...]:
    """Sort changes; `names` fixes the order of namespaces within a phase."""
    position = {name: number for number, name in enumerate(names)}
    last = len(position)
    under = {one.lower for one in changes if isinstance(one, ops.AddMacvlan)}
    rising = {one.netns for one in changes if _rises_last(one, under)}
    bearing = {one.after.lower for one in changes if isinstance(one, ops.SetLink) and one.after.lower is not None}
    return tuple(sorted(changes, key=lambda one: (_phase(one, under, rising, bearing), position.get(one.netns, last))))


def _rises_last(one: Change, under: Collection[End]) -> bool:
    return isinstance(one, ops.SetLink) and one.fresh and (one.after.kind == "bridge" or End(one.netns, one.after.name) in under)


def _phase(one: Change, under: Collection[End], rising: Collection[str], bearing: Collection[End]) -> float:
    """`under`: what new macvlans stand on; `rising`: namespaces where something comes up last; `bearing`: what links stand on."""
    if isinstance(one, ops.SetSysctl) and of_interface(one.key):
        return _OF_INTERFACE
    if isinstance(one, ops.AddRoute) and one.netns in rising:
        return _BEHIND_IT
    if _rises_last(one, under):
        return _UP_LAST
    if isinstance(one, ops.SetLink) and one.after.mtu > one.before.mtu and End(one.netns, one.after.name) in bearing:
        return _UNDER
    if isinstance(one, ops.SetLink) and has_ipv6(one.after) and not has_ipv6(one.before):
        return _IPV6_BACK
    return _PHASE[type(one).__name__]
