"""Surveys written by hand."""

from __future__ import annotations

from ipaddress import ip_interface

from vethlab.kernel.netlink.watch import SeenAddress, SeenLink
from vethlab.probe.survey import Site, Survey, survey

LOOPBACK = SeenLink(1, "lo", up=True, running=True, carrier=True, loopback=True, master=0, mac=bytes(6))


def link(number: int, name: str = "eth0", *, up: bool = True, running: bool = True, carrier: bool = True, master: int = 0) -> SeenLink:
    """A link that works unless said otherwise."""
    return SeenLink(number, name, up, running, carrier, loopback=False, master=master, mac=bytes(5) + bytes([number]))


def address(number: int, text: str, *, tentative: bool = False, dad_failed: bool = False) -> SeenAddress:
    """An address on the link of that index."""
    value = ip_interface(text)
    return SeenAddress(number, value.ip.packed, value.network.prefixlen, tentative, dad_failed)


def site(links: list[SeenLink], addresses: list[SeenAddress]) -> Site:
    """A namespace, `lo` included."""
    return Site({one.number: one for one in (LOOPBACK, *links)}, (address(1, "127.0.0.1/8"), *addresses))


def star(*names: str, subnet: str = "10.0.0.{}/24") -> Survey:
    """Namespaces with one link each, numbered from 11, addressed from .1, on one segment."""
    return survey({name: site([link(11 + place)], [address(11 + place, subnet.format(1 + place))]) for place, name in enumerate(names)})
