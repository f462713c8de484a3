"""What became of every packet, from the kernel itself: queued, received, dropped (why, and in which function), consumed.

Enter: the inode numbers of network namespaces; leave: Events, in the order in which the kernel noted them. Rule of the file: nothing is
pinned, all is gone with this process's descriptors; what the kernel wrote is decoded when it is asked for. The ring is laid out as
kernel/bpf/ringbuf.c says: a page with the reader's position, one with the writer's, then the data, twice in a row.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from struct import Struct
from types import TracebackType
from typing import NamedTuple, Self

from vethlab.errors import HostError
from vethlab.kernel.bpf import program
from vethlab.kernel.bpf.btf import VMLINUX, read_kernel
from vethlab.kernel.bpf.symbols import Symbols
from vethlab.kernel.bpf.tracepoints import EVENT, KINDS, MEMBERS, Maps, program_at, trial

__all__ = ["Event", "Tracer", "available"]

_REASON_PREFIX = "SKB_DROP_REASON_"
_NAMES = tuple(KINDS)
_WORD = Struct("@I")
_BUSY, _DISCARDED = 1 << 31, 1 << 30  # BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT
_HEADER = 8  # BPF_RINGBUF_HDR_SZ
_ROOM = 1024  # namespaces that may be added later


class Event(NamedTuple):
    """One thing that happened to one packet.

    `ns` is CLOCK_MONOTONIC; `skb` the buffer's address, used again at once after the packet's end; `length` what the buffer holds then,
    so with the link layer's header when queued and without it when received; `interface` is empty and `ifindex` 0 where there is no device,
    not yet or not any more; `data` begins at the network header, 96 bytes at most, and ends where the buffer's first part does.
    """

    ns: int
    skb: int
    kind: str
    netns: int
    interface: str
    ifindex: int
    length: int
    protocol: int
    reason: str
    location: int
    data: bytes


def available() -> str:
    """Why a Tracer cannot be used here; empty if it can."""
    if os.geteuid() != 0:
        return "BPF needs root"
    if not os.access(VMLINUX, os.R_OK):
        return f"the kernel shows no type information ({VMLINUX}, CONFIG_DEBUG_INFO_BTF)"
    try:
        os.close(program.create_map(program.RING, 0, 0, mmap.PAGESIZE))
        os.close(program.load_raw_tracepoint(trial()))
    except HostError as error:
        return f"{error.message} {error.why}".strip()
    return ""


class Tracer:
    """Programs at four tracepoints, or those for `kinds` only, and the ring they write to. HostError (no-bpf) where the machine refuses.

    `size` bytes (pages in a power of two) hold an event each 168; what finds the ring full is counted in `lost`.
    """

    def __init__(self, netns_inodes: Sequence[int], *, kinds: Sequence[str] = _NAMES, size: int = 1 << 22) -> None:
        types = read_kernel()
        members = {name: types.offset(*member) for name, member in MEMBERS.items()}
        self._reasons = {value: name.removeprefix(_REASON_PREFIX) for value, name in types.enum("skb_drop_reason").items()}
        self._symbols, self._size = Symbols(), size
        with ExitStack() as made:
            self._maps = _maps(made, netns_inodes, size)
            for kind in kinds:
                tracepoint = KINDS[kind]
                code = program_at(kind, members, types.arguments(tracepoint), self._maps)
                loaded = program.load_raw_tracepoint(code)
                try:
                    made.callback(os.close, program.attach_raw_tracepoint(tracepoint, loaded))
                finally:
                    os.close(loaded)
            consumer = made.enter_context(mmap.mmap(self._maps.ring, mmap.PAGESIZE))
            written = mmap.PAGESIZE + 2 * size
            self._ring = made.enter_context(mmap.mmap(self._maps.ring, written, prot=mmap.PROT_READ, offset=mmap.PAGESIZE))
            # One load and one store each, as the kernel's side needs it: struct's "<Q" would go byte by byte
            self._consumed = made.enter_context(memoryview(consumer).cast("Q"))
            self._produced = made.enter_context(memoryview(self._ring).cast("Q"))
            self._made = made.pop_all()

    def add(self, inode: int) -> None:
        """Ask about one more namespace. HostError when there are too many."""
        program.update(self._maps.wanted, _WORD.pack(inode), bytes(4))

    def events(self) -> list[Event]:
        """What happened since last asked."""
        found: list[Event] = []
        consumed, produced, ring = self._consumed[0], self._produced[0], self._ring
        while consumed < produced:
            at = mmap.PAGESIZE + (consumed & (self._size - 1))
            (header,) = _WORD.unpack_from(ring, at)
            if header & _BUSY:  # another processor is writing it; what follows has to wait
                break
            if not header & _DISCARDED:
                found.append(self._event(at + _HEADER))
            consumed += (header & ~_DISCARDED) + _HEADER + 7 & ~7
        self._consumed[0] = consumed
        return found

    def _event(self, at: int) -> Event:
        ns, skb, location, netns, reason, ifindex, length, name, protocol, kind, linear, data = EVENT.unpack_from(self._ring, at)
        interface = name.partition(b"\0")[0].decode(errors="replace")
        why = self._reasons.get(reason, hex(reason)) if reason else ""  # a subsystem's own reasons stand above 16 bits, in no common enum
        data = data[: max(0, linear)]  # what lies behind is not the packet's
        return Event(ns, skb, _NAMES[kind], netns, interface, ifindex, length, int.from_bytes(protocol, "big"), why, location, data)

    @property
    def lost(self) -> int:
        """How many events found the ring full."""
        return int.from_bytes(program.look_up(self._maps.lost, bytes(4), 8), sys.byteorder)

    def function(self, location: int) -> str:
        """The kernel function that dropped or consumed; empty if the kernel does not tell (Symbols)."""
        return self._symbols.name(location) or "" if location else ""

    def close(self) -> None:
        """Take the programs off and give the memory back. What was not read is gone."""
        self._made.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _maps(made: ExitStack, inodes: Sequence[int], size: int) -> Maps:
    def kept(kind: int, key: int, value: int, entries: int) -> int:
        descriptor = program.create_map(kind, key, value, entries)
        made.callback(os.close, descriptor)
        return descriptor

    maps = Maps(kept(program.HASH, 4, 4, len(inodes) + _ROOM), kept(program.RING, 0, 0, size), kept(program.ARRAY, 4, 8, 1))
    for inode in inodes:
        program.update(maps.wanted, _WORD.pack(inode), bytes(4))
    return maps
