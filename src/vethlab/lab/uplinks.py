"""What a lab with an uplink needs of the machine, and the subnet on the way there.

Enters: a topology and the namespaces of its lab; leaves: addresses, or an error before anything is touched. Rule of the file: no setting of
the machine is written. What it would have to be is said.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from ipaddress import ip_interface
from typing import TYPE_CHECKING

from vethlab.errors import HostError
from vethlab.kernel import tap
from vethlab.kernel.marks import here
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.occupied import led_out
from vethlab.model.occupied import WIDE
from vethlab.model.outside import Transfer
from vethlab.plan.uplink import meets, transfer

if TYPE_CHECKING:
    from vethlab.keep.client import Mode, Scope
    from vethlab.lab.held import Held
    from vethlab.model.topology import Topology

__all__ = ["require_uplink", "way"]

FORWARDS = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}


def require_uplink(topology: Topology, mode: Mode) -> None:
    """HostError for what is missing."""
    if topology.uplink == "pasta":
        _require_pasta(topology)
        return
    if mode != "root":
        who = "an ordinary user may not" if os.geteuid() else "a rootless lab does not"
        raise HostError(
            "`uplink: machine` needs root", where=topology.name, why=f"it ends in the machine's own network, which {who} change",
            help="sudo vethlab up; or `uplink: pasta`, which needs no root", slug="not-root",
        )
    if not _is_on(FORWARDS[4]):
        raise HostError(
            "the machine does not forward packets", where=topology.name, slug="machine-forwards-not",
            why=f"{FORWARDS[4]} is 0: it would pass on nothing that comes from the lab, and no answer that comes back",
            help=f"it is yours to write: sysctl -w {FORWARDS[4]}=1; or take `uplink: pasta`, which needs no forwarding",
        )


def _require_pasta(topology: Topology) -> None:
    from vethlab.kernel.features import which  # noqa: PLC0415 - not for labs that go out through the machine
    from vethlab.kernel.ovs_daemons import require_tun  # noqa: PLC0415

    if which(tap.PROGRAM) is None:
        raise HostError(
            "pasta is not installed", where=topology.name, why="`uplink: pasta` has pasta(1) translate what leaves the lab",
            help=f"apt install {tap.PACKAGE}", slug="no-pasta",
        )
    require_tun("pasta makes a tap in the lab")


def way(held: Held, topology: Topology, *, ipv6: bool) -> Transfer:
    """The addresses of a lab's way out: chosen when it is asked for first, then kept in its record until the lab needs them itself."""
    if not held.record.way[0] or meets(topology, _kept(held)):
        found = _choose(held.namespaces, topology, held.record.machine, ipv6=ipv6)
        held.record = replace(held.record, way=(tuple(map(str, found.near)), tuple(map(str, found.far))))
    return _kept(held)


def _kept(held: Held) -> Transfer:
    near, far = (tuple(ip_interface(one) for one in side) for side in held.record.way)
    return Transfer(near, far)


def _choose(namespaces: Scope, topology: Topology, owner: str, *, ipv6: bool) -> Transfer:
    """Free addresses; of IPv6 too where the machine itself has a way out and forwards. pasta has the machine's own ways out."""
    if topology.uplink == "pasta":
        with _here() as connection:
            return transfer(topology, topology.name, versions=_versions(led_out(connection), ipv6=ipv6))
    from vethlab.lab import machine  # noqa: PLC0415 - not for pasta, which joins nothing

    there = machine.taken(namespaces, owner)
    used = [way for way, _ in there.ways if way.prefixlen >= WIDE]
    six = ipv6 and 6 in there.defaults and machine.has_ipv6(namespaces) and _is_on(FORWARDS[6])
    return transfer(topology, owner, used, versions=(4, 6) if six else (4,))


def _versions(found: Collection[int], *, ipv6: bool) -> tuple[int, ...]:
    return tuple(one for one in (4, 6) if one in found and (one == 4 or ipv6)) or (4,)


@contextmanager
def _here() -> Iterator[Connection]:
    connection = here()
    with closing(connection.socket):
        yield connection


def _is_on(key: str) -> bool:
    try:
        with open(f"/proc/sys/{key.replace('.', '/')}", encoding="ascii") as file:  # noqa: PTH123 - one small file
            return file.read().strip() != "0"
    except OSError:
        return False
