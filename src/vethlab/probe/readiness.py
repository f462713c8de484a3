"""Waiting until a lab can answer: links that are about to run, addresses under duplicate detection, listeners of a `run:` that is starting.

Enters: a Survey, the paths; leaves: a Survey of the moment after, and for each path whose `run:` is dead the reason. Rule of the file: a
wait ends with the event it waits for, or at its deadline; what is seen to be final (a cable whose other end is down) is not waited for.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterable, Mapping
from time import monotonic, sleep

from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.sock_diag import NETLINK_SOCK_DIAG, TCP, UDP, Listener, listeners
from vethlab.kernel.netlink.watch import SeenLink, drain, subscribe
from vethlab.kernel.port import Namespaces, ProcessStatus
from vethlab.model.path import Path
from vethlab.probe.outcome import Outcome
from vethlab.probe.survey import Site, Survey, asking, link_local, read_site, survey

LINKS_WAIT = 2.0  # a bridge stayed without carrier for 1.03 s (linkwatch's rate limit); duplicate detection takes 1.3 s in the median
LISTENER_WAIT = 2.0
_LISTENER_PAUSE = 0.005


def wait_for_links(namespaces: Namespaces, before: Survey, paths: Iterable[Path], *, wait: float = LINKS_WAIT) -> Survey:
    """The survey once no link, and no address that the paths use, is about to become usable; at the latest after `wait` seconds."""
    used = _used_addresses(before, paths)
    pending = [name for name, site in before.sites.items() if unsettled(site, used)]
    if not pending:
        return before
    sites = dict(before.sites)
    deadline = monotonic() + wait
    sockets = namespaces.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) for name in pending])
    try:
        poller = select.poll()
        for sock in sockets:
            subscribe(sock)
            poller.register(sock, select.POLLIN)
        while True:
            sites |= {name: read_site(connection) for name, connection in asking(namespaces, pending)}
            pending = [name for name in pending if unsettled(sites[name], used)]
            left = deadline - monotonic()
            if not pending or left <= 0:
                return survey(sites)
            poller.poll(left * 1000)
            for sock in sockets:
                drain(sock)
    finally:
        for sock in sockets:
            sock.close()


def _used_addresses(seen: Survey, paths: Iterable[Path]) -> frozenset[bytes]:
    """The IPv6 addresses the paths lead to or may start from. Others may stay under duplicate detection as long as they like."""
    six = {(path.src, path.dst) for path in paths if path.dst.version == 6}
    starts = {source for source, _destination in six}
    sites = [seen.sites[name] for name in starts if name in seen.sites]
    own = {address.packed for site in sites for address in site.addresses if not link_local(address.packed)}
    return frozenset(own | {destination.packed for _source, destination in six})


def unsettled(site: Site, used: frozenset[bytes]) -> bool:
    """True if the kernel is about to change a link, or a used address, by itself.

    A link that is up with carrier runs as soon as linkwatch has seen it. A bridge gets carrier from its first port that runs. A veth
    without carrier has a peer that is down (drivers/net/veth.c veth_open): that is final until somebody acts.
    """
    bridges_to_be = {link.master for link in site.links.values() if link.master and link.up and link.carrier}
    return any(_starting(link, bridges_to_be) for link in site.links.values()) or any(
        address.tentative and not address.dad_failed and address.packed in used and _running(site, address.link)
        for address in site.addresses
    )


def _starting(link: SeenLink, bridges_to_be: set[int]) -> bool:
    return link.up and not link.running and (link.carrier or link.number in bridges_to_be)


def _running(site: Site, number: int) -> bool:
    link = site.links.get(number)
    return link is not None and link.running


def wait_for_listeners(paths: Mapping[int, Path], namespaces: Namespaces, *, wait: float = LISTENER_WAIT) -> dict[int, Outcome]:
    """Wait for the listeners of tcp, udp and http paths to nodes with a `run:`. Returns the paths that nobody serves: the `run:` is dead."""
    waiting = {position: path for position, path in paths.items() if path.kind != "ping" and path.dst_node is not None}
    if not waiting:
        return {}
    processes = namespaces.processes()
    started = {status.netns for status in processes}
    waiting = {position: path for position, path in waiting.items() if path.dst_node in started}
    dead: dict[int, Outcome] = {}
    deadline = monotonic() + wait
    while waiting:
        heard = hear(namespaces, {path.dst_node or "" for path in waiting.values()})
        waiting = {position: path for position, path in waiting.items() if not served(path, heard)}
        for position, path in list(waiting.items()):
            reason = _death(path, processes)
            if reason:
                del waiting[position]
                dead[position] = Outcome(ok=False, reason=reason, finding="port-closed")
        if not waiting or monotonic() >= deadline:
            break
        sleep(_LISTENER_PAUSE)
        processes = namespaces.processes()
    return dead


def hear(namespaces: Namespaces, names: Iterable[str]) -> dict[str, dict[int, list[Listener] | None]]:
    """The listeners of namespaces: by name, then by protocol number; None where the kernel cannot tell."""
    wanted = list(names)
    sockets = namespaces.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) for name in wanted])
    try:
        found: dict[str, dict[int, list[Listener] | None]] = {}
        for name, sock in zip(wanted, sockets, strict=True):
            connection = Connection(sock)
            found[name] = {protocol: listeners(connection, protocol) for protocol in (TCP, UDP)}
        return found
    finally:
        for sock in sockets:
            sock.close()


def served(path: Path, heard: Mapping[str, Mapping[int, list[Listener] | None]]) -> bool:
    """True if somebody listens where the path leads, or the kernel cannot tell."""
    known = heard.get(path.dst_node or "", {}).get(UDP if path.kind == "udp" else TCP)
    return known is None or any(listener.port == path.port and listener.serves(path.dst) for listener in known)


def _death(path: Path, processes: list[ProcessStatus]) -> str:
    """Why nobody will ever listen: every `run:` of the node has ended. Empty while one runs."""
    own = [status for status in processes if status.netns == path.dst_node]
    if not own or any(status.exited is None for status in own):
        return ""
    last = own[-1]
    how = f"was killed by signal {(last.exited or 0) - 128}" if (last.exited or 0) > 128 else f"ended with status {last.exited}"
    return f"nobody listens on port {path.port} of {path.dst_node}: its `run: {last.process.command}` {how}"
