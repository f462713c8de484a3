"""Sysctls that the kernel writes on into others: what they do to interfaces that were set otherwise.

Enters: keys and their values; leaves: the keys that follow, each with what it holds then, and changes. Rule of the file: what is no more
than a default of later interfaces does not stand here. Sources: inet_forward_change() in net/ipv4/devinet.c, addrconf_forward_change(),
addrconf_disable_change() and addrconf_linkdown_change() in net/ipv6/addrconf.c.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from vethlab.change.sysctl import SetSysctl
from vethlab.model.state import Netns, State

if TYPE_CHECKING:
    from vethlab.change import Change

__all__ = ["followed", "following", "lost", "sysctls"]

_FORWARD4, _DISABLE6 = "net.ipv4.conf.{}.forwarding", "net.ipv6.conf.{}.disable_ipv6"
_SPREADS = {  # who writes it on, and to where
    "net.ipv4.ip_forward": _FORWARD4, "net.ipv4.conf.all.forwarding": _FORWARD4,
    "net.ipv6.conf.all.forwarding": "net.ipv6.conf.{}.forwarding", "net.ipv6.conf.all.disable_ipv6": _DISABLE6,
    "net.ipv6.conf.all.ignore_routes_with_linkdown": "net.ipv6.conf.{}.ignore_routes_with_linkdown",
}
_REDIRECTS = "net.ipv4.conf.all.accept_redirects"  # a router takes none


def following(key: str, value: str, interfaces: Iterable[str]) -> dict[str, str]:
    """What every key that follows `key` holds once `value` is written to it; `default` is an interface here. Empty for most keys."""
    pattern = _SPREADS.get(key)
    if pattern is None:
        return {}
    found = {pattern.format(name.replace(".", "/")): value for name in ("default", *interfaces)}
    if pattern == _FORWARD4:
        found[_REDIRECTS] = "0" if value.strip() != "0" else "1"
    return found


def followed(state: State, keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The keys of a state's interfaces that follow any of these, each with its namespace."""
    return [(netns, one) for netns, key in keys if netns in state.netns for one in following(key, "", state.netns[netns].links)]


def lost(now: Netns, was: Mapping[str, str]) -> Collection[str]:
    """Interfaces that are without IPv6 for a moment at least when the sysctls become what they `was`.

    `all.disable_ipv6` does not ask what each interface has.
    """
    every = _DISABLE6.format("all")
    swept = _set(was, every) and not _set(now.sysctls, every)
    keys = {name: _DISABLE6.format(name.replace(".", "/")) for name in now.links}
    return [name for name, key in keys.items() if not _set(now.sysctls, key) and (swept or _set(was, key))]


def sysctls(name: str, before: Netns, after: Netns, new: str, *, there: bool) -> Iterator[Change]:
    """What is to be written, where the kernel does not write it by itself. `new`: why a key that was not read is."""
    spread: dict[str, str] = {}
    for key, value in sorted(after.sysctls.items(), key=_all_first):
        was = spread.get(key, before.sysctls.get(key))
        if was is None or was.split() != value.split():
            yield SetSysctl(name, key, value, was, new if was is None else f"{was} → {value}")
            if there:
                spread |= following(key, value, before.links)


def _all_first(item: tuple[str, str]) -> tuple[bool, bool, str]:
    """Writing `all` rewrites every interface, so it has to come before them (net/ipv4/devinet.c); ip_forward writes `all` as well."""
    return (item[0] != "net.ipv4.ip_forward", ".all." not in item[0], item[0])


def _set(values: Mapping[str, str], key: str) -> bool:
    return values.get(key, "0").strip() != "0"
