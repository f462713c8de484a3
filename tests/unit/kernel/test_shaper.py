"""Queues as bytes: what tc(8) would send, written out from include/uapi/linux/pkt_sched.h, and what a kernel would answer."""

from __future__ import annotations

from struct import pack

import pytest

from vethlab.kernel import shaper
from vethlab.kernel.netlink.message import attribute, nested, text, u32
from vethlab.kernel.netlink.qdisc import MESSAGE, TC_H_ROOT
from vethlab.model.shaping import Queue

HEAD = bytes.fromhex("00000000 07000000 00000000 ffffffff 00000000")  # struct tcmsg: interface 7, root


def options(queue: Queue) -> bytes:
    """The payload of TCA_OPTIONS in the request for it."""
    request = shaper.replace(7, queue)
    kind = text(1, queue.kind)
    assert (36, 0x500, HEAD + kind) == (request.type, request.flags, request.body[: len(HEAD + kind)])
    return request.body[len(HEAD + kind) + 4 :]


def read(kind: str, payload: bytes, *, parent: int = TC_H_ROOT, index: int = 7) -> Queue | None:
    """What a kernel's message with these options is."""
    body = MESSAGE.pack(0, index, 0x80010000, parent, 2) + text(1, kind) + attribute(2, payload)
    found = shaper.decode(body, 0, len(body))
    assert found is None or index == found[0]
    return None if found is None else found[1]


def test_a_rate_is_struct_tc_tbf_qopt() -> None:
    """Rate in bytes a second with an Ethernet link layer, limit, and the bucket as TCA_TBF_BURST, which needs no table of times."""
    qopt = bytes.fromhex("00 01 0000 0000 0000 d0121300" + "00" * 12 + "dc0b0100" + "00" * 8)
    assert attribute(1, qopt) + u32(6, 6072) == options(Queue("tbf", 10_000_000, 6072, 68572))


def test_a_rate_past_four_gigabytes_is_told_in_64_bits() -> None:
    """The 32-bit field is full then (TCA_TBF_RATE64), and both are read."""
    sent = options(Queue("tbf", 80 * 10**9, 10**6, 10**7))
    assert attribute(4, pack("=Q", 10**10)) in sent
    assert b"\xff\xff\xff\xff" == sent[12:16]
    answer = attribute(1, pack("=xBHhHI8xIIII", 1, 0, 0, 0, 0xFFFFFFFF, 0, 10**7, 1562, 0)) + attribute(4, pack("=Q", 10**10))
    found = read("tbf", answer)
    assert found is not None
    assert (80 * 10**9, 10**7) == (found.rate, found.limit)


def test_netem_is_struct_tc_netem_qopt_with_attributes_behind() -> None:
    """Ticks of 64 ns, packets, a share of 2^32; the rate and the time in nanoseconds as attributes (q_netem.c of iproute2)."""
    qopt = pack("=6I", 78125, 1000, round(0.01 * 0xFFFFFFFF), 0, 0, 0)
    rate = attribute(6, pack("=IiIi", 1_250_000, 0, 0, 0))
    assert qopt + rate + attribute(10, pack("=q", 5_000_000)) == options(Queue("netem", 10_000_000, 0, 1000, 5000, 10_000))
    assert attribute(8, pack("=Q", 10**10)) in options(Queue("netem", 80 * 10**9, 0, 1000, 1))


@pytest.mark.parametrize(
    "queue",
    [
        Queue("netem", 0, 0, 1000, 5000, 0), Queue("netem", 0, 0, 1000, 0, 1_000_000), Queue("netem", 80_000, 0, 1000, 1, 1),
        Queue("netem", 80 * 10**9, 0, 6000000, 60_000_000, 123_456),
    ],
)
def test_netem_comes_back_as_it_was_sent(queue: Queue) -> None:
    """A kernel that answers what it was told is read as what was asked for."""
    assert queue == read("netem", options(queue))


def test_old_kernels_tell_the_delay_in_ticks_only() -> None:
    """Before TCA_NETEM_LATENCY64 (Linux 4.15)."""
    assert Queue("netem", 0, 0, 9, 5000) == read("netem", pack("=6I", 78125, 9, 0, 0, 0, 0))


def test_a_bucket_is_read_from_the_time_it_lasts() -> None:
    """The kernel keeps it in ticks of 64 ns."""
    answer = attribute(1, pack("=xBHhHI8xIIII", 1, 0, 0, 0, 1_250_000, 0, 68572, 75900, 0))
    assert Queue("tbf", 10_000_000, 6072, 68572) == read("tbf", answer)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("tbf", b""), ("tbf", attribute(1, pack("=xBHhHI8xIIII", 1, 0, 0, 0, 9, 9, 9, 9, 0))),
        ("tbf", attribute(1, pack("=xBHhHI8xIIII", 1, 24, 0, 0, 9, 0, 9, 9, 0))),
        ("netem", b"1"), ("netem", pack("=6I", 1, 1, 0, 0, 0, 5)), ("netem", pack("=6I", 1, 1, 0, 0, 9, 0)),
        ("netem", pack("=6I", 1, 1, 0, 0, 0, 0) + attribute(6, pack("=IiIi", 9, 14, 0, 0))), ("htb", nested(2, u32(1, 1))),
    ],
)
def test_what_says_more_than_a_lab_file_can_is_nobodys_queue(kind: str, payload: bytes) -> None:
    """A peak rate, an overhead, jitter, duplicates, classes, and options that are cut short."""
    assert read(kind, payload) is None


def test_only_the_root_counts() -> None:
    """What hangs below another discipline is its business."""
    assert read("netem", pack("=6I", 1, 1, 0, 0, 0, 0), parent=0x10001) is None


def test_a_removal_names_the_root() -> None:
    """RTM_DELQDISC of the root gives back what the kernel gives by itself."""
    assert (37, 0, HEAD) == shaper.remove(7)
