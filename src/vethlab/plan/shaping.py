"""Rate, delay and loss of links and networks as queues of interfaces.

Enters: a Shaping and what it is for; leaves: Queues. Rule of the file: a queue holds back what leaves. Both ends of a cable have one; on a
network a rate is kept on both ways (at the node and at the host's port for it), while delay and loss happen once between two nodes, where
the packet is sent.
"""

from __future__ import annotations

from dataclasses import replace

from vethlab.model.link import End
from vethlab.model.shaping import NONE, Queue, Shaping
from vethlab.model.topology import Cable, Network
from vethlab.plan.spaces import Spaces

__all__ = ["cable", "network", "queue"]

HEADER = 18  # Ethernet, and four bytes for a VLAN tag
BUCKET_SECONDS = 0.004  # a bucket of a timer tick at 250 Hz, as tc-tbf(8) advises
WAITING_SECONDS = 0.05  # what may wait: about the buffer of a home router without bloat
FEW, MOST = 20, 1 << 26  # packets that may always wait; bytes that ever wait
PACKETS, PACKETS_PER_SECOND = 1000, 100_000  # of netem: its default, or what a fast sender sends while the first one is delayed


def queue(shaping: Shaping, mtu: int) -> Queue | None:
    """The queue that does it; None if nothing is to be done."""
    rate = shaping.rate - shaping.rate % 8
    if shaping.delay or shaping.loss:
        limit = max(PACKETS, round(shaping.delay / 1e6 * PACKETS_PER_SECOND))
        return Queue("netem", rate, 0, limit, shaping.delay, shaping.loss)
    if not rate:
        return None
    burst = max(4 * (mtu + HEADER), round(rate / 8 * BUCKET_SECONDS))
    waiting = max(FEW * (mtu + HEADER), round(rate / 8 * WAITING_SECONDS))
    return Queue("tbf", rate, burst, burst + min(waiting, MOST))


def cable(spaces: Spaces, one: Cable) -> None:
    """Both ends."""
    if one.shaping == NONE:
        return
    for end in (one.left, one.right):
        _put(spaces, End(end.node, end.interface), queue(one.shaping, one.mtu))


def network(spaces: Spaces, one: Network) -> None:
    """The nodes, the host's ports for them, and the host's own interface."""
    if one.shaping == NONE:
        return
    whole, rate = queue(one.shaping, one.mtu), queue(Shaping(one.shaping.rate), one.mtu)
    ported = any(port.name in spaces.links[host] for host in one.hosts for port in one.ports)
    for port in one.ports:
        _put(spaces, End(port.endpoint.node, port.endpoint.interface), whole)
    for host in one.hosts:
        for port in one.ports:
            _put(spaces, End(host, port.name), rate)
        _put(spaces, End(host, one.name), queue(replace(one.shaping, rate=0), one.mtu) if ported else whole)


def _put(spaces: Spaces, end: End, held: Queue | None) -> None:
    if held is not None and end.interface in spaces.links[end.netns]:
        spaces.queues[end.netns][end.interface] = held
