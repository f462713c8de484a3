"""Waiting until one flow can be asked about at all: what `up` or a person changed a moment ago has to arrive first.

Enters: a path, the namespaces; leaves: nothing. Rule of the file: only what is about to change by itself is waited for; what is broken
stays broken and costs no time.
"""

from __future__ import annotations

from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path
from vethlab.probe.listening import wait_for_listeners
from vethlab.probe.readiness import wait_for_groups, wait_for_links
from vethlab.probe.survey import read

__all__ = ["settle"]


def settle(namespaces: Namespaces, path: Path) -> None:
    """Wait for links that are about to run, addresses under detection, multicast groups and listeners that this path needs."""
    paths = {0: path}
    seen = wait_for_links(namespaces, read(namespaces, sorted(namespaces.names())), paths)
    wait_for_groups(namespaces, seen, paths)
    wait_for_listeners(paths, namespaces)
