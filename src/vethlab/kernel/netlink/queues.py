"""RTM_GETQDISC and RTM_GETTFILTER: what holds packets back before an interface, and whether filters look at them (tc(8)).

Enters: a connection; leaves: queues by interface index, and the places that have filters. Rule of the file: a queue's `text` is what tc(8)
would be told to make it again, empty where words of one line cannot (classes). Filters are asked for only where a queue can have some: the
kernel wants one dump a place. A program attached by tcx (Linux 6.6, bpf(2)) is no filter of this kind and is not seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from struct import Struct

from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import attributes, get_text, get_u32
from vethlab.kernel.netlink.qdisc import (
    MESSAGE,
    RTM_GETQDISC,
    RTM_GETTFILTER,
    TC_H_INGRESS,
    TC_H_ROOT,
    TCA_KIND,
    TCA_OPTIONS,
    TCA_STATS2,
    TCA_STATS_QUEUE,
    TCA_TBF_PARMS,
)
from vethlab.model.snapshot import Queue

PLACES = {"ingress": 0xFFFFFFF2, "egress": 0xFFFFFFF3, "root": 0}  # TC_H_MIN_INGRESS and _EGRESS of TC_H_CLSACT; 0 is the root queue
_HOOKS = {"clsact": ("ingress", "egress"), "ingress": ("ingress",), "noqueue": ()}
_WAITING = Struct("=4xII")  # struct gnet_stats_queue: queue length, backlog in bytes, drops
_TBF = Struct("=2xH2xHI8xIII4x")  # struct tc_tbf_qopt: overhead, least size, bytes a second (tc_ratespec); peak rate, limit, buffer
_NETEM_RATE = Struct("=IiIi")  # struct tc_netem_rate: rate, packet overhead, cell size, cell overhead
_NETEM_RATES = 6
_NETEM_SAID = frozenset({_NETEM_RATES, 8, 10, 11, 14})  # TCA_NETEM_RATE, _RATE64, _LATENCY64, _JITTER64, and the seed of its dice
_WHOLE = 0xFFFFFFFF  # 100 %, or a rate of which 32 bits do not tell
_NETEM = Struct("=6I")  # struct tc_netem_qopt: latency, limit, loss, gap, duplicate, jitter
_TICK = 64e-9  # seconds in a tick: PSCHED_SHIFT is 6 (include/net/pkt_sched.h)


def queues(connection: Connection) -> dict[int, list[Queue]]:
    """Every queueing discipline of the namespace, by interface index."""
    found: dict[int, list[Queue]] = defaultdict(list)
    for data, start, end in connection.dump(RTM_GETQDISC, MESSAGE.pack(0, 0, 0, 0, 0)):
        index: int = MESSAGE.unpack_from(data, start)[1]
        found[index].append(decode(data, start, end))
    return found


def decode(data: bytes, start: int, end: int) -> Queue:
    """One RTM_NEWQDISC payload."""
    _family, _index, handle, parent, _info = MESSAGE.unpack_from(data, start)
    seen = attributes(data, start + MESSAGE.size, end)
    kind = get_text(data, seen[TCA_KIND])
    waiting = dropped = 0
    if TCA_STATS2 in seen:
        span = attributes(data, *seen[TCA_STATS2]).get(TCA_STATS_QUEUE)
        waiting, dropped = (0, 0) if span is None else _WAITING.unpack_from(data, span[0])
    options = data[seen[TCA_OPTIONS][0] : seen[TCA_OPTIONS][1]] if TCA_OPTIONS in seen else b""
    above = "root" if parent == TC_H_ROOT else "ingress" if parent == TC_H_INGRESS else _handle(parent)
    return Queue(kind, _handle(handle), above, dropped, _text(kind, options), waiting)


def filters(connection: Connection, index: int, held: Sequence[Queue]) -> tuple[str, ...]:
    """The places of an interface that have tc filters."""
    places = [place for queue in held if queue.parent in {"root", "ingress"} for place in _HOOKS.get(queue.kind, ("root",))]
    return tuple(place for place in places if any(connection.dump(RTM_GETTFILTER, MESSAGE.pack(0, index, 0, PLACES[place], 0))))


def _handle(number: int) -> str:
    return f"{number >> 16:x}:{number & 0xFFFF:x}" if number & 0xFFFF else f"{number >> 16:x}:"


def _text(kind: str, options: bytes) -> str:
    if kind in {"pfifo", "bfifo"} and len(options) >= 4:
        return f"{kind} limit {get_u32(options, (0, 4))}"
    if kind == "tbf" and (span := attributes(options, 0, len(options)).get(TCA_TBF_PARMS)):
        overhead, mpu, rate, peak, limit, ticks = _TBF.unpack_from(options, span[0])
        plain = not (overhead or mpu or peak or rate == _WHOLE)
        return f"tbf rate {rate * 8}bit burst {round(rate * ticks * _TICK)}b limit {limit}b" if plain else ""
    if kind == "netem" and len(options) >= _NETEM.size:
        return _netem(options)
    return kind if kind in {"noqueue", "ingress", "clsact", "pfifo_fast"} else ""


def _netem(options: bytes) -> str:
    """Empty where it does more than a few words say: correlated, reordered or corrupted packets, slots, a model of losses."""
    latency, limit, loss, gap, twice, jitter = _NETEM.unpack_from(options)
    seen = attributes(options, _NETEM.size, len(options))
    if gap or any(any(options[slice(*span)]) for kind, span in seen.items() if kind not in _NETEM_SAID):
        return ""
    delay = f" delay {latency * _TICK * 1e6:.0f}us" + (f" {jitter * _TICK * 1e6:.0f}us" if jitter else "") if latency else ""
    parts = (f" {word} {100 * share / _WHOLE:.6g}%" for word, share in (("loss", loss), ("duplicate", twice)) if share)
    rate, *overheads = _NETEM_RATE.unpack_from(options, seen[_NETEM_RATES][0]) if _NETEM_RATES in seen else (0, 0)
    slow = f" rate {rate * 8}bit" if rate else ""
    return "" if any(overheads) or rate == _WHOLE else f"netem limit {limit}{delay}{''.join(parts)}{slow}"
