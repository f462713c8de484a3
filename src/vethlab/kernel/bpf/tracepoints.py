"""The programs that run at the tracepoints: one for each kind of event, written for the kernel at hand.

Enter: a kind, the offsets of the members it reads, the number of the tracepoint's arguments, the maps; leaves: code for the verifier. Rule
of the file: first whether the packet is in a namespace that is asked about, since tracepoints are the whole machine's; everything else
only then. EVENT is what the programs write and kernel/bpf/tracer.py reads. Sources: include/trace/events/net.h and skb.h,
include/linux/skbuff.h.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import NamedTuple

from vethlab.kernel.bpf.assembler import FRAME, R0, R1, R2, R3, R6, R7, R8, R9, Assembler

__all__ = ["EVENT", "KINDS", "MEMBERS", "Maps", "program_at", "trial"]

KINDS = {"queue": "net_dev_queue", "receive": "netif_receive_skb", "drop": "kfree_skb", "consume": "consume_skb"}
_AF_INET, _AF_INET6, _AF_PACKET = 2, 10, 17  # sockets whose buffers are packets; those of AF_UNIX and AF_NETLINK are not

# Helpers, by their numbers in include/uapi/linux/bpf.h
_MAP_LOOKUP, _TIME, _PROBE_READ, _RESERVE, _SUBMIT = 1, 5, 113, 131, 132
_NO_WAKEUP = 1  # BPF_RB_NO_WAKEUP: nobody polls

_DATA = 96
EVENT = Struct(f"=QQQIIII16s2sHi{_DATA}s")  # in the order of the next line
_NS, _SKB, _LOCATION, _NETNS, _REASON, _IFINDEX, _LENGTH, _NAME, _PROTOCOL, _KIND, _LINEAR, _BYTES = (
    0, 8, 16, 24, 28, 32, 36, 40, 56, 58, 60, 64,
)
_POINTER, _SMALL, _INODE = -8, -16, -24  # what a program keeps on its stack

MEMBERS = {
    "dev": ("sk_buff", "dev"), "sk": ("sk_buff", "sk"), "head": ("sk_buff", "head"), "bytes": ("sk_buff", "data"),
    "tail": ("sk_buff", "tail"), "network": ("sk_buff", "network_header"),
    "length": ("sk_buff", "len"), "protocol": ("sk_buff", "protocol"),
    "device_net": ("net_device", "nd_net.net"), "name": ("net_device", "name"), "ifindex": ("net_device", "ifindex"),
    "sock_net": ("sock", "__sk_common.skc_net.net"), "family": ("sock", "__sk_common.skc_family"), "inode": ("net", "ns.inum"),
}


class Maps(NamedTuple):
    """Descriptors: inode numbers of the namespaces that are asked about, the ring of events, the count of those that found it full."""

    wanted: int
    ring: int
    lost: int


def trial() -> bytes:
    """The smallest program that reads the kernel's memory, which is what kernel_lockdown(7) and user namespaces refuse."""
    code = Assembler()
    _read(code, (FRAME, _POINTER), 8, (FRAME, _POINTER))
    code.set(R0, 0)
    code.exit()
    return code.code()


def program_at(kind: str, at: Mapping[str, int], arguments: int, maps: Maps) -> bytes:
    """The program of one tracepoint, whose arguments stand at R6: the buffer, where it ended, why, and the receiving socket."""
    code = Assembler()
    code.move(R6, R1)
    code.load(8, R7, R6, 0)
    _find_namespace(code, at, ends=kind in {"drop", "consume"}, receiver=kind == "drop" and arguments > 3)
    _reserve(code, maps)
    code.call(_TIME)
    code.store(8, R8, _NS, R0)
    code.store(8, R8, _SKB, R7)
    code.load(4, R1, FRAME, _INODE)
    code.store(4, R8, _NETNS, R1)
    code.store_value(2, R8, _KIND, list(KINDS).index(kind))
    _copy_argument(code, 8, _LOCATION, 1 if kind in {"drop", "consume"} and arguments > 1 else None)
    _copy_argument(code, 4, _REASON, 2 if kind == "drop" and arguments > 2 else None)
    _read(code, (R8, _IFINDEX), 4, (R9, at["ifindex"]))  # of no device: refused, and then the helper writes zeros
    _read(code, (R8, _NAME), 16, (R9, at["name"]))
    _read(code, (R8, _LENGTH), 4, (R7, at["length"]))
    _read(code, (R8, _PROTOCOL), 2, (R7, at["protocol"]))
    _read_data(code, at, kind)
    code.move(R1, R8)
    code.set(R2, _NO_WAKEUP)
    code.call(_SUBMIT)
    code.label("out")
    code.set(R0, 0)
    code.exit()
    return code.code()


