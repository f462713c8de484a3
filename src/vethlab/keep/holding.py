"""The namespaces a keeper holds, by name: made, handed out, asked for sockets and sysctls.

Enter: names and numbers. Leave: descriptors and texts.
Rule of the file: the process enters a namespace for a moment and is home again when a method returns, since the one it stays in could
not be freed.
"""

from __future__ import annotations

import errno
import os
from _socket import AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW
from _socket import socket as Socket  # noqa: N812 - beside variables named socket

from vethlab.keep.wire import Refusal
from vethlab.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NETLINK_ROUTE = 0
VALUE_MAX = 65536


class Holding:
    """Name -> descriptor of the network namespace."""

    def __init__(self, home: int) -> None:
        self._home = home
        self.held: dict[str, int] = {}

    def descriptor(self, name: str) -> int:
        """The descriptor held for `name`; a Refusal if there is none."""
        try:
            return self.held[name]
        except KeyError:
            raise Refusal("missing", "find", name) from None

    def go_home(self) -> None:
        """Leave whatever namespace the process is in."""
        syscalls.setns(self._home, syscalls.CLONE_NEWNET)

    def enter(self, name: str) -> None:
        """Go into one; the caller goes home again."""
        syscalls.setns(self.descriptor(name), syscalls.CLONE_NEWNET)

    def create(self, names: Sequence[str]) -> list[int]:
        """Make them, all or none. Returns descriptor and route socket of each, in turn; the sockets are the caller's to close."""
        for name in names:
            if name in self.held:
                raise Refusal("lab", "create", name, errno.EEXIST)
        made: list[tuple[int, int]] = []
        try:
            for _ in names:
                syscalls.unshare(syscalls.CLONE_NEWNET)
                held = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
                made.append((held, -1))
                made[-1] = (held, _socket_here(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE))
        except OSError as error:
            for pair in made:
                _close(pair)
            raise Refusal("host", "make a network namespace", "", error.errno or 0) from error
        finally:
            self.go_home()
        for name, (held, _) in zip(names, made, strict=True):
            self.held[name] = held
        return [number for pair in made for number in pair]

    def open(self, names: Sequence[str]) -> list[int]:
        """Descriptor and a new route socket of each, in turn; the sockets are the caller's to close."""
        sockets = self.sockets([(name, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) for name in names])
        return [number for name, made in zip(names, sockets, strict=True) for number in (self.held[name], made)]

    def sockets(self, requests: Sequence[tuple[str, int, int, int]]) -> list[int]:
        """A new socket for each (name, family, type, protocol), all or none."""
        made: list[int] = []
        name = ""
        try:
            for name, family, kind, protocol in requests:
                self.enter(name)
                made.append(_socket_here(family, kind, protocol))
        except OSError as error:
            _close(made)
            raise Refusal("kernel", "open a socket in", name, error.errno or 0) from error
        except Refusal:
            _close(made)
            raise
        finally:
            self.go_home()
        return made

    def forget(self, names: Sequence[str]) -> None:
        """Let go of them."""
        for name in names:
            if name in self.held:
                os.close(self.held.pop(name))

    def read_sysctls(self, requests: Iterator[tuple[str, str]]) -> list[str]:
        """`=value` of each (name, key), empty where the kernel has no such key."""
        values, inside = [], ""
        try:
            for name, key in requests:
                if name != inside:
                    self.enter(name)
                    inside = name
                values.append(_read(key))
        finally:
            self.go_home()
        return values

    def write_sysctls(self, requests: Iterator[tuple[str, str, str]]) -> None:
        """Write each (name, key, value) in order, up to the first refusal."""
        inside = ""
        try:
            for name, key, value in requests:
                if name != inside:
                    self.enter(name)
                    inside = name
                try:
                    _write(key, value)
                except OSError as error:
                    raise Refusal("kernel", f"set {key} = {value} in", name, error.errno or 0) from error
        finally:
            self.go_home()


def _socket_here(family: int, kind: int, protocol: int) -> int:
    return Socket(family, kind | SOCK_CLOEXEC, protocol).detach()


def _close(descriptors: Sequence[int]) -> None:
    for number in descriptors:
        if number >= 0:
            os.close(number)


def sysctl_path(key: str) -> str:
    """The file of a key: dots separate, `/` stands for a dot inside an interface name (sysctl(8)). Only `net.` belongs to a namespace."""
    parts = [part.replace("/", ".") for part in key.split(".")]
    if parts[0] != "net" or not {"", ".", ".."}.isdisjoint(parts):
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), key)
    return "/proc/sys/" + "/".join(parts)


def _read(key: str) -> str:
    try:
        descriptor = os.open(sysctl_path(key), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return "=" + os.read(descriptor, VALUE_MAX).decode("utf-8", "surrogateescape").strip().replace("\0", " ")
    except OSError:  # write-only keys, such as net.ipv4.route.flush
        return ""
    finally:
        os.close(descriptor)


def _write(key: str, value: str) -> None:
    descriptor = os.open(sysctl_path(key), os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode("utf-8", "surrogateescape"))
    finally:
        os.close(descriptor)
