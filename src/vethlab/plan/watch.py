"""Sysctls that decide about packets: watched in every namespace, declared or not.

Enters: a desired state and the values a fresh namespace had when the lab was made; leaves: what each namespace should show. Rule of
the file: a declared value wins; an interface has what `default` said when it was made (net/ipv4/devinet.c inetdev_init).
"""

from __future__ import annotations

from collections.abc import Mapping

from vethlab.model.link import has_ipv6
from vethlab.model.state import Netns, State, of_ipv6

NAMESPACE = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.icmp_echo_ignore_all", "net.ipv6.icmp.echo_ignore_all",
             "net.ipv4.ip_default_ttl")
INTERFACE = (
    "net.ipv4.conf.{}.rp_filter", "net.ipv4.conf.{}.accept_local", "net.ipv4.conf.{}.arp_ignore", "net.ipv4.conf.{}.arp_filter",
    "net.ipv4.conf.{}.proxy_arp", "net.ipv4.conf.{}.route_localnet", "net.ipv6.conf.{}.disable_ipv6",
)
HAS_IPV6 = "net.ipv6.conf.default.disable_ipv6"  # a kernel without IPv6 has no such key
SPREADS = frozenset({"net.ipv6.conf.{}.disable_ipv6"})  # written to `all`, it is written to every interface


def recorded_keys() -> tuple[str, ...]:
    """The keys to read in a fresh namespace when a lab is made."""
    return (*NAMESPACE, *[key.format(scope) for key in INTERFACE for scope in ("all", "default")])


def watched(wanted: State, recorded: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Expected values by namespace. Keys the kernel did not have when the lab was made are not watched, nor those of the machine."""
    return {name: {} if one.first_index else dict(_expected(one, recorded)) for name, one in wanted.netns.items()}


def _expected(one: Netns, recorded: Mapping[str, str]) -> list[tuple[str, str]]:
    found = [(key, recorded[key]) for key in NAMESPACE if key in recorded]
    for pattern in INTERFACE:
        every, default = pattern.format("all"), pattern.format("default")
        if default not in recorded:
            continue
        found += [(key, recorded[key]) for key in (every, default)]
        value = one.sysctls.get(every) if pattern in SPREADS else None
        value = value or one.sysctls.get(default, recorded[default])
        keys = {name: pattern.format(name.replace(".", "/")) for name in one.links if name != "lo"}
        found += [(key, value) for name, key in keys.items() if has_ipv6(one.links[name]) or not of_ipv6(key, name)]
    return found
