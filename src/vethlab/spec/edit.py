"""Writes a fix of the running lab into its lab file. Enters: the file's text and the commands of the fix. Leaves: the edited text.

Rule of the file: text to text, by position, and each edit proves itself: what was edited is read again and means what was meant, neither
more nor less. What cannot be said stays as it was, with a sentence. What the file says already needs no edit.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from vethlab.change.nft import LoadRuleset
from vethlab.change.process import StartProcess
from vethlab.errors import SpecErrors
from vethlab.model.finding import Command
from vethlab.model.state import Process
from vethlab.model.topology import Network
from vethlab.spec.addresses import parse_interface
from vethlab.spec.layout import Unsaid
from vethlab.spec.mistakes import Wrong
from vethlab.spec.node_edits import add_route, add_rule, drop_rule, remove_route, set_routes, set_sysctl
from vethlab.spec.proof import Lab
from vethlab.spec.segment_edits import set_address, set_isolated, set_mac, set_mtu
from vethlab.spec.wishes import ADDED, Wish, wishes

__all__ = [
    "Unsaid", "add_route", "add_rule", "apply_commands", "drop_rule", "remove_route", "set_address", "set_isolated", "set_mac", "set_mtu",
    "set_routes", "set_sysctl",
]


def apply_commands(text: str, commands: Sequence[Command]) -> tuple[str, tuple[str, ...]]:
    """The text with all that the commands did to the running lab, and a sentence for each thing that it cannot say."""
    try:
        Lab(text)
    except SpecErrors as errors:
        return text, (f"the lab file has a mistake already: {errors.errors[0].message}",)
    asked: dict[Wish, Command] = {}
    said: list[str] = []
    for command in commands:
        try:
            for wish in wishes(command):
                # What the commands come to counts, not each step: an address taken away and given again is where it was.
                asked = {one: by for one, by in asked.items() if one[:3] != wish[:3]} | {wish: command}
        except Unsaid as unsaid:
            said.append(_sentence([command], unsaid))
    waiting = _together(asked)
    while waiting:
        failed = []
        for group in waiting:
            try:
                text = _edited(text, group)
            except Unsaid as unsaid:
                failed.append((group, _sentence([asked[wish] for wish in group], unsaid)))
        if len(failed) == len(waiting):
            said += [sentence for _, sentence in failed]
            break
        waiting = [group for group, _ in failed]  # a route may need an address that came after it
    return text, tuple(said)


def _sentence(commands: list[Command], unsaid: Unsaid) -> str:
    lines = dict.fromkeys(shlex.join(command.argv) for command in commands)
    return f"`{'; '.join(lines)}` in {commands[0].node}: {unsaid}"


def _together(asked: dict[Wish, Command]) -> list[list[Wish]]:
    """Wishes in groups: the routes of a node and the addresses of an interface change in one edit, since one may replace another."""
    groups: dict[tuple[str, ...], list[Wish]] = {}
    for wish in asked:
        key = wish[:2] if wish.kind == "route" else (*wish[:2], wish.subject.partition(" ")[0]) if wish.kind == "address" else wish
        groups.setdefault(key, []).append(wish)
    return list(groups.values())


def _edited(text: str, group: list[Wish]) -> str:
    """The text with one group of wishes."""
    kind, node, subject, value = group[0]
    if kind == "mtu" and not value.isdecimal():
        raise Unsaid(f"`{value}` is no mtu")
    edits: dict[str, Callable[[], str]] = {
        "route": lambda: set_routes(text, node, add=_subjects(group, added=True), remove=_subjects(group, added=False)),
        "address": lambda: _addresses(text, group),
        "sysctl": lambda: set_sysctl(text, node, subject, value),
        "mtu": lambda: set_mtu(text, node, subject, int(value)),
        "mac": lambda: set_mac(text, node, subject, value.lower()),
        "isolated": lambda: set_isolated(text, node, subject, isolated=value == "on"),
        "rule": lambda: (add_rule if value == ADDED else drop_rule)(text, node, *subject.split("\n")),
        "master": lambda: _as_said(text, group[0]),
        "shell": lambda: _as_said(text, group[0]),
        "device": lambda: _as_said(text, group[0]),
        "forward": lambda: _as_said(text, group[0]),
    }
    return edits[kind]()


def _subjects(group: list[Wish], *, added: bool) -> list[str]:
    return [wish.subject for wish in group if (wish.value == ADDED) == added]


def _addresses(text: str, group: list[Wish]) -> str:
    interface = group[0].subject.split()[0]
    try:
        add, remove = ([parse_interface(one.split()[1]) for one in _subjects(group, added=added)] for added in (True, False))
    except Wrong as wrong:
        raise Unsaid(f"a lab file has no such address: {wrong.why}") from None
    return set_address(text, group[0].node, interface, add=add, remove=remove)


def _as_said(text: str, wish: Wish) -> str:
    """The text as it is, if it says already what is wished and could not be edited to say it."""
    topology = Lab(text).topology
    if wish.kind == "shell":
        lines: set[str] = set()
        for node in topology.nodes:
            if node.name == wish.node:
                lines |= {*LoadRuleset(node.name, node.nft or "").commands()}
                lines |= {*StartProcess(node.name, Process(node.run or "", node.private)).commands()}
        said = wish.subject in lines
    elif wish.kind in {"device", "forward"}:
        said = any(_makes(network, wish) for network in topology.networks)
    else:
        ports = {(port.on, port.name): network.name for network in topology.networks for port in network.ports}
        ports |= {(vtep.host, vtep.interface): network.name for network in topology.networks for vtep in network.vteps}
        said = wish.kind == "master" and ports.get((wish.node, wish.subject)) == wish.value
    if not said:
        raise Unsaid("a lab file has no word for it")
    return text


def _makes(network: Network, wish: Wish) -> bool:
    """Whether a network has such a VXLAN device there, or such an entry in one."""
    vtep = next((one for one in network.vteps if (one.host, one.interface) == (wish.node, wish.subject)), None)
    if vtep is None:
        return False
    if wish.kind == "device":
        return wish.value in {"", f"{network.vni} {network.udp_port}"}
    return wish.value in {str(address) for _, address in vtep.remotes}
