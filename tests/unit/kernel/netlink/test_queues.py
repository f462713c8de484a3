"""Queues and the places of filters, from messages that this machine's kernel would not send."""

from __future__ import annotations

from struct import pack

import pytest
from tests.unit.kernel.netlink.scripted import scripted

from vethlab.kernel.netlink import queues
from vethlab.kernel.netlink.message import attribute, nested, text, u32
from vethlab.kernel.netlink.qdisc import MESSAGE, TC_H_INGRESS, TC_H_ROOT
from vethlab.model.snapshot import Queue

MILLISECOND = 1_000_000 // 64  # in ticks of 64 ns


def told(kind: str, options: bytes = b"", *parts: bytes, handle: int = 0x10000, parent: int = TC_H_ROOT) -> bytes:
    """The payload of a queue's message."""
    body = text(1, kind) + (attribute(2, options) if options else b"") + b"".join(parts)
    return MESSAGE.pack(0, 2, handle, parent, 0) + body


def decoded(data: bytes) -> Queue:
    """Its value."""
    return queues.decode(data, 0, len(data))


def test_a_queue_without_statistics() -> None:
    """A queue that counts nothing has dropped nothing; a kind whose words are not known has none."""
    assert Queue("fq_codel", "1:", "root") == decoded(told("fq_codel", u32(1, 5000)))


def test_drops_and_places() -> None:
    """Drops are those of struct gnet_stats_queue; handles are hexadecimal, as tc(8) writes them."""
    stats = nested(7, attribute(1, bytes(16)), attribute(3, pack("=5I", 9, 900, 7, 0, 3)))
    fifo = decoded(told("pfifo", pack("=I", 5), stats, handle=0xA00000, parent=0x1001F))
    assert Queue("pfifo", "a0:", "1:1f", 7, "pfifo limit 5", 900) == fifo
    assert Queue("clsact", "ffff:", "ingress", 0, "clsact") == decoded(told("clsact", handle=0xFFFF0000, parent=TC_H_INGRESS))


@pytest.mark.parametrize(("numbers", "words"), [
    ((0, 1000, 0xFFFFFFFF, 0, 0, 0), "netem limit 1000 loss 100%"),
    ((0, 5, 0x40000000, 0, 0x80000000, 0), "netem limit 5 loss 25% duplicate 50%"),
    ((10 * MILLISECOND, 1000, 0, 0, 0, MILLISECOND), "netem limit 1000 delay 10000us 1000us"), ((0, 1000, 0, 0, 0, 0), "netem limit 1000"),
])
def test_the_words_of_netem(numbers: tuple[int, ...], words: str) -> None:
    """Loss and duplication are shares of 2^32, delays ticks of 64 ns (struct tc_netem_qopt)."""
    assert words == decoded(told("netem", pack("=6I", *numbers) + u32(1, 0))).text


def test_options_that_are_cut_short() -> None:
    """A queue whose options are not what they should be has no words, and does no harm."""
    assert ["", "", ""] == [decoded(told(kind, b"\1\0")).text for kind in ("pfifo", "netem", "tbf")]


def test_filters_are_asked_for_where_there_can_be_some() -> None:
    """One dump for a hook, two for clsact, one for a root queue, none below it and none without a queue."""
    connection, kernel = scripted([MESSAGE.pack(0, 2, 0, 0, 0)], [], [MESSAGE.pack(0, 2, 0, 0, 0)])
    held = [Queue("clsact", parent="ingress"), Queue("htb"), Queue("pfifo", parent="1:1")]
    assert ("ingress", "root") == queues.filters(connection, 2, held)
    assert [(46, MESSAGE.pack(0, 2, 0, place, 0)) for place in (0xFFFFFFF2, 0xFFFFFFF3, 0)] == kernel.asked
    connection, kernel = scripted()
    assert ((), []) == (queues.filters(connection, 2, [Queue("noqueue")]), kernel.asked)


def test_queues_by_interface() -> None:
    """Several queues of one interface stand together."""
    connection, _kernel = scripted([told("htb"), told("pfifo", pack("=I", 5), parent=0x10001)])
    assert {2: [Queue("htb", "1:"), Queue("pfifo", "1:", "1:1", 0, "pfifo limit 5")]} == dict(queues.queues(connection))
