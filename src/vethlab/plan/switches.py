"""Switch(actual), Switch(desired) -> changes: what has to happen to the Open vSwitch of one namespace.

Enters: two states of one namespace and the names of the veth ends made anew; leaves: changes in any order. Rule of the file: a switch
whose daemon died is made anew as a whole, since its database cannot be told from a stale one, unless the daemons are somebody else's: those
are left to him. What does not bear our mark is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from vethlab import change as ops
from vethlab.change import Change
from vethlab.model.state import Netns
from vethlab.model.switch import AUTO, Switch, SwitchBridge, SwitchPort

DEAD, EXTRA = "one of its daemons died", "in the running lab, but not declared"


def switch_changes(name: str, before: Netns, after: Netns, why: str, *, gone: Collection[str] = ()) -> Iterator[Change]:
    """The changes of one namespace. `gone`: interfaces that are removed, or made anew, in the same plan; `why`: the reason of additions."""
    was, goal = before.switch, after.switch
    if goal is not None and not goal.running:
        return  # what was dead before a change that failed is better left as it is now
    if not any(one.shared for one in (was, goal) if one is not None):
        yield from _daemons(name, was, goal, why)
        if goal is None:
            return
        was = was if was is not None and was.running else None
    was, goal = was or Switch(), goal or Switch()
    if not was.running:
        return  # the machine's: whoever stopped it starts it
    for bridge, now in was.bridges.items():
        if now.owned and not _lasts(now, goal.bridges.get(bridge)):
            yield ops.RemoveSwitchBridge(name, bridge)
    for bridge, wanted in goal.bridges.items():
        held = was.bridges.get(bridge)
        if held is None or not _lasts(held, wanted):
            yield ops.AddSwitchBridge(name, after.links[bridge], wanted, why)
            held = SwitchBridge()
        yield from _ports(name, bridge, held, wanted, why, gone)
        if held.flows != wanted.flows:
            yield ops.SetFlows(name, bridge, wanted.flows, why if not held.flows else "the rules differ from the declared ones")


def _daemons(name: str, was: Switch | None, goal: Switch | None, why: str) -> Iterator[Change]:
    """Those of the namespace's own: ended where nothing needs them, or where one of them died; started where they are needed."""
    if was is not None and (goal is None or not was.running):
        yield ops.StopSwitch(name, "no longer in the lab file" if goal is None else DEAD)
    if goal is not None and (was is None or not was.running):
        yield ops.StartSwitch(name, why if was is None else DEAD)


def new_bridges(before: Netns, after: Netns) -> frozenset[str]:
    """The bridges that will be made, although an interface of that name may be there."""
    was, goal = before.switch, after.switch
    if goal is None or not goal.running:
        return frozenset()
    held = was.bridges if was is not None and was.running else {}
    return frozenset(name for name, wanted in goal.bridges.items() if name not in held or not _lasts(held[name], wanted))


def indexes_needed(made: Iterable[Collection[str]]) -> int:
    """How many interface indexes to leave to ovs-vswitchd: it makes its interfaces while veth pairs get numbers of our choice.

    It takes the lowest that are free (net/core/dev.c dev_index_reserve): one for each bridge, one for the datapath, and as many to spare.
    """
    return sum(2 * (len(bridges) + 1) for bridges in made if bridges)


def _lasts(now: SwitchBridge, goal: SwitchBridge | None) -> bool:
    """Whether a bridge can become what is wanted; its datapath is chosen when it is made."""
    return goal is not None and goal.datapath in {AUTO, now.datapath}


def _ports(
    name: str, bridge: str, now: SwitchBridge, goal: SwitchBridge, why: str, gone: Collection[str],
) -> Iterator[Change]:
    for port, one in now.ports.items():
        if port not in goal.ports and one.owned:
            yield ops.RemoveSwitchPort(name, bridge, port, EXTRA)
        elif port in goal.ports and port in gone:
            yield ops.RemoveSwitchPort(name, bridge, port, "its interface is made anew")
    for number, (port, wanted) in enumerate(goal.ports.items(), 1):
        held = now.ports.get(port)
        if held is None or port in gone:
            yield ops.AddSwitchPort(name, bridge, port, wanted, number, why)
        elif held != wanted:
            yield ops.SetSwitchPort(name, bridge, port, held, wanted, ", ".join(_differences(held, wanted)))


def _differences(now: SwitchPort, goal: SwitchPort) -> Iterator[str]:
    if now.tag != goal.tag:
        yield f"tag {now.tag or 'none'} → {goal.tag or 'none'}"
    if now.isolated != goal.isolated:
        yield "isolated off → on" if goal.isolated else "isolated on → off"
    if now.trunks != goal.trunks:
        yield f"trunks {_listed(now.trunks)} → {_listed(goal.trunks)}"
    if now.mode != goal.mode:
        yield f"vlan_mode {now.mode or 'none'} → {goal.mode or 'none'}"


def _listed(vlans: frozenset[int]) -> str:
    return ",".join(str(one) for one in sorted(vlans)) or "all"
