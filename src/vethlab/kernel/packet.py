"""Packet sockets with a receive ring: AF_PACKET, TPACKET_V3 (packet(7), Documentation/networking/packet_mmap.rst).

Enters: a packet socket that was made inside a namespace and receives nothing yet (protocol 0), a classic BPF program; leaves: the mapped
ring and its blocks' frames. Rule of the file: numbers and layouts are those of include/uapi/linux/if_packet.h and linux/filter.h; what a
frame means is for others to say.
"""

from __future__ import annotations

import array
import mmap
import socket
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from vethlab.kernel.syscalls import bind_packet, set_option

__all__ = [
    "ARPHRD_ETHER", "ARPHRD_LOOPBACK", "PACKET_OUTGOING", "Counts", "Held", "Instruction", "Ring", "accept", "attach", "only_interfaces",
]

SOL_PACKET = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION = 5, 6, 10
TPACKET_V3 = 2
SO_ATTACH_FILTER = 26
ETH_P_ALL = 0x0003
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772
PACKET_OUTGOING = 4
TP_STATUS_KERNEL, TP_STATUS_USER = 0, 1
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 1 << 4, 1 << 6
ETH_P_8021Q = 0x8100

_REQUEST = Struct("=7I")  # tpacket_req3: block size, blocks, frame size, frames, retire time-out, private size, features
_STATISTICS = Struct("=3I")  # tpacket_stats_v3: packets (dropped ones included), drops, queue freezes
_BLOCK = Struct("=8xIII")  # tpacket_block_desc from its start: status, number of frames, offset of the first
_STATUS = 8
# tpacket3_hdr: next, seconds, nanoseconds, captured, length, status, offsets of MAC and network header, VLAN tag and its protocol;
# then sockaddr_ll: interface, hardware type, packet type
_FRAME = Struct("=6IHH4xIH14xiHB")
_VLAN = Struct("!HH")
_FRAME_SIZE = 1 << 11  # V3 packs frames tightly; the number only has to divide the block
_INSTRUCTION = Struct("=HBBI")  # sock_filter
_PROGRAM = Struct("@HP")  # sock_fprog

_LOAD_ANCILLARY, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_SKF_AD_IFINDEX = 0x1_0000_0000 - 0x1000 + 8  # SKF_AD_OFF + SKF_AD_IFINDEX


class Instruction(NamedTuple):
    """One instruction of classic BPF (struct sock_filter)."""

    code: int
    jump_true: int
    jump_false: int
    value: int


class Held(NamedTuple):
    """A frame in the ring, copied out. `ns` is Unix time, `length` what was on the wire, `kind` sll_pkttype, `hardware` sll_hatype."""

    ns: int
    source: int
    interface: int
    kind: int
    hardware: int
    length: int
    data: bytes


class Counts(NamedTuple):
    """What the kernel counted since last asked: frames that passed the filter, and of these those that found the ring full."""

    seen: int
    dropped: int


def accept(length: int) -> list[Instruction]:
    """The program that keeps the first `length` bytes of every frame."""
    return [Instruction(_RETURN, 0, 0, length)]


def only_interfaces(indexes: Sequence[int], program: Sequence[Instruction]) -> list[Instruction]:
    """`program` for frames of these interfaces, nothing for others."""
    count = len(indexes)
    head = [Instruction(_LOAD_ANCILLARY, 0, 0, _SKF_AD_IFINDEX)]
    head += [Instruction(_JUMP_EQUAL, count - at, 0, index) for at, index in enumerate(indexes)]
    return [*head, Instruction(_RETURN, 0, 0, 0), *program]


def attach(sock: socket.socket, program: Sequence[Instruction]) -> None:
    """Give a socket its filter. OSError: EINVAL for a program the kernel does not take, ENOMEM above net.core.optmem_max."""
    code = array.array("B", b"".join(_INSTRUCTION.pack(*one) for one in program))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, _PROGRAM.pack(len(program), code.buffer_info()[0]))


class Ring:
    """The receive ring of one socket, which it owns. From here on the namespace's frames are recorded, those of all interfaces.

    `number` comes back as `source` in every frame. Blocks are handed over when full, or after about `retire_ms`. `handed` counts the
    frames in them, those left out as doubles included: once it is what `counts` counted, nothing is under way any more.
    """

    __slots__ = ("_at", "_block_size", "_blocks", "_map", "handed", "number", "socket")

    def __init__(self, sock: socket.socket, number: int, *, blocks: int, block_size: int, retire_ms: int) -> None:
        self.socket, self.number = sock, number
        self._blocks, self._block_size, self._at, self.handed = blocks, block_size, 0, 0
        sock.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        request = _REQUEST.pack(block_size, blocks, _FRAME_SIZE, blocks * (block_size // _FRAME_SIZE), retire_ms, 0, 0)
        set_option(sock.fileno(), SOL_PACKET, PACKET_RX_RING, request)  # waits for a grace period (packet_set_ring)
        self._map = mmap.mmap(sock.fileno(), blocks * block_size)

    def start(self) -> None:
        """Receive from now on. What comes before is not recorded, so the filter holds from the first frame."""
        bind_packet(self.socket.fileno(), ETH_P_ALL)

    def fileno(self) -> int:
        """For poll: readable when a block was handed over."""
        return self.socket.fileno()

    def drain(self) -> Iterator[list[Held]]:
        """The frames of each block that was handed over, in the order of their arrival; the block goes back to the kernel after it."""
        for _ in range(self._blocks):  # one round at most: other rings wait for their turn
            start = self._at * self._block_size
            status, count, first = _BLOCK.unpack_from(self._map, start)
            if not status & TP_STATUS_USER:
                return
            frames = self._frames(start + first, count)
            self.handed += count
            self._map[start + _STATUS : start + _STATUS + 4] = b"\0\0\0\0"  # TP_STATUS_KERNEL
            self._at = (self._at + 1) % self._blocks
            yield frames

    def _frames(self, offset: int, count: int) -> list[Held]:
        mapped, number, unpack, new = self._map, self.number, _FRAME.unpack_from, tuple.__new__
        found: list[Held] = []
        for _ in range(count):
            (
                step, seconds, nanoseconds, captured, length, status, mac, net, tag, tag_protocol, interface, hardware, kind,
            ) = unpack(mapped, offset)
            if hardware == ARPHRD_LOOPBACK and kind == PACKET_OUTGOING:  # the same frame comes in again at once, on the same interface
                offset += step
                continue
            ethernet = hardware in (ARPHRD_ETHER, ARPHRD_LOOPBACK)
            begin = offset + mac
            data = mapped[begin if ethernet else offset + net : begin + captured]
            if status & TP_STATUS_VLAN_VALID and ethernet:
                tpid = tag_protocol if status & TP_STATUS_VLAN_TPID_VALID else ETH_P_8021Q
                data = data[:12] + _VLAN.pack(tpid, tag & 0xFFFF) + data[12:]  # the driver took the tag out of the frame
                length += 4
            ns = seconds * 1_000_000_000 + nanoseconds
            found.append(new(Held, (ns, number, interface, kind, hardware, length, data)))
            offset += step
        return found

    def counts(self) -> Counts:
        """What the kernel counted since last asked."""
        seen, dropped, _freezes = _STATISTICS.unpack(self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size))
        return Counts(seen, dropped)

    def close(self) -> None:
        """Let go of the ring and the socket. The kernel waits a grace period for each (net/packet/af_packet.c, packet_release)."""
        self._map.close()
        self.socket.close()
