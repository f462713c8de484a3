"""Routing: no way, a way that refuses, a source that is not believed, a node that does not forward, a packet that is too large.

Enters: the kernel's answer to a Route question and the line of the tables that made it; leaves: findings. Rule of the file: the kernel's
answer decides that the packet dies; the tables and settings only say why (net/ipv4/route.c ip_route_input_slow, fib_frontend.c
fib_validate_source; net/ipv6/ip6_output.c ip6_forward).
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from vethlab.explain import fixes
from vethlab.explain.fib import Match, match
from vethlab.explain.questions import Routed
from vethlab.explain.settings import both, effective
from vethlab.model.address import IP
from vethlab.model.finding import REPLY, Evidence, Finding, Fix, Where
from vethlab.model.snapshot import MAIN_TABLE, FibRoute, Snapshot

__all__ = ["bare", "holds", "no_forwarding", "not_local", "other_source", "refused", "said", "source_refused", "too_large"]


def said(node: str, routed: Routed, destination: IP, source: IP | None = None, iif: str | None = None) -> Evidence:
    """The kernel's answer as evidence, with the question as ip-route(8) puts it."""
    words = ["route get", str(destination)]
    words += ["from", str(source)] if source is not None and iif is not None else []
    words += ["iif", iif] if iif is not None else []
    if routed.error:
        answer = routed.says or errno.errorcode.get(routed.error, str(routed.error))
    elif routed.type == "local":
        answer = "local"
    else:
        answer = " ".join([*(["via", str(routed.via)] if routed.via is not None else []), "dev", str(routed.interface)])
    return Evidence("route-oracle", f"{node}: {' '.join(words)} → {answer}")


def holds(snapshot: Snapshot, address: IP) -> bool:
    """Whether a namespace has an address."""
    return any(held.address.ip == address for held in snapshot.addresses)


def refused(node: str, snapshot: Snapshot, found: Match, evidence: Evidence, destination: IP, leg: str) -> Finding:
    """No usable route: there is none, or the one that is there refuses."""
    if found.refuses:
        return _refusing(node, found, evidence, destination)
    slug, word = ("no-return-route", "no way back to") if leg == REPLY else ("no-route", "no route to")
    dead = [
        hop.interface for route in snapshot.routes for hop in route.hops
        if destination in route.destination and route.type == "unicast" and {"dead", "linkdown"} & set(hop.flags) and hop.interface
    ]
    more = (Evidence("configuration", f"a route by {dead[0]} is dead"),) if dead else ()
    remedies = tuple(_lookups(node, snapshot, destination.version)) + tuple(_connected(node, snapshot, destination))
    return Finding(slug, Where(node, None, "route"), f"{node} has {word} {destination}", evidence=(evidence, *more), fixes=remedies)


def _lookups(node: str, snapshot: Snapshot, version: int) -> Iterator[Fix]:
    """The rule that leads to the main table is gone."""
    rules = [rule for rule in snapshot.rules if rule.version == version]
    plain = [rule for rule in rules if not (rule.other or rule.mark or rule.iif or rule.oif or rule.source or rule.destination)]
    if rules and not any(rule.table == MAIN_TABLE and rule.action == "lookup" for rule in plain):
        family = ("-6",) if version == 6 else ()
        words = ("priority", "32766", "from", "all", "lookup", "main")
        add = fixes.command(node, "ip", *family, "rule", "add", *words, undo=(("ip", *family, "rule", "del", *words),))
        yield fixes.fix(f"let {node} look into its main table again", add)


def _connected(node: str, snapshot: Snapshot, destination: IP) -> Iterator[Fix]:
    """The route of a segment itself is gone, which the kernel makes with the address and nobody else makes again."""
    for held in snapshot.addresses:
        interface = snapshot.interfaces.get(held.interface)
        if destination in held.address.network and held.address.ip != destination and interface is not None and interface.up:
            family = ("-6",) if destination.version == 6 else ()
            words = (str(held.address.network), "dev", held.interface)
            add = fixes.command(node, "ip", *family, "route", "add", *words, undo=(("ip", *family, "route", "del", *words),))
            yield fixes.fix(f"give {node} the route of its own segment again: {held.address.network} dev {held.interface}", add)


