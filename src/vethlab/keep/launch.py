"""Starting a keeper and finding a running one.

Enter: the name of a lab and how it is to be held. Leaves: a Channel and the keeper's pid.
Rule of the file: the interpreter is started once (posix_spawn: safe beside threads), everything else the new process does by itself, except
newuidmap and newgidmap, which are setuid and must be run from here.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import struct
import sys
from time import monotonic, sleep
from typing import Literal, NamedTuple

from vethlab.errors import HostError, LabError, NotFoundError
from vethlab.keep import wire
from vethlab.keep.birth import CONNECTION_DESCRIPTOR
from vethlab.keep.channel import Channel, close_all, host_error, translated

Mode = Literal["root", "rootless"]
START_SECONDS = 10.0
_SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from vethlab.keep.keeper import main; main()"
_MAPPERS = (("/usr/bin/newuidmap", "/etc/subuid"), ("/usr/bin/newgidmap", "/etc/subgid"))


class LabTakenError(LabError):
    """A keeper of that name runs already: connect to it instead."""

    slug = "lab-exists"


class Started(NamedTuple):
    """A keeper as its builder meets it. `warnings` are sentences about what the machine refused."""

    channel: Channel
    pid: int
    warnings: tuple[str, ...]


def socket_name(lab: str, uid: int) -> str:
    """The abstract unix socket of a lab, without the leading NUL."""
    return f"vethlab/{uid}/{lab}"


class Starting:
    """A keeper whose interpreter boots (12 ms) while its builder does something else; it dies with this object until it is committed."""

    def __init__(self, lab: str | None, mode: Mode) -> None:
        self._done = True
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        name = "" if lab is None else socket_name(lab, os.getuid())
        argv = [sys.executable, "-I", "-S", "-E", "-c", _PROGRAM, _SOURCE, mode, name, "ask" if _may_map_many() else "single"]
        try:
            with theirs:
                self._child = os.posix_spawn(
                    sys.executable, argv, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), CONNECTION_DESCRIPTOR)],
                    setpgroup=0, setsigmask=[], setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP],
                )
        except OSError as error:  # no process to spare (EAGAIN, ENOMEM): fork(2)
            self._connection.close()
            raise host_error("start the keeper", "", error.errno or 0) from error
        self._done = False

    def finish(self) -> Started:
        """Wait until it is ready. Raises LabTakenError, HostError."""
        self._done = True
        try:
            self._connection.settimeout(START_SECONDS)
            pid, warnings = _follow(self._connection)
            self._connection.settimeout(None)
        except BaseException:
            self._connection.close()
            raise
        finally:
            _reap(self._child)
        return Started(Channel(self._connection), pid, warnings)

    def __del__(self) -> None:
        if not self._done:
            self.abandon()

    def abandon(self) -> None:
        """Let it die: nobody needs it."""
        self._done = True
        self._connection.close()
        _reap(self._child)


def connect(lab: str) -> tuple[Channel, int]:
    """A channel to the running keeper of one's own lab, and its pid. Raises NotFoundError, HostError where it is out of reach."""
    uid = os.getuid()
    name = socket_name(lab, uid)
    end = monotonic() + START_SECONDS
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            connection.connect(b"\0" + name.encode())
            break
        except OSError as error:
            connection.close()
            if error.errno != errno.ECONNREFUSED or not is_bound(name):
                message = f"no lab named {lab} is running"
                raise NotFoundError(message, where=lab, slug="no-such-lab", help="`vethlab ls` lists them") from error
            if monotonic() > end:  # bound and not listening: for a moment that is a keeper being born
                message = f"the name of lab {lab} is taken by a process that does not answer"
                raise HostError(message, where=lab, slug="name-taken", why=f"@{name} is bound", help="choose another name") from error
        sleep(0.002)
    pid, owner, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if owner != uid:
        connection.close()
        message = f"the name of lab {lab} is taken by a process of another user"
        raise HostError(
            message, where=lab, slug="name-taken", why=f"pid {pid} of uid {owner} listens on @{name}", help="choose another name",
        )
    if pid == 0:  # unix(7), pid_namespaces(7): whoever our PID namespace does not see has no number in it
        connection.close()
        raise HostError(
            f"lab {lab} is held outside of this PID namespace", where=lab, slug="name-taken",
            why=f"a keeper listens on @{name}, and this process, in a container perhaps, cannot see it",
            help="work with it where it was brought up, or choose another name",
        )
    return Channel(connection), pid


def is_bound(name: str) -> bool:
    """Whether that abstract socket exists in this network namespace."""
    with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as lines:
        return any(line.rstrip("\n").endswith(f" @{name}") for line in lines)


def _follow(connection: socket.socket) -> tuple[int, tuple[str, ...]]:
    """Listen to the new process until it is ready: it tells its pid, may ask for id maps, and reports what fails."""
    pid: int | None = None
    warnings: tuple[str, ...] | None = None
    while pid is None or warnings is None:
        try:
            message = wire.receive(connection)
        except TimeoutError as error:
            raise HostError("the keeper did not start in time", why=f"no sign of life for {START_SECONDS:g} s") from error
        except OSError:
            message = None
        if message is None:
            raise HostError("the keeper died at its start", help="`vethlab doctor` says what this machine lacks")
        (word, *rest), descriptors, _ = message
        close_all(descriptors)
        if word == "pid":
            pid = int(rest[0])
        elif word == "map":
            wire.send(connection, _map_many(int(rest[0])))
        elif word == "ready":
            warnings = tuple(rest)
        else:
            raise _start_error(rest)
    return pid, warnings


def _start_error(refusal: list[str]) -> Exception:
    kind, _, subject, number, _ = refusal
    if kind != "taken":
        return translated(refusal)
    if int(number) == errno.EADDRINUSE:
        return LabTakenError(f"lab {subject.rpartition('/')[2]} is running already", where=subject, help="`vethlab ls` lists the labs")
    return host_error("take the name", f"@{subject}", int(number))


def _reap(child: int) -> None:
    with contextlib.suppress(ChildProcessError):  # the program we live in collects its children itself
        os.waitpid(child, 0)


def _may_map_many() -> bool:
    return os.getuid() != 0 and all(os.path.exists(tool) and _subordinate(table) for tool, table in _MAPPERS)


def _subordinate(table: str) -> tuple[str, str] | None:
    """The first (start, count) of this user in /etc/subuid or /etc/subgid (subuid(5): by name or by number; subgid too goes by user)."""
    try:
        with open(table, encoding="utf-8") as lines:
            entries = [line.strip().split(":") for line in lines]
    except OSError:
        return None
    if not entries:
        return None
    import pwd  # noqa: PLC0415 - only where the tables have entries

    names = {str(os.getuid())}
    with contextlib.suppress(KeyError):  # a user without an account can only be listed by number
        names.add(pwd.getpwuid(os.getuid()).pw_name)
    return next(((entry[1], entry[2]) for entry in entries if len(entry) == 3 and entry[0] in names), None)


def _map_many(pid: int) -> tuple[str, str]:
    """Give the new user namespace our id as 0 and the subordinate ones from 1 on; `1` for each map that was written."""
    done = []
    for (tool, table), own in zip(_MAPPERS, (os.getuid(), os.getgid()), strict=True):
        part = _subordinate(table)
        argv = [tool, str(pid), "0", str(own), "1", *(("1", *part) if part else ())]
        null = (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)
        try:
            status = os.waitpid(os.posix_spawn(tool, argv, os.environ, file_actions=[null]), 0)[1]
        except OSError:
            status = 1
        done.append("1" if status == 0 else "0")
    return done[0], done[1]
