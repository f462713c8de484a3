"""One question about a real lab: send the probe, look on, and read what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from vethlab import Lab
from vethlab.model.flow import PING, Flow, Side
from vethlab.model.journey import OUT, Observed
from vethlab.model.path import Path
from vethlab.observe.onlooker import look_on
from vethlab.probe.settle import settle
from vethlab.probe.single import probe

__all__ = ["BACK", "WAY", "ask", "asked", "pair", "places", "routed", "run", "star"]

WAY = ["a:eth0 >", "host:p-a <", "host:p-router >", "router:eth0 <", "router:wan >", "web:eth0 <"]
BACK = [place.translate(str.maketrans("<>", "><")) for place in reversed(WAY)]


def pair() -> Lab:
    """Two nodes on one cable."""
    lab = Lab("looked-on")
    lab.link("a 10.0.0.1/24 fd00::1/64", "b 10.0.0.2/24 fd00::2/64")
    return lab


def star() -> Lab:
    """Three nodes on a bridge."""
    lab = Lab("looked-on")
    lab.bridge("br0", subnet=["10.1.0.0/24", "fd01::/64"], nodes={"a": 1, "b": 2, "c": 3})
    return lab


def routed() -> Lab:
    """A bridge, a router behind it, a web server behind that."""
    lab = Lab("looked-on")
    lab.node("a", routes=["default via 10.9.1.1", "default via fd09:1::1"])
    lab.node("router", forward=True)
    lab.node("web", routes=["default via 10.9.2.1", "default via fd09:2::1"])
    lab.bridge("br0", subnet=["10.9.1.0/24", "fd09:1::/64"], nodes={"a": 11, "router": 1})
    lab.link("router:wan 10.9.2.1/24 fd09:2::1/64", "web 10.9.2.80/24 fd09:2::80/64")
    return lab


def run(lab: Lab, node: str, *commands: str, stdin: str = "") -> None:
    """Commands in a node, each of which has to go well."""
    for command in commands:
        done = lab.namespaces.run(node, ["sh", "-c", command], stdin)
        assert done.status == 0, f"{node}: {command}: {done.stderr}"


def ask(
    lab: Lab, target: str, *, kind: str = PING, node: str | None = None, port: int | None = None, size: int | None = None,
    interface: str | None = None, netns: Sequence[str] | None = None, truth: bool = False, timeout: float = 0.5, ready: bool = True,
) -> Observed:
    """From a to an address, looking on everywhere. `ready`: wait first for what the lab is about to become by itself."""
    flow = Flow(kind, Side("a", interface), Side(node, None, ip_address(target)), port, size)
    if ready:
        settle(lab.namespaces, Path(PING, "a", ip_address(target), target, node))
    return look_on(
        lab.namespaces, flow, sorted(lab.namespaces.names()) if netns is None else netns, truth=truth,
        probe=lambda mark: probe(lab.namespaces, flow, timeout=timeout, mark=mark),
    )


def places(observed: Observed, *what: str) -> list[str]:
    """Where these kinds of packets were seen, each place once, in the order of time."""
    return list(dict.fromkeys(
        f"{one.node}:{one.interface} {'>' if one.direction == OUT else '<'}" for one in observed.sightings if one.what in what
    ))


def asked(observed: Observed) -> list[str]:
    """Every packet of ARP or neighbour discovery, as place, direction, kind and address."""
    return list(dict.fromkeys(
        f"{one.node}:{one.interface} {'>' if one.direction == OUT else '<'} {one.what} {one.about}"
        for one in observed.sightings if one.about is not None
    ))
