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

from vethlab.keep.joined import Joined
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
        self.joined: dict[str, Joined] = {}

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

    def join(self, name: str, lease: str, net: int) -> None:
        """Hold a namespace that is there already, the machine's: its objects of ours are somebody's while `lease` is bound in it."""
        if name in self.held:
            raise Refusal("lab", "join", name, errno.EEXIST)
        held = os.dup(net)
        try:
            syscalls.setns(held, syscalls.CLONE_NEWNET)
            self.joined[name] = Joined(lease)
        except OSError as error:
            os.close(held)
            raise Refusal("taken" if error.errno == errno.EADDRINUSE else "host", "join", lease, error.errno or 0) from error
        finally:
            self.go_home()
        self.held[name] = held

    def leave(self, names: Sequence[str]) -> None:
        """Take what is ours out of those of these namespaces that are not ours, as the lab's will says."""
        for name in names:
            joined = self.joined.pop(name, None)
            if joined is not None:
                try:
                    self.enter(name)
                    joined.execute_will()
                except OSError:
                    continue  # `clean` finds it by its marks
                finally:
                    self.go_home()

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
        self.leave(names)
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
