"""In which order changes are carried out.

Enters: changes in any order; leaves: the same changes sorted. Rule of the file: the table is the whole truth; within a phase changes of
one namespace stay together (they share a system call), in the order `diff` found them.
"""

from __future__ import annotations

from collections.abc import Sequence

from vethlab import change as ops
from vethlab.change import Change

# 0 what runs in the way of a change ends first; 1 removed links free their names; 2 whole namespaces go; 3 new ones come;
# 4 sysctls that new interfaces inherit; 5 bridges before 6 their ports; 7 sysctls of interfaces, before these come up;
# 8 settings, addresses, routes of each namespace; 9 fresh bridges come up last, or every port that joins floods all others;
# 10 firewalls, and after a whole ruleset the table of ours beside it; 11 processes find everything ready.
_PHASE: dict[type, int] = {
    ops.StopProcess: 0, ops.RemoveLink: 1, ops.RemoveNetns: 2, ops.AddNetns: 3, ops.SetSysctl: 4, ops.AddBridge: 5, ops.AddVeth: 6,
    ops.SetLink: 8, ops.RemoveAddress: 8, ops.AddAddress: 8, ops.RemoveRoute: 8, ops.AddRoute: 8, ops.RemoveNeighbour: 8,
    ops.AddNeighbour: 8, ops.LoadRuleset: 10, ops.RemoveTable: 10, ops.LoadTable: 10, ops.StartProcess: 11,
}
_OF_INTERFACE, _BRIDGE_UP = 7, 9


def order(changes: Sequence[Change], names: Sequence[str]) -> tuple[Change, ...]:
    """Sort changes; `names` fixes the order of namespaces within a phase."""
    position = {name: number for number, name in enumerate(names)}
    last = len(position)
    return tuple(sorted(changes, key=lambda one: (_phase(one), position.get(one.netns, last))))


def _phase(one: Change) -> int:
    if isinstance(one, ops.SetSysctl) and of_interface(one.key):
        return _OF_INTERFACE
    if isinstance(one, ops.SetLink) and one.fresh and one.after.kind == "bridge":
        return _BRIDGE_UP
    return _PHASE[type(one)]


def of_interface(key: str) -> bool:
    """True for a sysctl of one interface (`net.ipv4.conf.eth0.rp_filter`), False for what is always there (`all`, `default`, `lo`)."""
    words = key.split(".")
    return len(words) > 4 and words[2] in {"conf", "neigh"} and words[3] not in {"all", "default", "lo"}