def not_local(node: str, snapshot: Snapshot, came: str, target: IP, evidence: Evidence) -> Finding:
    """An address that is there, and that the local table does not know: what comes for it is not for this node."""
    on = next((held.interface for held in snapshot.addresses if held.address.ip == target), came)
    family = ("-6",) if target.version == 6 else ()
    words = ("local", str(target), "dev", on, "table", "local")
    add = fixes.command(node, "ip", *family, "route", "add", *words, undo=(("ip", *family, "route", "del", *words),))
    return Finding(
        "not-for-us", Where(node, came, "input"),
        f"{node} has {target}, but its local table does not say so: packets for it are not its own",
        evidence=(evidence, Evidence("configuration", f"{node}: {target} is on {on}, and no local route leads to it")),
        fixes=(fixes.fix(f"tell the local table of {node} about {target} again", add),),
    )


def _refusing(node: str, found: Match, evidence: Evidence, destination: IP) -> Finding:
    if found.route is None and found.rule is not None:
        rule = found.rule
        words = ["from", str(rule.source) if rule.source is not None and rule.source.prefixlen else "all"]
        words += ["to", str(rule.destination)] if rule.destination is not None and rule.destination.prefixlen else []
        words += ["iif", rule.iif] if rule.iif else []
        line = f"rule {rule.priority}: {' '.join(words)} {rule.action}"
        family = ("-6",) if rule.version == 6 else ()
        action = (*words, *(("type", rule.action) if rule.action != "lookup" else ()))
        remove = fixes.command(
            node, "ip", *family, "rule", "del", "priority", str(rule.priority),
            undo=(("ip", *family, "rule", "add", "priority", str(rule.priority), *action),),
        )
        remedy = fixes.fix(f"remove that rule from {node}", remove, policy=True)
    else:
        route = found.route
        assert route is not None  # noqa: S101 - `refuses` says that one of the two is there
        line = route_text(route)
        remedy = removal(node, route)
    return Finding(
        "route-blackhole", Where(node, None, "route"), f"{node} has a line that refuses {destination}: {line}",
        evidence=(evidence, Evidence("configuration", f"{node}: {line}")), fixes=(remedy,),
    )


def route_text(route: FibRoute) -> str:
    """A route as ip-route(8) writes it."""
    words = [] if route.type == "unicast" else [route.type]
    words.append("default" if route.destination.prefixlen == 0 else str(route.destination))
    if len(route.hops) == 1:
        hop = route.hops[0]
        words += ["via", str(hop.via)] if hop.via is not None else []
        words += ["dev", hop.interface] if hop.interface is not None and route.type == "unicast" else []
    words += ["table", str(route.table)] if route.table not in {254, 255} else []
    words += ["metric", str(route.metric)] if route.metric and not (route.destination.version == 6 and route.metric == 1024) else []
    return " ".join(words)


def bare(node: str, route: FibRoute, title: str) -> tuple[Fix, ...]:
    """The same route without a source, MTU and hop limit of its own: then the interface's and the kernel's count."""
    family = ("-6",) if route.destination.version == 6 else ()
    own = ["src", str(route.source)] if route.source is not None else []
    own += ["mtu", *(["lock"] if route.locked else []), str(route.mtu)] if route.mtu else []
    own += ["hoplimit", str(route.hop_limit)] if route.hop_limit else []
    head = ("ip", *family, "route", "replace", *route_text(route).split(), *_protocol(route))
    return (fixes.fix(title, fixes.command(node, *head, undo=((*head, *own),))),)


def removal(node: str, route: FibRoute) -> Fix:
    """Take a route away."""
    family = ("-6",) if route.destination.version == 6 else ()
    words = route_text(route).split()
    undo = (("ip", *family, "route", "add", *words, *_protocol(route)),)
    return fixes.fix(f"remove `{route_text(route)}` from {node}", fixes.command(node, "ip", *family, "route", "del", *words, undo=undo))


def _protocol(route: FibRoute) -> tuple[str, ...]:
    """Who made it, where ip-route(8) would not say so of its own accord."""
    return () if route.protocol == "boot" else ("protocol", route.protocol)


