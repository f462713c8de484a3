"""Routes as sentences, both ways. Enters: "10.2.0.0/16 via 10.1.0.1", or a Route. Leaves: the Route, or the sentence.

Rule of the file: the words of ip-route(8), those that a Route can hold. parse_route(route_text(route)) == route.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network

from vethlab.model.address import IP, IPNetwork
from vethlab.model.names import interface_name_problem
from vethlab.model.route import NextHop, Route, RouteType
from vethlab.spec.addresses import parse_address, parse_prefix
from vethlab.spec.mistakes import Part, Wrong, did_you_mean
from vethlab.spec.tree import shown

_REFUSING = {kind.value: kind for kind in RouteType if kind is not RouteType.UNICAST}
_WORDS = ("via", "dev", "metric", "onlink", "src", "nexthop")
_DEFAULTS: dict[int, IPNetwork] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
_EXAMPLE = "for example `default via 10.0.0.1`, `10.2.0.0/16 dev eth1` or `blackhole 10.3.0.0/16`"


class _Words:
    """The words of a sentence, taken one after the other."""

    def __init__(self, text: str) -> None:
        self.words = [(match[0], (match.start(), len(match[0]))) for match in re.finditer(r"\S+", text)]
        self.index = 0
        self.part: Part = (0, len(text))

    def more(self) -> bool:
        return self.index < len(self.words)

    def peek(self) -> str:
        return self.words[self.index][0] if self.more() else ""

    def take(self, expected: str) -> str:
        """The next word; `expected` completes "... must follow"."""
        if not self.more():
            last = self.words[-1][0]
            raise Wrong(f"after `{shown(last)}` comes {expected}, but the sentence ends", help=_EXAMPLE, part=self.part)
        word, self.part = self.words[self.index]
        self.index += 1
        return word


def parse_route(text: str) -> Route:
    """The route a sentence means."""
    words = _Words(text)
    try:
        return _parse(words)
    except Wrong as wrong:
        raise Wrong(wrong.why, help=wrong.help, part=wrong.part or words.part) from None


def _parse(words: _Words) -> Route:
    if not words.more():
        raise Wrong("it is empty", help=_EXAMPLE)
    kind = RouteType.UNICAST
    if words.peek() in _REFUSING:
        kind = _REFUSING[words.take("")]
    destination = words.take("a prefix or `default`")
    destination_part = words.part
    network = None if destination == "default" else _prefix(destination)
    rest: dict[str, object] = {}
    _options(words, rest, _WORDS[:-1], until=("nexthop",))
    hops = [hop] if (hop := _hop(rest)) else []
    while words.peek() == "nexthop":
        if hop:
            raise Wrong("a gateway of its own and `nexthop` exclude each other", help="write `nexthop` before each gateway",
                        part=words.part)
        words.take("")
        found: dict[str, object] = {}
        _options(words, found, ("via", "dev", "onlink"), until=("nexthop", "metric", "src"))
        if (one := _hop(found)) is None:
            raise Wrong("after `nexthop` comes `via ADDRESS` or `dev INTERFACE`", help=_EXAMPLE)
        hops.append(one)
    _options(words, rest, ("metric", "src"), until=())
    return _checked(network, destination_part, kind, hops, rest)


def _hop(found: dict[str, object]) -> NextHop | None:
    """One next hop of the words via, dev and onlink; None if there are none."""
    via, interface, onlink = found.pop("via", None), found.pop("dev", None), "onlink" in found
    found.pop("onlink", None)
    if onlink and (via is None or interface is None):
        raise Wrong("`onlink` needs both `via` and `dev`", help="say behind which interface the gateway is: `via 10.0.0.1 dev eth0 onlink`")
    return NextHop(via, interface, onlink=onlink) if via is not None or interface is not None else None  # type: ignore[arg-type]


def _options(words: _Words, found: dict[str, object], allowed: tuple[str, ...], until: tuple[str, ...]) -> None:
    """Pairs of words until the sentence ends or one of `until` comes."""
    while words.more() and words.peek() not in until:
        word = words.take("")
        if word not in allowed:
            raise Wrong(f"`{shown(word)}` has no place here", help=_EXAMPLE if word in _WORDS else did_you_mean(word, _WORDS, _EXAMPLE))
        if word in found:
            raise Wrong(f"`{word}` is given twice", help="several gateways: `nexthop via A nexthop via B`" if word == "via" else "")
        if word == "onlink":
            found[word] = True
        elif word in {"via", "src"}:
            found[word] = parse_address(words.take("an address"))
        elif word == "dev":
            found[word] = _interface(words.take("an interface"))
        else:
            found[word] = _metric(words.take("a number"))


def _prefix(word: str) -> IPNetwork:
    if word in _WORDS:
        raise Wrong(f"the sentence begins with a prefix or `default`, not with `{word}`", help=_EXAMPLE)
    if "/" not in word and ("." in word or ":" in word):
        address = parse_address(word)
        return IPv4Network(int(address)) if address.version == 4 else IPv6Network(int(address))
    try:
        return parse_prefix(word)
    except Wrong as wrong:
        raise Wrong(wrong.why, help=wrong.help if "host bits" in wrong.why else _EXAMPLE) from None


def _interface(word: str) -> str:
    if problem := interface_name_problem(word):
        raise Wrong(f"`{shown(word)}`: {problem}")
    return word


def _metric(word: str) -> int:
    if not word.isdecimal() or not word.isascii() or len(word) > 10 or not 0 < int(word) < 2**32:
        raise Wrong(f"`{shown(word)}` is not a metric", help="a metric is a number from 1 to 4294967295")
    return int(word)


def _checked(network: IPNetwork | None, part: Part, kind: RouteType, hops: list[NextHop], rest: dict[str, object]) -> Route:
    """What the words of one route have to do with each other."""
    source: IP | None = rest.get("src")  # type: ignore[assignment]
    versions = {hop.via.version for hop in hops if hop.via is not None} | ({source.version} if source is not None else set())
    if network is not None:
        versions.add(network.version)
    if len(versions) > 1:
        raise Wrong("IPv4 and IPv6 are mixed", help="a gateway is of the same family as the prefix", part=part)
    if kind is not RouteType.UNICAST and (hops or source is not None):
        raise Wrong(f"`{kind}` leads nowhere, so it has no gateway, interface or source address", part=part)
    if kind is RouteType.UNICAST and not hops:
        raise Wrong("it does not say where it leads", help="add `via ADDRESS` or `dev INTERFACE`", part=part)
    if len(set(hops)) < len(hops):
        raise Wrong("the same next hop is given twice", part=part)
    destination = network if network is not None else _DEFAULTS[versions.pop() if versions else 4]
    return Route(destination, tuple(hops), kind, int(rest.get("metric", 0)), source)  # type: ignore[call-overload]


def route_text(route: Route) -> str:
    """The sentence that means `route`."""
    words = [] if route.type is RouteType.UNICAST else [route.type.value]
    hops = [_hop_text(hop) for hop in route.next_hops]
    # `default` alone is IPv4 where nothing says otherwise, so IPv6 is spelled out.
    words.append("default" if route.destination == _DEFAULTS[4] else str(route.destination))
    words += hops if len(hops) < 2 else [f"nexthop {hop}" for hop in hops]
    if route.source is not None:
        words.append(f"src {route.source}")
    if route.metric:
        words.append(f"metric {route.metric}")
    return " ".join(words)


def _hop_text(hop: NextHop) -> str:
    words = [f"via {hop.via}"] if hop.via is not None else []
    if hop.interface is not None:
        words.append(f"dev {hop.interface}")
    if hop.onlink:
        words.append("onlink")
    return " ".join(words)
