"""The client's end of a connection to a keeper: requests out, replies and errors in.

Enter: fields and descriptors. Leave: fields and descriptors, or the project's errors.
Rule of the file: one request at a time, whichever thread asks; a reply that an interrupt (Ctrl-C) left unread is read before the
next request. An interrupt may come while a reply is awaited, never between a message and its being counted: a reply counted twice or not
at all would leave the clean-up waiting for ever.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from socket import socket

from vethlab.errors import HostError, KernelError, LabError, NotFoundError, VethlabError
from vethlab.keep import wire

Reply = tuple[list[str], list[int]]

USERNS_HELP = (
    "`vethlab doctor` says what is missing; where AppArmor restricts user namespaces: "
    "sysctl kernel.apparmor_restrict_unprivileged_userns=0; or use root: `sudo vethlab up`"
)
READ_ONLY_HELP = (
    "/proc/sys is read-only here, as in containers: give the container a writable one "
    "(Docker: --security-opt systempaths=unconfined)"
)
LIMIT_HELP = "raise the hard limit of open files (ulimit -Hn, or LimitNOFILE= of the service): a lab needs two for each node"


class Channel:
    """A connection to a keeper."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._readable = select.poll()
        self._readable.register(connection, select.POLLIN)
        self._lock = threading.Lock()
        self._owed = 0  # replies that were asked for and never read to their end
        self._begun = False
        self._early: Reply | VethlabError | None = None  # the reply of what was begun, if something else was asked before `finish`
        _open_channels.add(self)

    def ask(self, *fields: str, descriptors: Sequence[int] = ()) -> Reply:
        """One request, one reply; the parts of a long reply are joined. The descriptors are the caller's."""
        parts, received = self.ask_parts(*fields, descriptors=descriptors)
        return [field for part in parts for field in part], received

    def ask_parts(self, *fields: str, descriptors: Sequence[int] = ()) -> tuple[list[list[str]], list[int]]:
        """As `ask`, the parts of a long reply kept apart; the last is the closing one."""
        with self._lock:
            self._settle()
            self._send(fields, descriptors)
            return self._collect()

    def begin(self, *fields: str) -> None:
        """A request that takes a while; `finish` gives its reply, and whatever is asked before that waits for it."""
        with self._lock:
            self._settle()
            self._send(fields)
            self._begun = True

    def finish(self) -> list[int]:
        """The descriptors of the reply of what was begun, or its error."""
        with self._lock:
            self._settle()
            early, self._early = self._early, None
        if early is None:
            raise gone()  # an interrupt came while it was awaited
        if isinstance(early, VethlabError):
            raise early
        return early[1]

    def tell(self, *fields: str) -> None:
        """A request whose reply nobody awaits."""
        with self._lock:
            self._send(fields)

    def close(self) -> None:
        """End the connection; an uncommitted keeper whose builder this was dies."""
        _open_channels.discard(self)
        self._connection.close()
        if isinstance(self._early, tuple):
            close_all(self._early[1])
            self._early = None

    def _settle(self) -> None:
        if self._begun:
            self._begun = False
            try:
                self._early = [], self._collect()[1]
            except VethlabError as error:
                self._early = error
        while self._owed:
            close_all(self._next()[1])

    def _collect(self) -> tuple[list[list[str]], list[int]]:
        parts: list[list[str]] = []
        received: list[int] = []
        while True:
            fields, descriptors = self._next()
            received += descriptors
            if fields[0] == "error":
                close_all(received)
                raise translated(fields[1:])
            parts.append(fields[1:])
            if fields[0] == "ok":
                return parts, received

    def _send(self, fields: Sequence[str], descriptors: Sequence[int] = ()) -> None:
        with _uninterrupted():
            try:
                wire.send(self._connection, fields, descriptors)
            except OSError as error:
                raise gone() from error
            self._owed += 1

    def _next(self) -> Reply:
        self._readable.poll()
        with _uninterrupted():
            try:
                message = wire.receive(self._connection)
            except OSError as error:
                raise gone() from error
            if message is None:
                raise gone()
            fields, descriptors, lost = message
            self._owed -= fields[0] != "more"
        if lost:
            close_all(descriptors)
            raise HostError("this process may not open more files", why=os.strerror(errno.EMFILE), help=LIMIT_HELP, slug="open-files")
        return fields, descriptors


_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)  # whose handlers may raise


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Handlers run before or after, not within."""
    # pthread_sigmask() itself runs those that are due, and so may raise after it has blocked: it stands inside the try
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_open_channels: weakref.WeakSet[Channel] = weakref.WeakSet()


def _leave_to_the_parent() -> None:
    """A forked child must not keep a keeper alive by its copy of the connection."""
    for channel in list(_open_channels):
        channel.close()


os.register_at_fork(after_in_child=_leave_to_the_parent)


def gone() -> NotFoundError:
    """The keeper ended while somebody talked to it."""
    return NotFoundError("the lab's keeper is gone, and the lab with it", slug="keeper-gone", help="bring the lab up again: vethlab up")


def close_all(descriptors: Sequence[int]) -> None:
    """Close what came with a message that is of no use."""
    for number in descriptors:
        os.close(number)


def translated(refusal: Sequence[str]) -> VethlabError:
    """The error for the parts of a Refusal."""
    kind, operation, subject, number, says = refusal
    code = int(number)
    if kind == "missing":
        return NotFoundError(f"no such {'process' if operation == 'stop' else 'node'}: {subject}", where=subject)
    if kind == "kernel":
        return KernelError(operation, subject, code, says, help=READ_ONLY_HELP if code == errno.EROFS else "")
    if kind == "host":
        return host_error(operation, subject, code, says)
    if kind == "taken":
        return HostError(
            f"the name of this lab is taken in the machine's namespace: @{subject} is bound", where=subject, slug="name-taken",
            help="a lab of that name is there already, or somebody else's process: choose another name",
        )
    if kind == "lab":
        reason = says or os.strerror(code)
        return LabError(f"cannot {operation} {subject}: {reason}", where=subject)
    return VethlabError(f"keeper: {operation} {subject}: {says}", help="this is a bug of vethlab: please report it")


def host_error(operation: str, subject: str, code: int, says: str = "") -> HostError:
    """What the machine refused, and what helps."""
    what, why = f"cannot {operation}{' ' + subject if subject else ''}", says or os.strerror(code)
    if code in {errno.EMFILE, errno.ENFILE}:
        return HostError(what, why=why, help=LIMIT_HELP, slug="open-files")
    if code in {errno.ENOSPC, errno.EUSERS}:
        text = "the limit on namespaces is reached: see user.max_net_namespaces and user.max_user_namespaces (sysctl)"
        return HostError(what, why=f"{why}: a limit on namespaces", help=text, slug="namespace-limit")
    if code in {errno.EAGAIN, errno.ENOMEM}:
        return HostError(what, why=why, help="no process or no memory was to be had: see `ulimit -a`", slug="limit")
    if code in {errno.EPERM, errno.EACCES, errno.EINVAL} and "namespace" in operation:
        return HostError(what, why=why, help=USERNS_HELP, slug="no-user-namespaces")
    return HostError(what, why=why, help="`vethlab doctor` says what this machine lacks")
