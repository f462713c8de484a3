"""Capture filters in the language of pcap-filter(7), compiled to classic BPF by libpcap's own compiler.

Enters: an expression; leaves: a program for a packet socket. Rule of the file: the compiler alone is used, without a capture handle
(pcap_open_dead), so nothing is opened and no privilege is needed; libpcap is loaded only when there is an expression.
"""

from __future__ import annotations

import ctypes
from typing import Any

from vethlab.errors import HostError, UsageError
from vethlab.kernel.packet import Instruction

__all__ = ["LIBRARIES", "compiled"]

LIBRARIES = ("libpcap.so.0.8", "libpcap.so.1")  # Debian's name, everybody else's
_ETHERNET = 1  # DLT_EN10MB
_NO_NETMASK = 0xFFFFFFFF  # PCAP_NETMASK_UNKNOWN: only `ip broadcast` would need it


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint), ("instructions", ctypes.POINTER(_Instruction)))


def compiled(expression: str, *, snaplen: int) -> list[Instruction]:
    """The program that keeps the first `snaplen` bytes of what matches. UsageError with libpcap's sentence; HostError without libpcap."""
    library = _library()
    handle = library.pcap_open_dead(_ETHERNET, snaplen)
    if not handle:
        raise HostError("libpcap has no memory for its compiler")
    program = _Program()
    try:
        if "\0" in expression:
            raise _refused(expression, "it contains a NUL character")
        text = expression.encode("utf-8", "surrogateescape")
        if library.pcap_compile(handle, ctypes.byref(program), text, 1, _NO_NETMASK) != 0:
            raise _refused(expression, library.pcap_geterr(handle).decode(errors="replace"))
        found = [Instruction(one.code, one.jt, one.jf, one.k) for one in program.instructions[: program.length]]
        library.pcap_freecode(ctypes.byref(program))
    finally:
        library.pcap_close(handle)
    return found


def _refused(expression: str, says: str) -> UsageError:
    return UsageError(
        f"filter `{expression}`: {says}", slug="bad-filter",
        help="the language is that of tcpdump (man pcap-filter); for example `icmp or arp`",
    )


def _library() -> Any:
    for name in LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.pcap_open_dead.restype = ctypes.c_void_p
        library.pcap_open_dead.argtypes = (ctypes.c_int, ctypes.c_int)
        library.pcap_compile.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint32)
        library.pcap_geterr.restype = ctypes.c_char_p
        library.pcap_geterr.argtypes = (ctypes.c_void_p,)
        library.pcap_freecode.argtypes = (ctypes.c_void_p,)
        library.pcap_close.argtypes = (ctypes.c_void_p,)
        return library
    raise HostError(
        "filters need libpcap, and this machine has none", why=f"none of {', '.join(LIBRARIES)} can be loaded", slug="no-libpcap",
        help="apt install libpcap0.8 (or tcpdump, which brings it); a capture without a filter needs nothing",
    )
