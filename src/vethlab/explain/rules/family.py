"""An interface without IPv6: switched off, or with an MTU that is too small for it.

Enter: an interface as the kernel tells it; leave: findings. Rule of the file: the kernel takes every address of IPv6 off such an interface
(addrconf_ifdown), neither asks nor answers there, and drops what comes in (ip6_rcv_core): each is told as the one fault that it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from vethlab.explain import fixes
from vethlab.explain.scene import Scene
from vethlab.model.address import IPInterface
from vethlab.model.finding import Command, Evidence, Finding, Fix, Where
from vethlab.model.link import IPV6_MIN_MTU, End
from vethlab.model.snapshot import Interface, Snapshot


def gone(end: End, snapshot: Snapshot, declared: IPInterface) -> Finding | None:
    """Why an address that the lab file gives to an interface is not there, if that is why."""
    return _off(end, snapshot, (declared,), f"so {declared.ip} is gone")


def closed(scene: Scene, end: End) -> list[Finding]:
    """Why nothing that comes in there is heard, if that is why."""
    declared = [one for one in scene.wiring.declared.get(end, ()) if one.version == 6]
    found = _off(end, scene.snapshots[end.netns], declared, "and drops what comes in")
    return [] if found is None else [found]


def _off(end: End, snapshot: Snapshot, declared: Sequence[IPInterface], hence: str) -> Finding | None:
    interface = snapshot.interfaces.get(end.interface)
    if interface is None or not (interface.ipv6.get("disable_ipv6", 0) or (interface.up and interface.mtu < IPV6_MIN_MTU)):
        return None
    where = Where(end.netns, end.interface, "neighbour")
    if interface.ipv6.get("disable_ipv6", 0):
        key = f"net.ipv6.conf.{end.interface}.disable_ipv6"
        said, summary = f"{end.netns}: {key} = 1", f"IPv6 is switched off on {end}, {hence}"
        evidence = Evidence("configuration", said)
        return Finding("ipv6-disabled", where, summary, evidence=(evidence,), fixes=_on(end, snapshot, declared))
    return _too_narrow(end, interface, where, declared, hence)


def _on(end: End, snapshot: Snapshot, declared: Sequence[IPInterface]) -> tuple[Fix, ...]:
    on = fixes.setting(end.netns, snapshot, f"net.ipv6.conf.{end.interface}.disable_ipv6", 0)
    title = f"switch IPv6 of {end} on"
    again = (fixes.fix(f"{title} and give it {_all(declared)} again", on, *_adding(end, declared)),) if declared else ()
    return (*again, fixes.fix(title, on))


def _too_narrow(end: End, interface: Interface, where: Where, declared: Sequence[IPInterface], hence: str) -> Finding:
    raised = fixes.command(end.netns, "ip", "link", "set", "dev", end.interface, "mtu", str(IPV6_MIN_MTU))
    title = f"raise the MTU of {end} to {IPV6_MIN_MTU}" + (f" and give it {_all(declared)} again" if declared else "")
    return Finding(
        "ipv6-disabled", where, f"{end} has an MTU of {interface.mtu}, too small for IPv6, {hence}",
        evidence=(Evidence("configuration", f"mtu of {end}: {interface.mtu}; IPv6 needs {IPV6_MIN_MTU} (RFC 8200 section 5)"),),
        fixes=(fixes.fix(title, raised, *_adding(end, declared)),),
    )


def _adding(end: End, declared: Sequence[IPInterface]) -> list[Command]:
    return [fixes.command(end.netns, "ip", "-6", "address", "add", str(one), "dev", end.interface, "nodad") for one in declared]


def _all(declared: Sequence[IPInterface]) -> str:
    return " and ".join(map(str, declared))
