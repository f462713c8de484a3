"""How a keeper comes into its namespaces: from a fresh interpreter to PID 1 of a world of its own.

Enter: the builder's connection and what was asked for. Leaves: a Birth, in the child that goes on as keeper.
Rule of the file: straight down, once. The abstract name is bound while still in the machine's network namespace, so that every later
process of the machine finds it there; listen() is left to PID 1, since SO_PEERCRED of a client names who called it (af_unix.c).
"""

from __future__ import annotations

import os
from _socket import AF_UNIX, SOCK_SEQPACKET
from _socket import socket as Socket  # noqa: N812 - beside variables named socket

from vethlab.keep import wire
from vethlab.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

CONNECTION_DESCRIPTOR = 4  # where the builder's end arrives; 3 is kept for the record
BACKLOG = 64
_PRIVATE_WORLD = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID | syscalls.CLONE_NEWIPC


class Birth:
    """What the keeper has from its start. `home` is the network namespace it rests in: the machine's or, rootless, an empty one."""

    def __init__(self, connection: _socket.socket, mode: str) -> None:
        self.connection, self.mode = connection, mode
        self.listener: _socket.socket | None = None
        self.home = -1
        self.outer_proc = -1  # the machine's /proc, in which a child finds its pid on the machine
        self.own_proc = True  # False: /proc shows the machine's processes, since a fresh one was refused
        self.warnings: list[str] = []


def enter_world(connection: _socket.socket, mode: str, name: str, maps: str) -> Birth:
    """Make the namespaces, become PID 1. `name` is the abstract socket's, empty for none; `maps` is `ask` or `single`."""
    birth = Birth(connection, mode)
    if name:
        birth.listener = _bind(name)
    user, group = os.geteuid(), os.getegid()
    if mode == "rootless":
        flags = syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNET | _PRIVATE_WORLD
        _make(flags, "make a user namespace")
        _map_ids(connection, user, group, maps)
    else:
        _make(_PRIVATE_WORLD, "make a mount and a process namespace")
    birth.home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    child = os.fork()
    if child:
        wire.send(connection, ("pid", str(child)))
        os._exit(0)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)  # so that its own user may read /proc/KEEPER/root and fd: fork after unshare cleared it
    os.setsid()
    _furnish(birth)
    if birth.listener is not None:
        birth.listener.listen(BACKLOG)
    return birth


def _bind(name: str) -> _socket.socket:
    listener = Socket(AF_UNIX, SOCK_SEQPACKET)
    try:
        listener.bind(b"\0" + name.encode())
    except OSError as error:
        raise wire.Refusal("taken", "bind", name, error.errno or 0) from error
    return listener


def _make(flags: int, operation: str) -> None:
    try:
        syscalls.unshare(flags)
    except OSError as error:
        raise wire.Refusal("host", operation, "", error.errno or 0) from error


def _map_ids(connection: _socket.socket, user: int, group: int, maps: str) -> None:
    """Map ids: by newuidmap and newgidmap, which the builder runs (setuid counts for nothing here), else one's own id only."""
    done: tuple[str, ...] = ("0", "0")
    if maps == "ask":
        wire.send(connection, ("map", str(os.getpid())))
        reply = wire.receive(connection)
        if reply is None:
            os._exit(1)
        done = tuple(reply[0])
    if done[0] != "1":
        _write("/proc/self/uid_map", f"0 {user} 1")
    if done[1] != "1":
        _write("/proc/self/setgroups", "deny")  # the kernel's condition for an unprivileged gid_map (user_namespaces(7))
        _write("/proc/self/gid_map", f"0 {group} 1")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    except OSError as error:
        raise wire.Refusal("host", "map user and group ids", path, error.errno or 0) from error
    finally:
        os.close(descriptor)


def _furnish(birth: Birth) -> None:
    """Give the keeper its own /run and /proc. Mounts of the machine still come in (and unmounts: it pins no disk), none goes out."""
    birth.outer_proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_SLAVE)
        syscalls.mount("vethlab", "/run", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755,size=256m")
    except OSError as error:
        raise wire.Refusal("host", "mount", "/run", error.errno or 0) from error
    for path in ("/run/hosts", "/run/log"):
        os.mkdir(path)
        os.chmod(path, 0o755)  # noqa: S103 - the umask may have said less
    try:
        syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    except OSError as error:
        birth.own_proc = False
        birth.warnings.append(f"/proc in nodes shows the machine's processes: a fresh one was refused ({os.strerror(error.errno or 0)})")
