"""Edits of what a lab file says of one node. Enters: a text, a node, a wish. Leaves: the text that says it, or Unsaid.

Rule of the file: a node gets an entry of its own where it has none, and nobody else's entry is touched. What the file says already is
not said again: the same text comes back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace

from vethlab.model.address import IPNetwork
from vethlab.model.route import Route, RouteType
from vethlab.model.topology import Node, Topology
from vethlab.spec.layout import Layout, Span, Unsaid, word
from vethlab.spec.mistakes import Wrong
from vethlab.spec.nodes import RawNode
from vethlab.spec.proof import Lab, proved, way, with_node
from vethlab.spec.routes import parse_route, route_text
from vethlab.spec.rule_lines import comment_out, insert

_FORWARDING = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}  # what `forward: true` means
_LEADS = re.compile(r"\b(?:via|dev|nexthop)\b")
_NUMBERED = re.compile("(.*?)([0-9]+)")


def set_sysctl(text: str, node: str, key: str, value: str) -> str:
    """A kernel setting of a node, by its name with dots."""
    lab = Lab(text)
    one, value = lab.node(node), " ".join(value.split())
    if value == ((_FORWARDING if one.forward else {}) | dict(one.sysctl)).get(key):
        return text
    lab, raw = _declared(lab, node)
    written = next((item.text for name, _, item in raw.sysctl if name == key), key)
    wanted = tuple({**dict(one.sysctl), key: value}.items())
    return proved(lab.layout.put(way(raw, "sysctl", written), word(value)), with_node(lab.topology, node, sysctl=wanted))


def add_route(text: str, node: str, sentence: str) -> str:
    """A further route of a node."""
    return set_routes(text, node, add=[sentence])


def remove_route(text: str, node: str, sentence: str) -> str:
    """One route less. The sentence may leave away where the route leads, as with ip-route(8)."""
    return set_routes(text, node, remove=[sentence])


def set_routes(text: str, node: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> str:
    """Routes that come and go together: where one replaces another, it takes its place."""
    lab = Lab(text)
    one = lab.node(node)
    given = [_parsed(sentence) for sentence in add]
    replaced = {route.destination for route in given}
    gone = [route for sentence in remove for route in _going(lab.topology, one, sentence, replaced)]
    new = [route for route in given if not _said(lab.topology, one, route)]
    if not gone and not new:
        return text
    lab, raw = _declared(lab, node)
    places = [place for place, (route, _) in enumerate(raw.routes) if route in gone]
    if len(places) < len(gone):
        raise Unsaid("the route is not written in the lab file: the `gateway` of a network gives it")
    wanted = tuple([route for route in one.routes if route not in gone] + new)
    path, changed = way(raw, "routes"), lab.text
    for place, route in zip(places, new, strict=False):
        span = Layout(changed).there((*path, place))
        changed = Layout(changed).swap(span.start, span.end, _quoted(route, span))
    for place in reversed(places[len(new) :]):
        changed = Layout(changed).remove(path, place)
    for route in new[len(places) :]:
        there = Layout(changed).find(path)
        changed = Layout(changed).append(path, _quoted(route, there.last() if there is not None else None))
    return proved(changed, with_node(lab.topology, node, routes=wanted))


def drop_rule(text: str, node: str, chain: str, rule: str) -> str:
    """Makes a rule of the node's ruleset a comment. `chain`: family, table and chain."""
    return _ruled(text, node, lambda ruleset: comment_out(ruleset, chain, rule))


def add_rule(text: str, node: str, chain: str, rule: str) -> str:
    """A rule at the end of a chain of the node's ruleset."""
    return _ruled(text, node, lambda ruleset: insert(ruleset, chain, rule))


def _ruled(text: str, node: str, edit: Callable[[str], str]) -> str:
    """The same edit of the ruleset as it is read and as it is written."""
    lab = Lab(text)
    before = lab.node(node).nft or ""
    after = edit(before)
    if after == before:
        return text
    lab, raw = _declared(lab, node)
    span = lab.layout.there(way(raw, "nft"))
    if span.style != "|":
        raise Unsaid("the ruleset is not written as a block, line by line (`nft: |`)")
    changed = lab.layout.swap(span.start, span.end, edit(lab.layout.source(span)))
    return proved(changed, with_node(lab.topology, node, nft=after))


def _declared(lab: Lab, node: str) -> tuple[Lab, RawNode]:
    """The lab, and the node with an entry of its own in a mapping."""
    if "nodes" not in lab.entries or lab.layout.there(["nodes"]).null:
        lab = Lab(proved(_all_named(lab, _words(lab.topology.nodes, node)), lab.topology))
    elif lab.layout.there(["nodes"]).kind == "seq":
        lab = Lab(proved(lab.layout.mapped(["nodes"]), lab.topology))
    raw = lab.written(node)
    if raw is None:  # inside a host: all that are inferred so, to keep them in their order
        text, declared = lab.text, lab.declared()
        for one in lab.topology.nodes:
            if one.name not in declared:
                text = Layout(text).put(["nodes", one.name], "{}")
        lab = Lab(proved(text, lab.topology))
        raw = lab.written(node)
    assert raw is not None  # noqa: S101 - now it is declared
    return lab, raw


def named(lab: Lab, nodes: Sequence[Node]) -> str:
    """The text with these nodes declared, where it left them to be inferred."""
    return _all_named(lab, _words(nodes, ""))