def source_refused(node: str, snapshot: Snapshot, iif: str, source: IP, evidence: Evidence) -> Iterator[Finding]:
    """The input path refused the packet because of its source: it is the node's own, or would be answered by another way."""
    if holds(snapshot, source) and not effective(snapshot, iif, "accept_local"):
        yield Finding(
            "local-source", Where(node, iif, "input"), f"{node} refuses its own address coming in from outside", evidence=(
                evidence,
                Evidence("configuration", f"accept_local is 0 ({both(snapshot, iif, 'accept_local')}), and {source} belongs to {node}"),
            ), fixes=(fixes.sysctl(node, snapshot, f"net.ipv4.conf.{iif}.accept_local", 1),),
        )
    strict = effective(snapshot, iif, "rp_filter")
    if strict == 1 or (strict == 2 and not holds(snapshot, source)):
        yield _filtered(node, snapshot, iif, source, evidence)


def other_source(node: str, snapshot: Snapshot, target: IP, source: IP) -> tuple[Fix, ...]:
    """Let a node that has a source send from another one, if it was a route of its own that chose it."""
    line = match(snapshot, target).route if holds(snapshot, source) else None
    if line is None or line.source != source or line.protocol == "kernel":
        return ()
    return bare(node, line, f"let {node} send to {target} from another address")


def _filtered(node: str, snapshot: Snapshot, iif: str, source: IP, evidence: Evidence) -> Finding:
    value = effective(snapshot, iif, "rp_filter")
    word = "strict" if value == 1 else "loose"
    loosest = 2 if snapshot.all4.get("rp_filter", 0) or value == 1 else 0
    remedies = [fixes.sysctl(node, snapshot, f"net.ipv4.conf.{iif}.rp_filter", loosest)]
    if value == 2:
        remedies = [
            fixes.fix(
                f"switch the filter off for {node}:{iif}", fixes.setting(node, snapshot, "net.ipv4.conf.all.rp_filter", 0),
                fixes.setting(node, snapshot, f"net.ipv4.conf.{iif}.rp_filter", 0),
            ),
        ]
    return Finding(
        "rp-filter", Where(node, iif, "input"), f"{node} would not answer {source} by {iif}, and its reverse path filter is {word}",
        evidence=(
            evidence, Evidence("configuration", f"rp_filter is {value}, {word} ({both(snapshot, iif, 'rp_filter')}; the larger counts)"),
        ), fixes=tuple(remedies),
    )


def no_forwarding(node: str, snapshot: Snapshot, iif: str, version: int, evidence: Evidence) -> Finding | None:
    """A packet for somebody else came to a node that does not forward."""
    if version == 4:
        interface = snapshot.interfaces.get(iif)
        if interface is None or interface.ipv4.get("forwarding", 0):
            return None
        key, value = "net.ipv4.ip_forward", snapshot.sysctls.get("net.ipv4.ip_forward", "0")
        remedy = fixes.sysctl(node, snapshot, key, 1, f"let {node} forward IPv4")
        if value != "0":
            key, value = f"net.ipv4.conf.{iif}.forwarding", "0"
            remedy = fixes.sysctl(node, snapshot, key, 1, f"let {node} forward what comes in by {iif}")
    else:
        if snapshot.all6.get("forwarding", 0):
            return None
        key, value = "net.ipv6.conf.all.forwarding", "0"
        remedy = fixes.sysctl(node, snapshot, key, 1, f"let {node} forward IPv6")
    return Finding(
        "forwarding-off", Where(node, iif, "forward"), f"{node} is not a router: it does not forward",
        evidence=(evidence, Evidence("configuration", f"{node}: {key} = {value}")), fixes=(remedy,),
    )


def too_large(node: str, interface: str, mtu: int, length: int, remedies: tuple[Fix, ...], *, wide: bool = False) -> Finding:
    """A packet that may not be cut does not fit the way it should leave by; the sender is told (RFC 1191, RFC 4443).

    `wide`: the interface is wide enough, and the route says less.
    """
    what = f"the route of {node} by {interface}" if wide else f"{node}:{interface}"
    return Finding(
        "mtu-exceeded", Where(node, interface, "route"), f"{length} bytes do not fit {what} with MTU {mtu}, and may not be cut",
        evidence=(Evidence("configuration", f"MTU of {what} is {mtu}, the packet has {length} bytes and don't-fragment"),),
        fixes=remedies,
    )
