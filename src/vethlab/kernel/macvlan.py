"""The macvlan link kind (drivers/net/macvlan.c): an interface with a MAC address of its own on top of another interface.

Rule of the file: it is made in the namespace of what it stands on, which IFLA_LINK names, and put where it belongs by the same message.
Numbers from include/uapi/linux/if_link.h.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from vethlab.kernel.netlink.link import (
    IFLA_ADDRESS,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINK,
    IFLA_LINKINFO,
    IFLA_MTU,
    IFLA_NET_NS_FD,
    mac_bytes,
    new_link,
)
from vethlab.kernel.netlink.message import Request, attribute, attributes, get_u32, nested, u32
from vethlab.model.link import End, Link

KIND = "macvlan"
IFLA_MACVLAN_MODE = 1
MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8, "source": 16}
_WORDS = {number: word for word, number in MODES.items()}


def encode(link: Link, *, lower: int, netns: int | None) -> Request:
    """Create it, down. `lower`: the index of what it stands on; `netns`: a descriptor of where it goes, None for the same namespace."""
    parts = u32(IFLA_LINK, lower) + u32(IFLA_MTU, link.mtu)
    if link.mac:
        parts += attribute(IFLA_ADDRESS, mac_bytes(link.mac))
    if netns is not None:
        parts += u32(IFLA_NET_NS_FD, netns)
    return new_link(link.index or 0, link.name, KIND, up=False, parts=parts, data=_options(link.mode or "bridge"))


def settings(mode: str) -> bytes:
    """The attribute that changes the mode of an existing one."""
    return nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, KIND.encode()), nested(IFLA_INFO_DATA, _options(mode)))


def decode(data: bytes, start: int, end: int) -> str | None:
    """Its mode, from IFLA_INFO_DATA."""
    span = attributes(data, start, end).get(IFLA_MACVLAN_MODE)
    return None if span is None else _WORDS.get(get_u32(data, span))


def _options(mode: str) -> bytes:
    return u32(IFLA_MACVLAN_MODE, MODES[mode])


class Standing(NamedTuple):
    """An interface as the kernel tells it. `on`: the index of what it stands on, 0 for none; `abroad`: that is in another namespace."""

    end: End
    number: int
    on: int
    abroad: bool
    owned: bool


def lowers(seen: Iterable[Standing]) -> dict[End, End]:
    """What each stands on. Indexes are unique over what a plan makes; of several with that number one of the same maker is meant."""
    known = list(seen)
    by_number: dict[int, list[Standing]] = {}
    for one in known:
        by_number.setdefault(one.number, []).append(one)
    found = {}
    for one in known:
        fit = [other for other in by_number.get(one.on, ()) if one.on and (other.end.netns != one.end.netns) == one.abroad]
        if fit:
            found[one.end] = next((other.end for other in fit if other.owned == one.owned), fit[0].end)
    return found