def _all_named(lab: Lab, words: Sequence[str]) -> str:
    """With `nodes:` in the file every name has to be there: those that links and networks name, in their order."""
    layout, root = lab.layout, lab.layout.root
    name = layout.there(["name"])
    flow = f"{{{', '.join(words)}}}"
    if "nodes" in lab.entries:
        return layout.put(["nodes"], flow)
    if root.flow:
        return layout.swap(name.end, name.end, f", nodes: {flow}")
    margin = root.pairs[0][0].column
    inner = [value.pairs[0][0].column for _, value in root.pairs if value.kind == "map" and not value.flow]
    lines = [" " * margin + "nodes:", *[f"{' ' * (inner[0] if inner else margin + 2)}{one}" for one in words]]
    end = layout.line_end(name.end)
    return layout.swap(end, end, "".join(layout.newline + line for line in lines))


def _words(nodes: Sequence[Node], apart: str) -> list[str]:
    """Nodes as a file declares them: three or more of one role that count upwards as a range, but never `apart`."""
    words: list[str] = []
    run: list[Node] = []
    for node in [*nodes, None]:
        if run and node and apart not in {node.name, run[-1].name} and (node.name, node.role) == (_next(run[-1].name), run[-1].role):
            run.append(node)
            continue
        names = [one.name for one in run] if len(run) < 3 else [f"{run[0].name}..{_number(run[-1].name)}"]
        words += [f"{word(name)}: {'{}' if run[0].role == 'node' else f'{{role: {run[0].role}}}'}" for name in names]
        run = [node] if node else []
    return words


def shortened(names: Sequence[str], least: int) -> list[str]:
    """Names as a file lists them: `least` or more that count upwards as a range."""
    runs: list[list[str]] = []
    for name in names:
        if runs and name == _next(runs[-1][-1]):
            runs[-1].append(name)
        else:
            runs.append([name])
    return [one for run in runs for one in (run if len(run) < least else [f"{run[0]}..{_number(run[-1])}"])]


def _number(name: str) -> str:
    found = _NUMBERED.fullmatch(name)
    return found[2] if found else ""


def _next(name: str) -> str:
    """The name that follows in a range."""
    number = _number(name)
    width = len(number) if number.startswith("0") else 0
    return name.removesuffix(number) + f"{int(number) + 1:0{width}d}" if number else ""


def _parsed(sentence: str) -> Route:
    try:
        return parse_route(sentence)
    except Wrong as wrong:
        raise Unsaid(f"a lab file has no such route: {wrong.why}") from None


def _quoted(route: Route, beside: Span | None) -> str:
    """A route as its neighbour in the list is written; the first of a list in quotes."""
    sentence = route_text(route)
    return word(sentence) if beside is not None and not beside.style else json.dumps(sentence)


def _said(topology: Topology, node: Node, route: Route) -> bool:
    """True if the lab file says the route already, in words or by what it follows from."""
    return _follows(topology, node, route) or any(_fits(one, route, exact=True) for one in node.routes)


def _going(topology: Topology, node: Node, sentence: str, replaced: Container[IPNetwork]) -> list[Route]:
    """The route of the file that a sentence means. None, where somebody gave it to the running lab only."""
    leads = _LEADS.search(sentence) or {*sentence.split()[:1]} & {*RouteType}
    route = _parsed(sentence if leads else f"{sentence} dev lo")
    if not leads:
        route = replace(route, next_hops=())
    found = [one for one in node.routes if _fits(one, route, exact=False)]  # at most one: a file has one of each prefix and metric
    if route.destination not in replaced and _follows(topology, node, route):
        raise Unsaid(f"the lab's addresses and `routing` make a route to {route.destination} all the same")
    return found


def _fits(declared: Route, route: Route, *, exact: bool) -> bool:
    """True if a route of the kernel is the declared one, in which the kernel filled in what was left open.

    Not `exact`: it may say less, as the sentence of a removal does.
    """
    open_ended = () if exact else (None, False)
    if (declared.destination, declared.type, _metric(declared)) != (route.destination, route.type, _metric(route)):
        return False
    if not route.next_hops and not exact:
        return True
    return len(declared.next_hops) == len(route.next_hops) and route.source in {declared.source, None} and all(
        given.via in {hop.via, *open_ended} and given.onlink in {hop.onlink, *open_ended}
        and (hop.interface is None or given.interface in {hop.interface, *open_ended})
        for hop, given in zip(declared.next_hops, route.next_hops, strict=True)
    )


def _metric(route: Route) -> int:
    """The metric that the kernel gives a route without one (IP6_RT_PRIO_USER)."""
    return route.metric or (1024 if route.destination.version == 6 else 0)


def _follows(topology: Topology, node: Node, route: Route) -> bool:
    """True if the kernel makes the route of the node's own addresses, or `routing` of everybody's."""
    ends = [end for cable in topology.cables for end in (cable.left, cable.right)]
    ends += [port.endpoint for network in topology.networks for port in network.ports]
    own = {address.network for end in ends if end.node == node.name for address in end.addresses}
    if route.type is not RouteType.UNICAST or route.destination in own:
        return route.type is RouteType.UNICAST and all(hop.via is None for hop in route.next_hops)
    every = {address.network for end in ends for address in end.addresses}
    every |= {address.network for one in topology.nodes for address in one.loopbacks}
    return topology.routing == "shortest-path" and (route.destination.prefixlen == 0 or route.destination in every)
