"""What takes a fix back: the difference between the states after and before, and what no state holds.

Enter: both states and the commands that were carried out between them; leave: commands, in the order in which they are to be run.
Rule of the file: pure. The states were read, so what a command did besides is taken back as well; only for what State has no word for
(queues, rules, forwarding entries, ...) is the command's own `undo` believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vethlab.change import (
    AddRoute,
    Change,
    LoadRuleset,
    RemoveQueue,
    RemoveRoute,
    SetLink,
    SetQueue,
)
from vethlab.change.argv import argvs
from vethlab.model.finding import Command
from vethlab.model.state import State, without_ipv6
from vethlab.plan.delta import left_to_trees
from vethlab.plan.diff import diff
from vethlab.plan.spreading import lost


def undoing(before: State, after: State, commands: Sequence[Command]) -> tuple[Command, ...]:
    """The commands that lead back. Both states hold the same namespaces, with the same sysctls read."""
    back = sorted(diff(_bereft(before, after), left_to_trees(before)), key=_order)
    reloaded = {one.netns for one in back if isinstance(one, LoadRuleset)}
    found = [*as_commands(back)]
    reshaped = {(one.netns, one.interface) for one in back if isinstance(one, RemoveQueue | SetQueue)}
    rerouted = {(one.netns, _destination(one)) for one in back if isinstance(one, AddRoute | RemoveRoute)}
    for command in reversed(commands):
        if command.argv[0] == "nft" and command.node in reloaded:
            continue  # the whole ruleset comes back: the rule would be there twice
        if command.argv[:2] == ("tc", "qdisc") and any((command.node, word) in reshaped for word in command.argv):
            continue  # the queue comes back by the difference of the states
        if "route" in command.argv[:3] and any((command.node, word) in rerouted for word in command.argv):
            continue  # so does the route
        if command.argv[0] == "sysctl":
            continue  # both states were read with the sysctls that the commands write
        found += [Command(command.node, argv) for argv in command.undo]
    return tuple(found)


def _bereft(before: State, after: State) -> State:
    """`after` as it is once its sysctls are what they were: without the IPv6 of interfaces that have to live through that."""
    spaces = {
        name: without_ipv6(one, lost(one, before.netns[name].sysctls)) if name in before.netns else one for name, one in after.netns.items()
    }
    return State(spaces)


def as_commands(changes: Iterable[Change]) -> tuple[Command, ...]:
    """The command lines of changes, each with its namespace."""
    return tuple(Command(one.netns, argv) for one in changes for argv in argvs(one))


def _order(one: Change) -> int:
    """Routes go first, since an address or interface that goes takes its routes along (fib_disable_ip); what goes down goes last."""
    if isinstance(one, RemoveRoute):
        return 0
    return 2 if isinstance(one, SetLink) and one.before.up and not one.after.up else 1


def _destination(one: AddRoute | RemoveRoute) -> str:
    return str(one.route.destination) if one.route.destination.prefixlen else "default"
