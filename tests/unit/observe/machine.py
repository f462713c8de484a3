"""A classic BPF machine in a few lines: what the kernel does with a program and a packet (net/core/filter.c, bpf(4) of BSD)."""

from __future__ import annotations

from collections.abc import Sequence

from vethlab.kernel.packet import Instruction

NETWORK, PROTOCOL, LOWEST = 0xFFF00000, 0xFFFFF000, 0x80000000
SIZES = {0x00: 4, 0x08: 2, 0x10: 1}


def run(program: Sequence[Instruction], data: bytes, *, network: int = 14, protocol: int | None = None) -> int:
    """How many bytes the program keeps. `network`: where the network header begins; `protocol`: else what stands before it."""
    ethertype = int.from_bytes(data[network - 2 : network], "big") if protocol is None else protocol
    accumulator = index = at = 0
    while True:
        code, yes, no, value = program[at]
        at += 1
        if code & 7 == 0:  # BPF_LD
            offset = value + (index if code & 0xE0 == 0x40 else 0) & 0xFFFFFFFF
            if offset == PROTOCOL:
                accumulator = ethertype
                continue
            start = offset - NETWORK + network if offset >= LOWEST else offset
            piece = data[start : start + SIZES[code & 0x18]]
            if len(piece) != SIZES[code & 0x18]:
                return 0  # beyond the packet's end
            accumulator = int.from_bytes(piece, "big")
        elif code == 0x01:
            index = value
        elif code == 0xB1:
            start = value - NETWORK + network if value >= LOWEST else value
            index = (data[start] & 0xF) * 4
        elif code == 0x05:
            at += value
        elif code in {0x15, 0x45}:
            at += yes if (accumulator == value if code == 0x15 else accumulator & value) else no
        elif code == 0x06:
            return value
        else:
            raise AssertionError(f"no such instruction: {code:#x}")
