"""Queueing disciplines, their classes and filters (tc(8)), said again in a copy.

Enters: a Space; leaves: Queues, the requests that make the same elsewhere. Rule of the file: what the kernel puts on an interface by
itself (handle 0) is not copied; a filter is, if the kernel tells all of it: a classic BPF program yes, one of the bpf() system call no.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from struct import Struct

from vethlab.kernel.netlink.message import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Request, attribute, nested
from vethlab.rehearse.said import Parts, joined, masked, parts, payload, string
from vethlab.rehearse.space import Space

RTM_NEWQDISC, RTM_GETQDISC, RTM_NEWTCLASS, RTM_GETTCLASS, RTM_NEWTFILTER, RTM_GETTFILTER = 36, 38, 40, 42, 44, 46
_MESSAGE = Struct("=BxxxiIII")  # family, interface index, handle, parent, info
_KIND, _OPTIONS, _STAB = 1, 2, 8
_ROOT, _INGRESS, _CLSACT = 0xFFFFFFFF, 0xFFFFFFF1, 0xFFFF0000  # TC_H_ROOT, TC_H_INGRESS, its major number
_INGRESS_HOOK, _EGRESS_HOOK = 0xFFFFFFF2, 0xFFFFFFF3  # TC_H_MIN_INGRESS, TC_H_MIN_EGRESS
_CLASSFUL = frozenset({"htb", "hfsc", "drr", "qfq", "prio", "cbq", "ets"})
_BPF_FD, _BPF_NAME, _BPF_FLAGS_GEN, _BPF_TAG, _BPF_ID = 6, 7, 9, 10, 11
_HTB_INIT, _HTB = 2, Struct("=5I")  # TCA_HTB_INIT, struct tc_htb_glob: version first
_SKIP_HARDWARE_OR_SOFTWARE = 3
_WHOLE = frozenset({"fw", "matchall"})  # filters whose dump is all that makes them


@dataclass(frozen=True, slots=True)
class Queues:
    """What one namespace has on its interfaces, as requests in the order in which they can be made."""

    requests: tuple[Request, ...] = ()
    refused: str = ""


def read(space: Space, names: Mapping[int, str]) -> Queues:
    """One dump tells whether there is anything at all. `names`: the interfaces that are copied."""
    told = space.dump(RTM_GETQDISC, _MESSAGE.pack(0, 0, 0, 0, 0))
    found = [body for body in told if _MESSAGE.unpack_from(body)[2] and _MESSAGE.unpack_from(body)[1] in names]
    tops = [body for body in found if _MESSAGE.unpack_from(body)[3] in {_ROOT, _INGRESS}]
    requests = [_make(RTM_NEWQDISC, body) for body in tops]
    classes: list[Request] = []
    filters: list[Request] = []
    for body in found:
        _family, index, handle, _parent, _info = _MESSAGE.unpack_from(body)
        kind = string(parts(body, _MESSAGE.size), _KIND)
        if kind in _CLASSFUL and kind != "prio":
            asked = _MESSAGE.pack(0, index, 0, handle, 0)
            classes += [_make(RTM_NEWTCLASS, one) for one in space.dump(RTM_GETTCLASS, asked)]
        for place in _filter_places(kind, handle):
            for one in _filters(space, index, place):
                if one is None:
                    return Queues(refused=f"a filter on {names.get(index, index)} whose program the kernel does not tell")
                filters.append(one)
    inner = [_make(RTM_NEWQDISC, body) for body in found if body not in tops]
    return Queues((*requests, *classes, *inner, *filters))


def _make(kind: int, body: bytes) -> Request:
    family, index, handle, parent, _ = _MESSAGE.unpack_from(body)
    found = parts(body, _MESSAGE.size)
    if string(found, _KIND) == "htb" and _OPTIONS in found:
        found[_OPTIONS] = nested(_OPTIONS, _htb(parts(payload(found[_OPTIONS]))))
    kept = joined(found, {_KIND, _OPTIONS, _STAB})
    flags = NLM_F_CREATE | (NLM_F_REPLACE if kind == RTM_NEWQDISC else NLM_F_EXCL)
    return Request(kind, flags, _MESSAGE.pack(family, index, handle, parent, 0) + kept)


def _htb(found: Parts) -> bytes:
    """The kernel tells its whole version and wants to hear the major one (net/sched/sch_htb.c htb_dump, htb_init)."""
    if _HTB_INIT in found:
        version, *rest, _counted = _HTB.unpack(payload(found[_HTB_INIT]))
        found[_HTB_INIT] = attribute(_HTB_INIT, _HTB.pack(version >> 16 or version, *rest, 0))
    return joined(found)


def _filter_places(kind: str, handle: int) -> tuple[int, ...]:
    if kind == "clsact":
        return (_INGRESS_HOOK, _EGRESS_HOOK)
    if kind == "ingress":
        return (_CLSACT,)
    return (handle,) if kind in _CLASSFUL else ()


def _filters(space: Space, index: int, place: int) -> Iterator[Request | None]:
    for body in space.dump(RTM_GETTFILTER, _MESSAGE.pack(0, index, 0, place, 0)):
        family, _, handle, parent, info = _MESSAGE.unpack_from(body)
        found = parts(body, _MESSAGE.size)
        if not handle or _OPTIONS not in found:
            continue  # the head of a list of filters
        options = _options(string(found, _KIND), parts(payload(found[_OPTIONS])))
        if options is None:
            yield None
        else:
            head = _MESSAGE.pack(family, index, handle, parent, info)
            yield Request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, head + found[_KIND] + nested(_OPTIONS, options))


def _options(kind: str, found: Parts) -> bytes | None:
    if kind in _WHOLE:
        return joined(found)
    if kind != "bpf" or _BPF_ID in found:
        return None
    kept = masked(found, _BPF_FLAGS_GEN, _SKIP_HARDWARE_OR_SOFTWARE)
    return joined({number: part for number, part in kept.items() if number not in {_BPF_FD, _BPF_NAME, _BPF_TAG}})
