"""What a lab that joined the machine's network may do there to mend itself: what concerns its own interfaces, and nothing else.

Enters: commands of a fix; leaves: nothing, or LabError. Rule of the file: a command on the machine is allowed if it names one interface of
the lab's and can only change that one. Everything else (firewall rules, forwarding, routes of others) is told, for the machine's owner.
"""

from __future__ import annotations

import shlex
import socket
from collections.abc import Collection, Sequence
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING

from vethlab.apply.commands import settings
from vethlab.errors import LabError
from vethlab.kernel.marks import marked
from vethlab.kernel.netlink.connection import Connection
from vethlab.plan.settings import of_interface

if TYPE_CHECKING:
    from vethlab.kernel.port import Namespaces
    from vethlab.model.finding import Command

__all__ = ["is_ours", "require_ours"]

_BY_DEVICE = frozenset({"ip", "bridge", "tc"})
_OF_BRIDGE = frozenset({"add-flow", "del-flows", "mod-flows", "replace-flows", "fdb/flush", "set-fail-mode", "add-port", "mod-port"})
_ROWS = frozenset({"Bridge", "Port", "Interface"})


def require_ours(namespaces: Namespaces, commands: Sequence[Command]) -> None:
    """LabError if some of these commands would change the machine and not the lab."""
    for name, owner in namespaces.joined.items():
        (made,) = namespaces.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)])
        with closing(made):
            ours = {one.name for one in marked(Connection(made)) if one.owner == owner}
        foreign = [shlex.join(one.argv) for one in commands if one.node == name and not is_ours(one.argv, ours)]
        if foreign:
            raise LabError(
                "this fix would change the machine's own network", where=name, slug="not-the-labs",
                why="the lab is a guest there, and vethlab changes nothing that it did not make",
                help=f"it is for you to run: {'; '.join(foreign)}",
            )


def is_ours(argv: Sequence[str], ours: Collection[str]) -> bool:
    """True if a command can only change one of these interfaces."""
    if tuple(argv[:2]) == ("sh", "-c"):
        return is_ours(_behind_printf(argv[2]), ours)
    program, *words = argv
    keys = settings(argv)
    if keys:
        return all(of_interface(key) and key.split(".")[3].replace("/", ".") in ours for key, _ in keys)
    if program.startswith("ovs-"):
        plain = [word for word in words if word == "--" or not word.startswith("--")]
        return all(_is_of_switch(list(part), ours) for end, part in groupby(plain, key=lambda word: word == "--") if not end)
    if program.rpartition("/")[2] not in _BY_DEVICE or "dev" not in words[:-1]:
        return False
    return words[words.index("dev") + 1] in ours


def _is_of_switch(words: Sequence[str], ours: Collection[str]) -> bool:
    """One command of ovs-vsctl(8), ovs-ofctl(8) or ovs-appctl(8), without options: are its bridge, and its port or row, of these?"""
    verb, *rest = words
    if verb in {"set", "clear"}:
        return len(rest) > 1 and rest[0] in _ROWS and rest[1] in ours
    if verb == "del-port":
        return bool(rest) and set(rest) <= set(ours)
    names = rest[: 2 if verb == "add-port" else 1]
    return verb in _OF_BRIDGE and bool(names) and set(names) <= set(ours)


def _behind_printf(line: str) -> tuple[str, ...]:
    """The command of a line that a shell is to run, if it is one alone or reads what printf writes; else nothing that could be ours."""
    tokens = list(shlex.shlex(line, posix=True, punctuation_chars=True)) if not set(line) & set('"`$\n') else []
    signs = [token for token in tokens if set(token) <= set("();<>|&")]
    if signs == ["|"] and tokens[0] == "printf":
        return tuple(tokens[tokens.index("|") + 1 :])
    return tuple(tokens) if tokens and not signs else ("sh",)
