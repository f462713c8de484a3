"""The bpf(2) system call: maps, programs, and a program on a raw tracepoint.

Enter: bytes and numbers; leave: descriptors, the caller's to close, or a HostError that holds the verifier's own words. Rule of the file:
nothing is pinned, so that everything made here ends with its last descriptor, however the process ends. Numbers and layouts are those of
include/uapi/linux/bpf.h; what an attribute has behind the bytes given here is zero to the kernel (__sys_bpf), as from an older program.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Sequence
from struct import Struct

from vethlab.errors import HostError

__all__ = [
    "ARRAY", "HASH", "RING", "XDP", "attach_raw_tracepoint", "create_map", "load", "load_raw_tracepoint", "look_up", "next_program",
    "system_call_number", "update",
]

HASH, ARRAY, RING = 1, 2, 27  # BPF_MAP_TYPE_HASH, _ARRAY, _RINGBUF
_MAP_CREATE, _MAP_LOOKUP, _MAP_UPDATE, _PROG_LOAD, _PROG_GET_NEXT_ID, _RAW_TRACEPOINT_OPEN = 0, 1, 2, 5, 11, 17
XDP, _RAW_TRACEPOINT = 6, 17  # BPF_PROG_TYPE_XDP, _RAW_TRACEPOINT
_LICENCE = b"GPL\0"  # of the program: helpers that read kernel memory are for such only (bpf_probe_read_kernel_proto.gpl_only)
_NAME = b"vethlab"  # what bpftool shows

_CREATE = Struct("=4I12x16s")  # map_type, key_size, value_size, max_entries; map_flags, inner_map_fd, numa_node; map_name
_ELEMENT = Struct("=I4xQQQ")  # map_fd, key, value, flags
_LOAD = Struct("=IIQQIIQ8x16s")  # prog_type, insn_cnt, insns, license, log_level, log_size, log_buf; kern_version, prog_flags; prog_name
_NEXT = Struct("=IIII")  # start_id, next_id, open_flags, padding
_OPEN = Struct("=QI4x")  # name, prog_fd

_NUMBERS = {"x86_64": 321, "aarch64": 280}  # arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h
_LIBRARY = ctypes.CDLL(None, use_errno=True)
_LOG_SIZE = 1 << 20
_LOG_LINES = 4
_ATTEMPTS = 5  # the verifier gives up with EAGAIN when a signal waits (kernel/bpf/verifier.c, do_check); libbpf tries as often


def system_call_number(machine: str) -> int:
    """The number of bpf(2) on a machine as uname(2) calls it. HostError where it is not known."""
    number = _NUMBERS.get(machine)
    if number is None:
        raise HostError(f"no BPF on {machine}", slug="no-bpf", why=f"the number of bpf(2) is known for {' and '.join(_NUMBERS)} only")
    return number


def create_map(kind: int, key: int, value: int, entries: int) -> int:
    """A map with keys and values of so many bytes; for a ring both are 0 and `entries` is its size, pages in a power of two."""
    try:
        return _bpf(_MAP_CREATE, _CREATE.pack(kind, key, value, entries, _NAME))[0]
    except OSError as error:
        raise _refused("map", error) from error


def update(descriptor: int, key: bytes, value: bytes) -> None:
    """Set one element of a map."""
    keys, values = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(value, len(value))
    try:
        _bpf(_MAP_UPDATE, _ELEMENT.pack(descriptor, ctypes.addressof(keys), ctypes.addressof(values), 0))
    except OSError as error:
        raise _refused("element of a map", error) from error


def look_up(descriptor: int, key: bytes, size: int) -> bytes:
    """One element of a map, whose values have `size` bytes."""
    keys, value = ctypes.create_string_buffer(key, len(key)), ctypes.create_string_buffer(size)
    try:
        _bpf(_MAP_LOOKUP, _ELEMENT.pack(descriptor, ctypes.addressof(keys), ctypes.addressof(value), 0))
    except OSError as error:
        raise _refused("look into a map", error) from error
    return value.raw


def load_raw_tracepoint(code: bytes) -> int:
    """A program for a raw tracepoint, verified and compiled by the kernel."""
    return load(_RAW_TRACEPOINT, code)


def load(kind: int, code: bytes) -> int:
    """A program of any kind."""
    try:
        return _load(kind, code, None)
    except OSError as error:
        if error.errno == errno.EPERM:
            raise _refused("program", error) from error
        first = error
    log = ctypes.create_string_buffer(_LOG_SIZE)  # asked for only when there is something to say
    try:
        return _load(kind, code, log)
    except OSError:
        lines = log.value.decode(errors="replace").splitlines()
        raise _refused("program", first, lines[-_LOG_LINES:]) from first


def attach_raw_tracepoint(name: str, program: int) -> int:
    """Run a program at a raw tracepoint for as long as the returned descriptor is open; the program's own may be closed."""
    text = ctypes.create_string_buffer(name.encode())
    try:
        return _bpf(_RAW_TRACEPOINT_OPEN, _OPEN.pack(ctypes.addressof(text), program))[0]
    except OSError as error:
        raise _refused(f"program at the tracepoint {name}", error) from error


def next_program(number: int) -> int:
    """The lowest number of a loaded program above this one, 0 if there is none: for whoever wants to see that nothing was left."""
    try:
        _, attributes = _bpf(_PROG_GET_NEXT_ID, _NEXT.pack(number, 0, 0, 0))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return 0
        raise _refused("list of programs", error) from error
    following: int = _NEXT.unpack_from(attributes)[1]
    return following


def _load(kind: int, code: bytes, log: ctypes.Array[ctypes.c_char] | None) -> int:
    licence, slots = ctypes.create_string_buffer(_LICENCE), ctypes.create_string_buffer(code, len(code))
    told = (1, _LOG_SIZE, ctypes.addressof(log)) if log is not None else (0, 0, 0)
    attributes = _LOAD.pack(kind, len(code) // 8, ctypes.addressof(slots), ctypes.addressof(licence), *told, _NAME)
    for _ in range(_ATTEMPTS - 1):
        try:
            return _bpf(_PROG_LOAD, attributes)[0]
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
    return _bpf(_PROG_LOAD, attributes)[0]


def _bpf(command: int, attributes: bytes) -> tuple[int, bytes]:
    """bpf(2): its result, and the attributes as the kernel left them."""
    number = system_call_number(os.uname().machine)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result = _LIBRARY.syscall(ctypes.c_long(number), command, buffer, len(attributes))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "bpf")
    return int(result), buffer.raw


def _refused(what: str, error: OSError, log: Sequence[str] = ()) -> HostError:
    denied = error.errno == errno.EPERM
    helps = "run as root outside of containers; before Linux 5.11 also `ulimit -l unlimited`, for the memory of maps" if denied else ""
    return HostError(f"the kernel refuses a BPF {what}: {error.strerror}", slug="no-bpf", why="\n".join(log), help=helps)
