"""Sends one probe from inside the source of a flow and says what came of it.

Enters: a flow, the namespaces; leaves: an Observed without anything seen on the way, for that is an onlooker's part. Rule of the file: what
keeps the probe from being sent is an answer too: the errno of the sender's own kernel.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from vethlab.kernel.port import Namespaces
from vethlab.model.flow import ARP, PING, TCP, UDP, Flow
from vethlab.model.journey import Observed
from vethlab.model.mark import Mark
from vethlab.model.path import Path
from vethlab.probe.outcome import seconds
from vethlab.probe.ping import unbound
from vethlab.probe.single.connect import connecting
from vethlab.probe.single.datagram import delivering
from vethlab.probe.single.patience import Conversation, converse
from vethlab.probe.single.ping import pinging
from vethlab.probe.single.solicit import soliciting

__all__ = ["TIMEOUT", "probe"]

TIMEOUT = 0.5  # within one machine; the kernel repeats a lost ARP request only after a second (net.ipv4.neigh.*.retrans_time_ms)
_KINDS: dict[str, Callable[[Namespaces, Flow, Path, ExitStack], tuple[Conversation, Mark]]] = {
    PING: pinging, TCP: connecting, UDP: delivering, ARP: soliciting,
}


def probe(
    namespaces: Namespaces, flow: Flow, *, interface: str | None = None, timeout: float = TIMEOUT,
    mark: Callable[[Mark], object] | None = None,
) -> Observed:
    """Send it, from `flow.src.interface` where that is set. `interface`: where ARP asks, if the flow does not name it.

    `mark` is told, before anything is sent, how the packets can be recognized. NotFoundError for a namespace that the lab does not have.
    """
    source, target = flow.src, flow.dst
    if target.address is None:
        return Observed(ok=False, reason=f"{target} has no address")
    by = source.interface or (interface if flow.kind == ARP else None)
    if flow.kind == ARP and by is None:
        return Observed(ok=False, reason=f"{source} has no interface to ask by", errno=errno.ENODEV)
    path = Path(
        flow.kind, source.node or "", target.address, str(target), target.node, flow.port, by, source=source.address, leads=flow.leads,
    )
    with ExitStack() as held:
        try:
            conversation, known_by = _KINDS[flow.kind](namespaces, flow, path, held)
        except OSError as error:
            return Observed(ok=False, reason=unbound(path, error).reason, errno=error.errno or errno.EIO)
        if mark is not None:
            mark(known_by)
        found = converse(conversation, timeout)
    return found if found.ok or found.reason else replace(found, reason=f"no reply in {seconds(timeout)}")
