"""System calls that Python (3.11) has no function for: namespaces, mounts, process control.

Enter: flags and paths. Leaves: nothing, or an OSError with the kernel's errno.
Rule of the file: light to import, since the keeper lives in 10 MiB: ctypes is loaded on the first call that needs it, and os.unshare and
os.setns (3.12) are preferred where they exist. Numbers are those of linux/sched.h, linux/mount.h and linux/prctl.h.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SLAVE = 0x80000
MS_SHARED = 0x100000
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4

_library: Any = None


def _libc() -> Any:
    global _library  # noqa: PLW0603 - loaded once, only in processes that need it
    if _library is None:
        import ctypes  # noqa: PLC0415 - 1 MB and 2 ms, for those who mount or run before 3.12

        _library = ctypes.CDLL(None, use_errno=True)
    return _library


def _check(result: int, what: str) -> None:
    if result != 0:
        import ctypes  # noqa: PLC0415 - already loaded by _libc

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def unshare(flags: int) -> None:
    """Give this process new namespaces (unshare(2)); CLONE_NEWPID takes effect for its next child."""
    native: Callable[[int], None] | None = getattr(os, "unshare", None)
    if native is not None:
        native(flags)
    else:
        _check(_libc().unshare(flags), "unshare")


def setns(descriptor: int, flags: int = 0) -> None:
    """Join the namespace behind `descriptor` (setns(2)); `flags` 0 takes any kind."""
    native: Callable[[int, int], None] | None = getattr(os, "setns", None)
    if native is not None:
        native(descriptor, flags)
    else:
        _check(_libc().setns(descriptor, flags), "setns")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """Mount `source` on `target` (mount(2)). The OSError names the target."""
    import ctypes  # noqa: PLC0415 - see _libc

    result = _libc().mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(options))
    _check(result, target)


def umount2(target: str, flags: int = 0) -> None:
    """Take the topmost mount off `target` (umount2(2))."""
    _check(_libc().umount2(_bytes(target), flags), target)


def prctl(option: int, value: int) -> None:
    """Set one attribute of this process (prctl(2))."""
    import ctypes  # noqa: PLC0415 - see _libc

    zero = ctypes.c_ulong(0)
    _check(_libc().prctl(option, ctypes.c_ulong(value), zero, zero, zero), "prctl")


def drop_capabilities() -> None:
    """Give up every capability (capset(2)), those of the bounding set excepted."""
    import struct  # noqa: PLC0415 - see _libc

    _check(_libc().capset(struct.pack("=Ii", 0x20080522, 0), bytes(24)), "capset")  # _LINUX_CAPABILITY_VERSION_3, this process


def set_option(descriptor: int, level: int, option: int, value: bytes) -> None:
    """Set a socket's option (setsockopt(2)) without holding up other threads, which Python's own method does."""
    import ctypes  # noqa: PLC0415 - see _libc

    _check(_libc().setsockopt(descriptor, level, option, value, ctypes.c_uint32(len(value))), "setsockopt")


def bind_packet(descriptor: int, protocol: int) -> None:
    """Let a packet socket receive this protocol on every interface (packet(7)): Python's own bind() wants the name of one."""
    import ctypes  # noqa: PLC0415 - see _libc

    address = _any_interface(protocol)
    _check(_libc().bind(descriptor, address, ctypes.c_uint32(len(address))), "bind")


def _any_interface(protocol: int) -> bytes:
    """A sockaddr_ll without an interface."""
    import socket  # noqa: PLC0415 - the keeper needs none of this
    import struct  # noqa: PLC0415

    return struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(protocol), 0, 0, 0, 0)


def sethostname(name: str) -> None:
    """Name this UTS namespace (sethostname(2))."""
    from _socket import sethostname as native  # noqa: PLC0415 - only views need it

    native(name)
