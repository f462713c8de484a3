"""Type information: a small blob made here by hand, and that of the running kernel where it can be read."""

from __future__ import annotations

import os
import struct

import pytest

from vethlab.errors import HostError
from vethlab.kernel.bpf.btf import VMLINUX, Btf, read_kernel

INT, POINTER, STRUCT, UNION, ENUM, TYPEDEF, CONST, FUNCTION, PROTOTYPE = 1, 2, 4, 5, 6, 8, 10, 12, 13
KIND_FLAG = 1 << 31


class Blob:
    """Writes type information as include/uapi/linux/btf.h lays it out."""

    def __init__(self) -> None:
        self.types, self.strings, self.count = b"", b"\0", 0

    def name(self, text: str) -> int:
        """The offset of a name; that of none is 0, and each is stored once."""
        if not text:
            return 0
        stored = b"\0" + text.encode() + b"\0"
        if stored not in self.strings:
            self.strings += stored[1:]
        return self.strings.index(stored) + 1

    def type(self, kind: int, name: str, other: int = 0, *words: int, elements: int = 0, flag: int = 0) -> int:
        """Add a type: its number."""
        self.types += struct.pack("=3I", self.name(name), flag | kind << 24 | elements, other) + struct.pack(f"={len(words)}I", *words)
        self.count += 1
        return self.count

    def structure(self, name: str, *members: tuple[str, int, int], kind: int = STRUCT, flag: int = 0) -> int:
        """Add a struct or a union of (name, type, offset in bits)."""
        words = [word for named, other, bits in members for word in (self.name(named), other, bits)]
        return self.type(kind, name, 64, *words, elements=len(members), flag=flag)

    def data(self) -> bytes:
        """The whole."""
        length = len(self.types)
        return struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, 0, length, length, len(self.strings)) + self.types + self.strings


def small() -> Blob:
    """A kernel of a few types, with the traps of the real one."""
    blob = Blob()
    number = blob.type(INT, "unsigned int", 4, 32)
    pointer = blob.type(POINTER, "", number)
    inner = blob.structure("", ("dev", pointer, 0), ("scratch", number, 0), kind=UNION)
    headers = blob.structure("", ("tail", number, 32), ("network_header", number, 64))
    blob.type(TYPEDEF, "sk_buff", number)  # the same name, another kind
    common = blob.type(CONST, "", blob.type(TYPEDEF, "possible_net_t", blob.structure("", ("net", pointer, 0))))
    blob.structure("sk_buff", ("next", pointer, 0), ("", inner, 128), ("", headers, 1024))
    blob.structure("sock", ("skc_net", common, 384), flag=0)
    blob.structure("packed", ("bit", number, 3 << 24 | 5), ("late", number, 64), flag=KIND_FLAG)
    blob.type(ENUM, "skb_drop_reason", 4, blob.name("SKB_CONSUMED"), 1, blob.name("SKB_MASK"), 0xFFFF0000, elements=2)
    blob.type(FUNCTION, "not_typed", number, elements=1)  # `elements` of a function is its linkage
    prototype = blob.type(PROTOTYPE, "", 0, 0, pointer, 0, pointer, 0, pointer, 0, number, elements=4)
    blob.type(TYPEDEF, "btf_trace_kfree_skb", blob.type(POINTER, "", prototype))
    return blob


@pytest.mark.parametrize(
    ("structure", "path", "expected"),
    [
        ("sk_buff", "next", 0), ("sk_buff", "dev", 16), ("sk_buff", "scratch", 16),
        ("sk_buff", "tail", 132), ("sk_buff", "network_header", 136),
        ("sock", "skc_net.net", 48), ("packed", "bit", 0), ("packed", "late", 8),
    ],
)
def test_offsets(structure: str, path: str, expected: int) -> None:
    """Members of unnamed structs and unions, behind const and typedef, and beside bit fields, are where the kernel has them."""
    assert expected == Btf(small().data()).offset(structure, path)


def test_enums_and_arguments() -> None:
    """An enum's values by their names, unsigned; a tracepoint's arguments without the leading one that is the program's own."""
    types = Btf(small().data())
    assert {1: "SKB_CONSUMED", 0xFFFF0000: "SKB_MASK"} == types.enum("skb_drop_reason")
    assert 3 == types.arguments("kfree_skb")


def test_a_kernel_without_drop_reasons() -> None:
    """Before Linux 5.17 there is no such enum, which is no error."""
    assert {} == Btf(Blob().data()).enum("skb_drop_reason")


@pytest.mark.parametrize(
    ("structure", "path"), [("sk_buff", "absent"), ("absent", "dev"), ("sk_buff", "next.dev"), ("unsigned int", "dev")],
)
def test_what_is_not_there_is_said(structure: str, path: str) -> None:
    """A member, a struct, or a member behind a pointer, that the kernel lacks: the error names it."""
    with pytest.raises(HostError, match=f"there is no {structure}.{path}") as caught:
        Btf(small().data()).offset(structure, path)
    assert ("no-bpf", 3) == (caught.value.slug, caught.value.exit_code)


def test_a_tracepoint_that_is_not_there() -> None:
    """A kernel without the tracepoint is named as one."""
    with pytest.raises(HostError, match="no tracepoint kfree"):
        Btf(small().data()).arguments("kfree")


def test_bytes_inside_of_a_type_are_not_its_beginning() -> None:
    """A number that looks like the wanted name, in the middle of an earlier type, is passed over."""
    blob = Blob()
    wanted = blob.name("net")
    blob.structure("before", ("x", wanted, STRUCT << 24 | 1))
    blob.structure("between", ("inum", 0, 32))
    blob.structure("net", ("inum", 0, 96))
    assert 12 == Btf(blob.data()).offset("net", "inum")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no header"),
        (struct.pack(">HBBIIIII", 0xEB9F, 1, 0, 24, 0, 0, 0, 0) if struct.pack("=H", 1)[0] else bytes(24), "-endian machine"),
        (struct.pack("=HBBIIIII3I", 0xEB9F, 1, 0, 24, 0, 12, 12, 0, 0, 31 << 24, 0), "type 1 is of a kind unknown here"),
    ],
    ids=["empty", "other byte order", "newer"],
)
def test_foreign_bytes_are_refused(data: bytes, complaint: str) -> None:
    """What is no type information, is another machine's, or has kinds from the future, is refused in words."""
    with pytest.raises(HostError, match=complaint):
        Btf(data)


@pytest.mark.skipif(not os.access(VMLINUX, os.R_OK), reason="the kernel shows no type information")
def test_the_running_kernel() -> None:
    """Its own answers are sane: a device has a name, buffers have an order, a namespace has an inode, kfree_skb has a location."""
    types = read_kernel()
    names = ("next", "dev", "len", "head")
    offsets = [types.offset("sk_buff", name) for name in names]
    assert (sorted(offsets), 0) == (offsets, offsets[0])
    assert types.offset("net_device", "nd_net.net") > 0
    assert types.offset("net", "ns.inum") > 0
    assert types.offset("sock", "__sk_common.skc_family") == types.offset("sock_common", "skc_family")
    assert (1, True) == (types.arguments("netif_receive_skb"), types.arguments("kfree_skb") >= 2)
    reasons = types.enum("skb_drop_reason")
    assert not reasons or "SKB_DROP_REASON_NO_SOCKET" in reasons.values()
