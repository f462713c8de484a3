"""Text to addresses. Enters: a word. Leaves: a value of the standard library's ipaddress, or Wrong with the reason.

Rule of the file: one word at a time, no positions, no rules about subnets.
"""

from __future__ import annotations

import re
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    NetmaskValueError,
)

from vethlab.model.address import IP, IPInterface, IPNetwork
from vethlab.spec.mistakes import Wrong
from vethlab.spec.tree import shown

_LENGTH = re.compile("[0-9]{1,3}")


def parse_address(text: str) -> IP:
    """An address without prefix that a host may have."""
    try:
        address: IP = IPv6Address(text) if ":" in text else IPv4Address(text)
    except AddressValueError as error:
        raise Wrong(f"`{shown(text)}` is not an address", help=_what(text, error)) from None
    if "%" in text:
        raise Wrong(f"`{shown(text)}` has a zone, which belongs to the machine that asks", help="remove `%` and what follows")
    _usable(address, text)
    return address


def parse_interface(text: str) -> IPInterface:
    """An address with its prefix length, e.g. 10.0.0.1/24."""
    address, slash, length = text.partition("/")
    parsed = parse_address(address)
    if not slash:
        raise Wrong(f"`{shown(text)}` has no prefix length", help=f"write `{text}/{24 if parsed.version == 4 else 64}`")
    return with_prefix(parsed, _length(length, parsed.max_prefixlen, text))


def parse_prefix(text: str) -> IPNetwork:
    """A network, e.g. 10.0.0.0/24, without host bits."""
    address, slash, length = text.partition("/")
    if not slash:
        raise Wrong(f"`{shown(text)}` has no prefix length", help="a prefix is written like 10.0.0.0/24 or fd00::/64")
    try:
        number: IP = IPv6Address(address) if ":" in address else IPv4Address(address)
    except AddressValueError as error:
        raise Wrong(f"`{shown(text)}` is not a prefix", help=_what(address, error)) from None
    if "%" in address:
        raise Wrong(f"`{shown(text)}` has a zone")
    network = with_prefix(number, _length(length, number.max_prefixlen, text)).network
    if network.network_address != number:
        raise Wrong(f"`{text}` has host bits set", help=f"the prefix is `{network}`")
    return network


def with_prefix(address: IP, length: int) -> IPInterface:
    """The address with a prefix length."""
    return IPv4Interface((int(address), length)) if address.version == 4 else IPv6Interface((int(address), length))


def address_in(network: IPNetwork, number: int) -> IPInterface:
    """The `number`-th address of a network, with the network's prefix length."""
    value = int(network.network_address) + number
    return IPv4Interface((value, network.prefixlen)) if network.version == 4 else IPv6Interface((value, network.prefixlen))


def network_at(version: int, number: int, length: int) -> IPNetwork:
    """The network that begins at an address given as a number."""
    return IPv4Network((number, length)) if version == 4 else IPv6Network((number, length))


def first_host(network: IPNetwork) -> int:
    """The smallest host number: 0 names the network itself, except on point-to-point prefixes (RFC 3021, RFC 6164) and single addresses."""
    return 0 if network.max_prefixlen - network.prefixlen < 2 else 1


def last_host(network: IPNetwork) -> int:
    """The largest host number: the last address of an IPv4 subnet is its broadcast address, IPv6 has none."""
    size = 1 << (network.max_prefixlen - network.prefixlen)  # num_addresses costs ten times as much
    return size - 2 if network.version == 4 and size > 2 else size - 1


def _length(text: str, longest: int, whole: str) -> int:
    if not _LENGTH.fullmatch(text):
        raise Wrong(f"`{shown(whole)}` has no prefix length after the slash", help=f"the length is a number from 0 to {longest}")
    if int(text) > longest:
        raise Wrong(f"the prefix length {int(text)} of `{shown(whole)}` is over {longest}")
    return int(text)


def _usable(address: IP, text: str) -> None:
    """Addresses that no interface can have (net/ipv4/devinet.c, net/ipv6/addrconf.c) or that never leave the machine."""
    if address.is_unspecified:
        raise Wrong(f"`{text}` means no address")
    if address.is_multicast or (int(address) == 0xFFFFFFFF and address.version == 4):
        raise Wrong(f"`{text}` is a multicast or broadcast address, it names no single host")
    if address.is_loopback:
        raise Wrong(f"`{text}` is a loopback address, the kernel refuses it on a wire", help="every node has it on `lo` already")


def _what(text: str, error: AddressValueError | NetmaskValueError) -> str:
    """A help sentence for what people write instead of an address."""
    if re.fullmatch("[a-z0-9][a-z0-9-]*", text) and not text.replace(".", "").isdecimal():
        return "names are not looked up: write the address"
    del error
    return "an address is written like 10.0.0.1 or fd00::1"
