"""The sysctls that decide about packets: what they are, which of their values counts, what they cause, and a lab that shows it.

Enters: a name, `rp_filter`, `net.ipv4.conf.all.rp_filter` or `net/ipv4/conf/all/rp_filter`; leave: Sysctls.
"""

from __future__ import annotations

from functools import cache

from vethlab.explain.sysctls import interface4, interface6, namespace
from vethlab.explain.sysctls.form import DOCUMENTATION, INTERFACE, RULES, Sysctl

__all__ = ["DOCUMENTATION", "INTERFACE", "RULES", "Sysctl", "find", "leaves", "sysctls"]


@cache
def sysctls() -> tuple[Sysctl, ...]:
    """All of them: of IPv4 interfaces, of IPv6 interfaces, of the namespace."""
    return (*interface4.SYSCTLS, *interface6.SYSCTLS, *namespace.SYSCTLS)


def leaves() -> tuple[str, ...]:
    """Their leaf names, each once."""
    return tuple(dict.fromkeys(one.leaf for one in sysctls()))


def find(word: str) -> tuple[Sysctl, ...]:
    """Those of a name: a leaf may belong to IPv4 and to IPv6, a full key to one of them."""
    plain = word.strip().lower()
    if "/" in plain.split(".")[0]:  # the way of /proc/sys, in which a dot belongs to an interface's name
        plain = ".".join(part.replace(".", "/") for part in plain.split("/"))
    if "." not in plain:
        return tuple(one for one in sysctls() if one.leaf == plain)
    return tuple(one for one in sysctls() if _fits(one.key.split("."), plain.split(".")))


def _fits(key: list[str], asked: list[str]) -> bool:
    return len(key) == len(asked) and all(part in {INTERFACE, said} for part, said in zip(key, asked, strict=True))
