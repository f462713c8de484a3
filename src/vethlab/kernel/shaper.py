"""The root queueing disciplines that a lab file can ask for, tbf and netem, to bytes and back (net/sched/sch_tbf.c, sch_netem.c).

Enters: Queues, or RTM_NEWQDISC payloads; leaves: requests, or Queues by interface index. Rule of the file: only what a Queue can say in
full is one; any other discipline at the root is somebody else's, and is let alone. Numbers from include/uapi/linux/pkt_sched.h.
"""

from __future__ import annotations

import dataclasses
from struct import Struct

from vethlab.kernel.netlink.message import NLM_F_CREATE, NLM_F_REPLACE, Request, attribute, attributes, get_text, text, u32
from vethlab.kernel.netlink.qdisc import MESSAGE, RTM_DELQDISC, RTM_GETQDISC, RTM_NEWQDISC, TC_H_ROOT, TCA_KIND, TCA_OPTIONS, TCA_TBF_PARMS
from vethlab.model.shaping import PPM, Queue

__all__ = ["ALL", "RTM_GETQDISC", "decode", "remove", "replace"]

ALL = MESSAGE.pack(0, 0, 0, 0, 0)
TCA_TBF_RATE64, TCA_TBF_BURST = 4, 6
TCA_NETEM_RATE, TCA_NETEM_RATE64, TCA_NETEM_LATENCY64, TCA_NETEM_JITTER64, TCA_NETEM_PRNG_SEED = 6, 8, 10, 11, 14
NETEM_SAID = frozenset({TCA_NETEM_RATE, TCA_NETEM_RATE64, TCA_NETEM_LATENCY64, TCA_NETEM_JITTER64, TCA_NETEM_PRNG_SEED})
LINKLAYER_ETHERNET = 1  # the kernel wants no table of times then (qdisc_get_rtab)
CHOSEN = 0x8000  # from here on the kernel chooses (qdisc_alloc_handle)
WHOLE, U32 = 0xFFFFFFFF, 1 << 32  # a loss of 100 %; a rate from here on is told in 64 bits
TICK = 64  # nanoseconds (PSCHED_SHIFT is 6, include/net/pkt_sched.h)

_TBF = Struct("=xBHhHI8xIIII")  # struct tc_tbf_qopt: tc_ratespec of rate and of peak rate, limit, buffer, mtu
_NETEM = Struct("=6I")  # struct tc_netem_qopt: latency, limit, loss, gap, duplicate, jitter
_NETEM_RATE = Struct("=IiIi")  # struct tc_netem_rate: rate, packet overhead, cell size, cell overhead
_U64, _I64 = Struct("=Q"), Struct("=q")


def replace(index: int, queue: Queue) -> Request:
    """Make it the interface's, whatever was there."""
    options = _tbf(queue) if queue.kind == "tbf" else _netem(queue)
    body = MESSAGE.pack(0, index, queue.handle << 16, TC_H_ROOT, 0) + text(TCA_KIND, queue.kind) + attribute(TCA_OPTIONS, options)
    return Request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, body)


def remove(index: int) -> Request:
    """Back to what the kernel gives an interface by itself."""
    return Request(RTM_DELQDISC, 0, MESSAGE.pack(0, index, 0, TC_H_ROOT, 0))


def decode(data: bytes, start: int, end: int) -> tuple[int, Queue] | None:
    """(interface index, queue) of one payload; None for what is no root, or says more than a Queue can."""
    _family, index, handle, parent, _info = MESSAGE.unpack_from(data, start)
    seen = attributes(data, start + MESSAGE.size, end)
    if parent != TC_H_ROOT or TCA_OPTIONS not in seen:
        return None
    kind, options = get_text(data, seen[TCA_KIND]), data[slice(*seen[TCA_OPTIONS])]
    reader = {"tbf": _read_tbf, "netem": _read_netem}.get(kind)
    queue = reader(options) if reader is not None else None
    major = handle >> 16
    return None if queue is None else (index, dataclasses.replace(queue, handle=major if major < CHOSEN else 0))


def _tbf(queue: Queue) -> bytes:
    rate = queue.rate // 8
    parts = attribute(TCA_TBF_PARMS, _TBF.pack(LINKLAYER_ETHERNET, 0, 0, 0, min(rate, WHOLE), 0, queue.limit, 0, 0))
    parts += u32(TCA_TBF_BURST, queue.burst)
    return parts + (attribute(TCA_TBF_RATE64, _U64.pack(rate)) if rate >= U32 else b"")


def _read_tbf(options: bytes) -> Queue | None:
    seen = attributes(options, 0, len(options))
    if TCA_TBF_PARMS not in seen:
        return None
    _layer, overhead, _align, mpu, rate, peak, limit, ticks, _mtu = _TBF.unpack_from(options, seen[TCA_TBF_PARMS][0])
    if TCA_TBF_RATE64 in seen:
        rate = _U64.unpack_from(options, seen[TCA_TBF_RATE64][0])[0]
    return None if peak or overhead or mpu else Queue("tbf", rate * 8, round(rate * ticks * TICK / 1e9), limit)


def _netem(queue: Queue) -> bytes:
    nanoseconds = queue.delay * 1000
    loss = round(queue.loss / PPM * WHOLE)
    parts = _NETEM.pack(min(nanoseconds // TICK, WHOLE), queue.limit, loss, 0, 0, 0)
    if queue.rate:
        rate = queue.rate // 8
        parts += attribute(TCA_NETEM_RATE64, _U64.pack(rate)) if rate >= U32 else b""
        parts += attribute(TCA_NETEM_RATE, _NETEM_RATE.pack(min(rate, WHOLE), 0, 0, 0))
    return parts + attribute(TCA_NETEM_LATENCY64, _I64.pack(nanoseconds))


def _read_netem(options: bytes) -> Queue | None:
    if len(options) < _NETEM.size:
        return None
    latency, limit, loss, gap, twice, jitter = _NETEM.unpack_from(options)
    seen = attributes(options, _NETEM.size, len(options))
    nanoseconds = _I64.unpack_from(options, seen[TCA_NETEM_LATENCY64][0])[0] if TCA_NETEM_LATENCY64 in seen else latency * TICK
    rate = 0
    if TCA_NETEM_RATE in seen:
        rate, *overheads = _NETEM_RATE.unpack_from(options, seen[TCA_NETEM_RATE][0])
        rate = _U64.unpack_from(options, seen[TCA_NETEM_RATE64][0])[0] if TCA_NETEM_RATE64 in seen else rate
        if any(overheads):
            return None
    if gap or twice or jitter or any(any(options[slice(*span)]) for kind, span in seen.items() if kind not in NETEM_SAID):
        return None  # correlations, reordering, corruption, slots, a model of losses
    return Queue("netem", rate * 8, 0, limit, round(nanoseconds / 1000), round(loss / WHOLE * PPM))


