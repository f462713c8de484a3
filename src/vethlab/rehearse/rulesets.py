"""nftables rulesets, carried from one namespace to another in the kernel's own words (nfnetlink(7), linux/netfilter/nf_tables.h).

Enters: a NETLINK_NETFILTER socket inside a namespace; leaves: a Ruleset, and from it the same ruleset elsewhere, as one transaction.
Rule of the file: an expression is bytes that are not looked into, so what nft(8) has no word for comes along, and a quota that is used up
stays used up. Everything is called as in the original, by handle too: a command that names a rule means the same one in both.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

from vethlab.errors import KernelError
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import Request
from vethlab.rehearse.said import joined, parts, string
from vethlab.rehearse.transaction import (
    CHAIN,
    ELEMENTS,
    FLOWTABLE,
    HEAD,
    OBJECT,
    RULE,
    SET,
    SUBSYSTEM,
    TABLE,
    Item,
    handle,
    transaction,
)

NETLINK_NETFILTER = 12
OURS = "vethlab-trace-"  # tables of ours watch a packet; they are gone once it has been seen

_SET_TABLE, _SET_NAME, _RULE_CHAIN = 1, 2, 2
_SEND_BUFFER = 8 << 20
_NONE = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOENT})  # a kernel without nftables, or without this kind of object


class Tables:
    """nftables of one namespace."""

    def __init__(self, sock: socket.socket) -> None:
        self._connection = Connection(sock)
        self._socket = sock

    def read(self) -> tuple[Item, ...]:
        """The ruleset, in the kernel's order; a namespace without tables costs one small dump."""
        tables = self._of_others(TABLE)
        if not tables:
            return ()
        found = [*tables, *[item for kind in (CHAIN, SET, OBJECT, FLOWTABLE, RULE) for item in self._of_others(kind)]]
        for item in found:
            if item.kind == SET:
                wanted = joined(item.parts, {_SET_TABLE, _SET_NAME})
                found = [*found, *self._dump(ELEMENTS, item.family, wanted)]
        return tuple(found)

    def load(self, ruleset: Sequence[Item]) -> str:
        """Make it here; why it cannot be, if it cannot."""
        if any(item.kind == FLOWTABLE for item in ruleset):
            return "it has a flowtable, which passes packets by the rules"
        requests = transaction(ruleset)
        if requests is None:
            return "its rules were changed too often for their handles to be counted again"
        refused = self._send(requests)
        if not refused and _called(self._of_others(RULE)) != _called([item for item in ruleset if item.kind == RULE]):
            return "its rules got other handles"
        return refused

    def _send(self, requests: Sequence[Request]) -> str:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)  # a transaction is one message to the socket
        try:
            refused = self._connection.attempt(requests)
        except OSError as error:
            return f"it is too large to be copied at once ({error.strerror})"
        return next((one.says or errno.errorcode.get(one.code, str(one.code)) for one in refused), "")

    def _of_others(self, kind: int) -> list[Item]:
        return [item for item in self._dump(kind) if not string(item.parts, 1).startswith(OURS)]

    def _dump(self, kind: int, family: int = 0, wanted: bytes = b"") -> list[Item]:
        try:
            told = self._connection.dump(SUBSYSTEM << 8 | kind + 1, HEAD.pack(family, 0, 0) + wanted)
            return [Item(kind, data[start], parts(data[start:end], HEAD.size)) for data, start, end in told]
        except KernelError as error:
            if error.errno in _NONE:
                return []
            raise


def _called(rules: Sequence[Item]) -> list[tuple[int, str, str, int]]:
    return [(*rule.table, string(rule.parts, _RULE_CHAIN), handle(rule)) for rule in rules]
