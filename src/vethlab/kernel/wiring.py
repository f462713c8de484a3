"""The wiring of a whole lab: every interface of every namespace, what leads where, and its addresses.

Enters: Namespaces and names; leaves: Wires by End. Rule of the file: two dumps a namespace and nothing else, since a question about one
flow reads all of them. Interface indexes are unique over a lab, so the two ends of a veth name each other (kernel/snapshot.py); a peer that
does not answer is outside the lab.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from vethlab.errors import KernelError
from vethlab.kernel import macvlan, veth, vxlan
from vethlab.kernel.inside import Inside, each
from vethlab.kernel.netlink import interface
from vethlab.kernel.netlink.address import interface as address
from vethlab.kernel.netlink.interface import Told
from vethlab.kernel.netlink.link import IFLA_INFO_DATA, RTM_GETLINK, dump_body
from vethlab.kernel.netlink.watch import addresses
from vethlab.kernel.port import Namespaces
from vethlab.model.address import IPInterface
from vethlab.model.link import End
from vethlab.model.snapshot import Wire

__all__ = ["read_wiring"]


class _Site(NamedTuple):
    """One namespace: interfaces and, by interface index, addresses."""

    told: dict[int, Told]
    addresses: dict[int, list[IPInterface]]


def read_wiring(namespaces: Namespaces, names: Iterable[str]) -> dict[End, Wire]:
    """Every interface of these namespaces; tentative and link-local addresses included."""
    sites = {
        name: _site(name, inside, namespaces.joined.get(name))
        for entered in each(namespaces, names, fully=False) for name, inside in entered.items()
    }
    ends = veth.joined(
        veth.Half(End(name, one.name), one.number, one.peer, one.abroad, one.owned)
        for name, site in sites.items() for one in site.told.values() if one.kind == "veth"
    )
    stacked = [End(name, one.name) for name, site in sites.items() for one in site.told.values() if one.kind == macvlan.KIND]
    lowers = macvlan.lowers(
        macvlan.Standing(End(name, one.name), one.number, one.peer if one.kind == macvlan.KIND else 0, one.abroad, one.owned)
        for name, site in sites.items() for one in site.told.values()
    ) if stacked else {}
    return {
        End(name, one.name): Wire(
            end=End(name, one.name), kind=one.kind, mac=one.mac, up=one.up, carrier=one.carrier,
            master=site.told[one.master].name if one.master in site.told else None,
            peer=ends.get(End(name, one.name)), addresses=tuple(site.addresses.get(one.number, ())),
            lower=lowers.get(End(name, one.name)), mode=_mode(one), vxlan=vxlan.told(one),
            beyond=name in namespaces.joined and not one.owned and one.kind != "loopback",
        )
        for name, site in sites.items() for one in site.told.values()
    }


def _mode(one: Told) -> str | None:
    span = one.info.get(IFLA_INFO_DATA) if one.kind == macvlan.KIND else None
    return None if span is None else macvlan.decode(one.data, *span)


def _site(name: str, inside: Inside, owner: str | None) -> _Site:
    held: dict[int, list[IPInterface]] = defaultdict(list)
    try:
        told = [interface.decode(*part, owner) for part in inside.route.dump(RTM_GETLINK, dump_body())]
        for one in addresses(inside.route):
            held[one.link].append(address(one.packed, one.prefix))
    except KernelError as error:
        raise KernelError("read", f"namespace {name}", error.errno, error.kernel_says) from error
    return _Site({one.number: one for one in told}, held)
