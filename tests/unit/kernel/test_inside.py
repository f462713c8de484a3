"""Entering namespaces of a kernel that lacks what this one has, and letting go of them again."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import cast

import pytest
from tests.unit.kernel.netlink.scripted import Kernel

from vethlab.errors import KernelError
from vethlab.kernel.full_snapshot import full_snapshots
from vethlab.kernel.inside import AT_ONCE, each, enter
from vethlab.kernel.port import Namespaces
from vethlab.kernel.wiring import read_wiring
from vethlab.model.snapshot import Snapshot

ROUTE, SOCK_DIAG, NETFILTER = 0, 4, 12


class Holder:
    """Holds namespaces in which there is nothing, of a kernel that has some protocols only."""

    def __init__(self, *protocols: int) -> None:
        self._protocols = protocols
        self.joined: dict[str, str] = {}
        self.made: list[Kernel] = []
        self.requests = 0

    def sockets(self, requests: Sequence[tuple[str, int, int, int]]) -> list[Kernel]:
        """All of them, or none."""
        self.requests += 1
        if any(protocol not in self._protocols for *_, protocol in requests):
            raise KernelError("open a socket in", requests[0][0], errno.EPROTONOSUPPORT)
        new = [Kernel() for _ in requests]
        self.made += new
        return new

    def read_sysctls(self, requests: Sequence[tuple[str, str]]) -> list[str | None]:
        """No key is there but one."""
        return ["1" if key == "net.ipv4.conf.all.rp_filter" else None for _name, key in requests]


def namespaces(holder: Holder) -> Namespaces:
    """The holder as what it stands for."""
    return cast("Namespaces", holder)


@pytest.mark.parametrize(("protocols", "there"), [
    ((ROUTE, SOCK_DIAG, NETFILTER), (True, True)), ((ROUTE, NETFILTER), (False, True)), ((ROUTE, SOCK_DIAG), (True, False)),
    ((ROUTE,), (False, False)),
])
def test_what_a_kernel_lacks_is_none(protocols: tuple[int, ...], there: tuple[bool, bool]) -> None:
    """A refused protocol is no connection; the others are there."""
    entered = enter(namespaces(Holder(*protocols)), ["a", "b"])
    assert [("a", there), ("b", there)] == [(name, (one.sockets is not None, one.filters is not None)) for name, one in entered.items()]


def test_a_kernel_without_routing_is_an_error() -> None:
    """Without route netlink there is nothing to read."""
    for fully in (True, False):
        with pytest.raises(KernelError):
            enter(namespaces(Holder(SOCK_DIAG, NETFILTER)), ["a"], fully=fully)


def test_the_snapshot_of_such_a_kernel() -> None:
    """What cannot be asked is left empty; a key that is not there is not told."""
    for protocols in ((ROUTE,), (ROUTE, SOCK_DIAG, NETFILTER)):
        holder = Holder(*protocols)
        assert {"a": Snapshot(all4={"rp_filter": 1})} == full_snapshots(namespaces(holder), ["a"])
        assert all(one.closed for one in holder.made)


def test_namespaces_are_entered_in_turns() -> None:
    """One request for a hundred, all closed before the next hundred and at the end."""
    holder = Holder(ROUTE)
    for entered in each(namespaces(holder), [f"n{number}" for number in range(2 * AT_ONCE + 1)], fully=False):
        assert len(entered) == sum(not one.closed for one in holder.made)
    assert (3, 2 * AT_ONCE + 1, True) == (holder.requests, len(holder.made), all(one.closed for one in holder.made))
    assert {} == read_wiring(namespaces(holder), ["a"])
