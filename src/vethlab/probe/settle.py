"""Waiting until one flow can be asked about at all: what `up` or a person changed a moment ago has to arrive first.

Enters: a path, the namespaces; leaves: whether anything changed.
Rule of the file: only what is about to change by itself is waited for; what is broken
stays broken and costs no time.
"""

from __future__ import annotations

from time import monotonic, sleep

from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path
from vethlab.probe.listening import wait_for_listeners
from vethlab.probe.readiness import wait_for_groups, wait_for_links
from vethlab.probe.survey import Site, Survey, read

__all__ = ["settle"]

DETECTION_WAIT = 2.5  # seconds: a delay of up to 1 s, and one solicitation answered by nobody (RFC 4862, 5.4.2)
_PAUSE = 0.02


def settle(namespaces: Namespaces, path: Path) -> bool:
    """Wait for links that are about to run, addresses under detection, multicast groups and listeners that this path needs.

    Returns whether links or addresses changed meanwhile.
    """
    paths = {0: path}
    first = read(namespaces, sorted(namespaces.names()))
    seen = wait_for_links(namespaces, first, paths)
    if path.dst.version == 6:
        seen = _wait_for_detection(namespaces, seen)
    wait_for_groups(namespaces, seen, paths)
    wait_for_listeners(paths, namespaces)
    return seen is not first


def _wait_for_detection(namespaces: Namespaces, seen: Survey) -> Survey:
    """Until no address is under duplicate detection.

    An interface whose link-local address is sends no solicitation for packets it forwards (net/ipv6/ndisc.c ndisc_send_ns).
    """
    deadline = monotonic() + DETECTION_WAIT
    while any(_detects(site) for site in seen.sites.values()) and monotonic() < deadline:
        sleep(_PAUSE)
        seen = read(namespaces, sorted(seen.sites))
    return seen


def _detects(site: Site) -> bool:
    return any(one.tentative and not one.dad_failed and site.runs(one.link) for one in site.addresses)
