"""Waiting until a lab can carry packets: links that are about to run, addresses under duplicate address detection.

Enters: a Survey, the paths; leaves: a Survey of the moment after. Rule of the file: a wait ends with the netlink event it waits for, or at
its deadline; what is seen to be final (a cable whose other end is down) is not waited for, nor what no path uses.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Mapping
from time import monotonic, sleep

from vethlab.kernel.netlink.multicast import groups, solicited_node
from vethlab.kernel.netlink.watch import SeenLink, drain, subscribe
from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path
from vethlab.probe.segments import Segments
from vethlab.probe.survey import Site, Survey, asking, everybodys, link_local, read_site, survey

GROUPS_WAIT, GROUPS_PAUSE = 2.0, 0.002  # joined within a millisecond or two; kernels before 6.15 send no event of it
LINKS_WAIT = 2.0  # a bridge stayed without carrier for 1.03 s (linkwatch's rate limit); duplicate detection takes 1.3 s in the median


class Readiness:
    """What the paths need: the addresses they use, and the namespaces whose own bridge interfaces they pass."""

    def __init__(self, seen: Survey, paths: Mapping[int, Path]) -> None:
        self._seen, self._paths = seen, paths
        six = {(path.src, path.dst) for path in paths.values() if path.dst.version == 6}
        starts = [seen.sites[name] for name in dict.fromkeys(source for source, _destination in six) if name in seen.sites]
        own = {address.packed for site in starts for address in site.addresses if not link_local(address.packed)}
        self._addresses = own | {destination.packed for _source, destination in six}
        self._routed: bool | None = None
        self._ends: set[str] | None = None

    def unsettled(self, name: str, site: Site) -> bool:
        """True if the kernel is about to change a link or address of this namespace by itself, and the paths need it.

        A link that is up with carrier runs as soon as linkwatch has seen it; until then its queue drops everything. A bridge gets carrier
        from its first port that runs. A veth without carrier has a peer that is down (drivers/net/veth.c veth_open): that is final until
        somebody acts.
        """
        bridges = {link.master for link in site.links.values() if link.master}
        coming = {link.master for link in site.links.values() if link.master and link.up and link.carrier}
        for link in site.links.values():
            starting = link.up and not link.running and (link.carrier or link.number in coming)
            if starting and (link.number not in bridges or self._passes(name, site, link)):
                return True
        return any(
            address.tentative and not address.dad_failed and address.packed in self._addresses and site.runs(address.link)
            for address in site.addresses
        )

    def _passes(self, name: str, site: Site, bridge: SeenLink) -> bool:
        """True if a path may pass the bridge's own interface. Its ports forward without it, and it often comes up a second later."""
        if all(address.link != bridge.number or link_local(address.packed) for address in site.addresses):
            return False
        if self._routed is None or self._ends is None:
            self._ends = {end for path in self._paths.values() for end in (path.src, path.dst_node) if end is not None}
            self._routed = len(Segments(self._seen).pairs(self._paths, self._seen)) < len(self._paths)
        return self._routed or name in self._ends


def wait_for_links(namespaces: Namespaces, before: Survey, paths: Mapping[int, Path], *, wait: float = LINKS_WAIT) -> Survey:
    """The survey once nothing that the paths need is about to become usable; at the latest after `wait` seconds."""
    readiness = Readiness(before, paths)
    pending = [name for name, site in before.sites.items() if readiness.unsettled(name, site)]
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
            pending = [name for name in pending if readiness.unsettled(name, sites[name])]
            left = deadline - monotonic()
            if not pending or left <= 0:
                return survey(sites)
            poller.poll(left * 1000)
            for sock in sockets:
                drain(sock)
    finally:
        for sock in sockets:
            sock.close()


def wait_for_groups(namespaces: Namespaces, seen: Survey, paths: Mapping[int, Path], *, wait: float = GROUPS_WAIT) -> None:
    """Until every usable IPv6 address can be asked for: a solicitation that nobody hears costs a second (RFC 4861, RETRANS_TIMER)."""
    if all(path.dst.version == 4 for path in paths.values()):
        return
    pending = {name: needed for name, site in seen.sites.items() if (needed := _solicited(site))}
    deadline = monotonic() + wait
    while pending:
        for name, connection in asking(namespaces, list(pending)):
            if pending[name] <= groups(connection):
                del pending[name]
        if not pending or monotonic() > deadline:
            return
        sleep(GROUPS_PAUSE)


def _solicited(site: Site) -> set[tuple[int, bytes]]:
    return {
        (address.link, solicited_node(address.packed)) for address in site.addresses
        if len(address.packed) == 16 and not everybodys(address.packed) and not address.tentative and not address.dad_failed
        and site.runs(address.link) and not site.links[address.link].loopback
    }