def _find_namespace(code: Assembler, at: Mapping[str, int], *, ends: bool, receiver: bool) -> None:
    """R9: the device or 0; the inode of its namespace on the stack. Out, if that is none of ours.

    A buffer that ends may have no device: not yet (refused before one was chosen), not any more (queued at a socket, where UDP even keeps
    something else in its place: udp_set_dev_scratch). A socket tells the namespace then: the receiving one (since Linux 6.11), or its own.
    """
    _read(code, (FRAME, _POINTER), 8, (R7, at["dev"]))
    code.load(8, R9, FRAME, _POINTER)
    _read(code, (FRAME, _POINTER), 8, (R9, at["device_net"]))
    code.load(8, R8, FRAME, _POINTER)
    if ends:
        code.jump_unequal(R8, 0, "namespace")
        if receiver:
            code.load(8, R9, R6, 24)
            code.jump_unequal(R9, 0, "socket")
        _read(code, (FRAME, _POINTER), 8, (R7, at["sk"]))
        code.load(8, R9, FRAME, _POINTER)
        code.label("socket")
        _read(code, (FRAME, _SMALL), 2, (R9, at["family"]))
        code.load(2, R1, FRAME, _SMALL)
        for family in (_AF_INET, _AF_INET6, _AF_PACKET):
            code.jump_equal(R1, family, "packet")
        code.jump("out")
        code.label("packet")
        _read(code, (FRAME, _POINTER), 8, (R9, at["sock_net"]))
        code.load(8, R8, FRAME, _POINTER)
        code.set(R9, 0)
    code.label("namespace")
    _read(code, (FRAME, _INODE), 4, (R8, at["inode"]))


def _reserve(code: Assembler, maps: Maps) -> None:
    """R8: room for an event. Out, if the namespace on the stack is none of ours, or if the ring is full."""
    code.map(R1, maps.wanted)
    code.move(R2, FRAME)
    code.add_value(R2, _INODE)
    code.call(_MAP_LOOKUP)
    code.jump_equal(R0, 0, "out")
    code.map(R1, maps.ring)
    code.set(R2, EVENT.size)
    code.set(R3, 0)
    code.call(_RESERVE)
    code.move(R8, R0)
    code.jump_unequal(R0, 0, "reserved")
    code.map_value(R1, maps.lost)
    code.set(R2, 1)
    code.atomic_add(R1, 0, R2)
    code.jump("out")
    code.label("reserved")


def _read_data(code: Assembler, at: Mapping[str, int], kind: str) -> None:
    """The bytes from the network header on, and how many of them are the packet's.

    Who receives finds skb->data there, while the field is set only afterwards (net/core/dev.c, __netif_receive_skb_core).
    """
    _read(code, (FRAME, _POINTER), 8, (R7, at["head"]))
    if kind == "receive":
        _read(code, (FRAME, _SMALL), 8, (R7, at["bytes"]))
        code.load(8, R9, FRAME, _SMALL)
    else:
        _read(code, (FRAME, _SMALL), 2, (R7, at["network"]))
        code.load(8, R9, FRAME, _POINTER)
        code.load(2, R1, FRAME, _SMALL)
        code.add(R9, R1)
    _read(code, (FRAME, _SMALL), 4, (R7, at["tail"]))  # counted from the head (NET_SKBUFF_DATA_USES_OFFSET: all machines of 64 bits)
    code.load(4, R2, FRAME, _SMALL)
    code.load(8, R1, FRAME, _POINTER)
    code.add(R1, R2)
    code.subtract(R1, R9)
    code.store(4, R8, _LINEAR, R1)
    _read(code, (R8, _BYTES), _DATA, (R9, 0))


def _copy_argument(code: Assembler, size: int, offset: int, argument: int | None) -> None:
    if argument is None:
        code.store_value(size, R8, offset, 0)
    else:
        code.load(8, R1, R6, 8 * argument)
        code.store(size, R8, offset, R1)


def _read(code: Assembler, target: tuple[int, int], size: int, source: tuple[int, int]) -> None:
    """Copy kernel memory to what a register and an offset name; zeros, where it cannot be read. R9 and R6 to R8 stay."""
    code.move(R3, source[0])
    code.add_value(R3, source[1])
    code.move(R1, target[0])
    code.add_value(R1, target[1])
    code.set(R2, size)
    code.call(_PROBE_READ)
