"""Paths that are expected to be blocked: the proof that silence means the network, and not a broken instrument.

Enters: a path that did not get through, what the taps saw, the survey; leaves: the outcome with `blocked` set, or the reason why nothing is
proven. Proven is: (1) both ends have a running link, and the destination answers itself, on its own address, with the same
protocol (for tcp, udp and http: somebody listens there, by sock_diag); (2) the request left the source, or its ARP did for
the next hop, or the source's own kernel said no (no route, prohibited, its output firewall). Rule of the file: a refusal by a
closed port is no block, since it took a packet there and one back.
"""

from __future__ import annotations

from collections.abc import Mapping

from vethlab.kernel.netlink.sock_diag import Listener
from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path
from vethlab.probe.listening import hear, served
from vethlab.probe.outcome import Outcome
from vethlab.probe.ping import Pinger
from vethlab.probe.survey import Site, Survey
from vethlab.probe.tap import Taps


class Instrument:
    """What is known to work at the moment of the check."""

    def __init__(self, namespaces: Namespaces, survey: Survey, paths: Mapping[int, Path], *, timeout: float) -> None:
        """Let every destination inside the lab ping itself, and ask who listens."""
        self._survey = survey
        inside = {position: path for position, path in paths.items() if path.end.node in survey.sites}
        own = {position: Path("ping", path.end.node or "", path.dst, path.target, path.end.node) for position, path in inside.items()}
        pings = {position: path for position, path in own.items() if paths[position].kind == "ping"}
        self._echoes = Pinger(namespaces, timeout=timeout).run(pings)
        talking = {path.end.node or "" for path in inside.values() if path.kind != "ping"}
        self._heard: Mapping[str, Mapping[int, list[Listener] | None]] = hear(namespaces, talking) if talking else {}

    def judge(self, position: int, path: Path, outcome: Outcome, taps: Taps) -> Outcome:
        """The outcome of a path that was expected to be blocked."""
        if outcome.ok or outcome.finding == "neighbour-table-full":
            return outcome
        doubt = self._ends(position, path) or self._sent(position, path, outcome, taps)
        if doubt:
            return Outcome(ok=False, reason=f"not proven to be blocked: {doubt}", refused=outcome.refused)
        return Outcome(ok=False, reason=outcome.reason, refused=outcome.refused, blocked=True)

    def _ends(self, position: int, path: Path) -> str:
        """What is wrong with either end, or an empty string."""
        source = self._survey.sites[path.src]
        if not any(link.running and (not link.loopback or path.end.node == path.src) for link in source.links.values()):
            return f"{path.src} has no link that is up"
        if path.end.node is None or path.end.node not in self._survey.sites:
            return ""
        link = self._survey.sites[path.end.node].link_of(path.end.address.packed)
        if link is None:
            return f"{path.end.node} does not have the address {path.end.address}" if not path.end.address.is_loopback else ""
        if not link.running:
            return f"{path.end.node}:{link.name} is not up"
        if path.kind == "ping":
            echo = self._echoes.get(position)
            return "" if echo is not None and echo.ok else f"{path.end.node} does not even answer its own ping"
        return "" if served(path, self._heard) else f"nobody listens on port {path.end.port} of {path.end.node}"

    def _sent(self, position: int, path: Path, outcome: Outcome, taps: Taps) -> str:
        """Why the request may never have left, or an empty string."""
        if outcome.refused or (path.src, position) in taps.left:
            return ""
        target = path.dst.packed
        asked = {address for name, address in taps.asked if name == path.src}
        if target in asked or (asked and not on_link(self._survey.sites[path.src], target)):
            return ""
        return f"no request left {path.src}"


def on_link(site: Site, packed: bytes) -> bool:
    """True if an address lies in a subnet of the namespace, so that it is asked for itself, and not a router."""
    for address in site.addresses:
        bits = len(address.packed) * 8
        shift = bits - address.prefix
        if len(packed) == len(address.packed) and int.from_bytes(packed, "big") >> shift == int.from_bytes(address.packed, "big") >> shift:
            return True
    return False
