"""Delivery: the packet is at its destination; will anybody answer it?

Enters: the destination's snapshot, the flow; leaves: findings. Rule of the file: net/ipv4/icmp.c icmp_echo, net/ipv6/icmp.c, and the table
of sockets.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.explain import fixes
from vethlab.model.address import IP
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.flow import PING, TCP, UDP, Flow
from vethlab.model.snapshot import Listener, Snapshot

__all__ = ["answered", "serves"]

ECHO = {4: "net.ipv4.icmp_echo_ignore_all", 6: "net.ipv6.icmp.echo_ignore_all"}


def answered(node: str, interface: str | None, snapshot: Snapshot, flow: Flow, target: IP) -> Iterator[Finding]:
    """Why nothing would come back although everything arrived."""
    where = Where(node, interface, "input")
    if flow.kind == PING:
        key = ECHO[target.version]
        if snapshot.sysctls.get(key, "0") not in {"0", ""}:
            yield Finding(
                "echo-ignored", where, f"{node} gets the echo request and is told to ignore it",
                evidence=(Evidence("configuration", f"{node}: {key} = {snapshot.sysctls[key]}"),),
                fixes=(fixes.sysctl(node, snapshot, key, 0),),
            )
    elif flow.kind in {TCP, UDP} and not any(serves(one, flow, target) for one in snapshot.listeners):
        others = sorted({one.port for one in snapshot.listeners if one.protocol == flow.kind})
        open_ports = f"; open: {', '.join(map(str, others[:8]))}" if others else ""
        says = f"nobody in {node} listens on {flow.kind} port {flow.port}{open_ports}"
        yield Finding("port-closed", where, f"{node} has {flow.kind} port {flow.port} closed", evidence=(Evidence("socket-table", says),))


def serves(one: Listener, flow: Flow, target: IP) -> bool:
    """Whether a socket takes the flow. One on [::] that serves IPv4 too is told twice, as :: and as 0.0.0.0."""
    if one.protocol != flow.kind or one.port != flow.port:
        return False
    return one.address == target or (one.address.is_unspecified and one.address.version == target.version)
