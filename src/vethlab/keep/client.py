"""The life of a keeper as its clients see it: started, met, locked, committed, ended.

Enter: the name of a lab. Leaves: a Keeper, which is also the Scope of that lab's namespaces.
Rule of the file: whoever starts a keeper owns it until `commit`; whoever changes a lab holds its lock.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from contextlib import AbstractContextManager, suppress
from typing import NamedTuple, Self

from vethlab.errors import NotFoundError
from vethlab.keep import launch
from vethlab.keep.channel import Channel, gone
from vethlab.keep.launch import LabTakenError, Mode
from vethlab.keep.memfd import content, fill
from vethlab.keep.scope import Scope, View
from vethlab.keep.wire import SCOPE_END

__all__ = ["Keeper", "LabTakenError", "Mode", "Scope", "Status", "View", "helper", "warm"]

_QUIT_SECONDS = 5.0


class Status(NamedTuple):
    """How a keeper is. `warnings` are sentences about what the machine refused."""

    mode: Mode
    committed: bool
    namespaces: int
    warnings: tuple[str, ...]


class Keeper(Scope):
    """A keeper and its one lab. Use `spawn`, `connect` or `acquire`; leaving a `with` block closes the connection."""

    def __init__(self, channel: Channel, pid: int, mode: Mode, warnings: tuple[str, ...] = (), *, named: bool = True) -> None:
        super().__init__(channel, pid)
        self.mode, self.warnings = mode, warnings
        self._named = named
        self._scopes = self._depth = 0

    @classmethod
    def spawn(cls, lab: str | None, mode: Mode) -> Keeper:
        """Start a keeper for `lab` (None: for this process), which dies with this connection until `commit`. LabTakenError, HostError."""
        return cls._ready(launch.Starting(lab, mode), lab, mode)

    @classmethod
    def _ready(cls, starting: launch.Starting, lab: str | None, mode: Mode) -> Keeper:
        started = starting.finish()
        return cls(started.channel, started.pid, mode, started.warnings, named=lab is not None)

    @staticmethod
    def prepare(lab: str, mode: Mode) -> launch.Starting | None:
        """Begin to start a keeper for `lab`, to be handed to `acquire` soon; None if one runs."""
        return None if launch.is_bound(launch.socket_name(lab, os.getuid())) else launch.Starting(lab, mode)

    @classmethod
    def connect(cls, lab: str) -> Keeper:
        """Meet the running keeper of one's own lab. NotFoundError, also (keeper-gone) if it dies meanwhile."""
        channel, pid = launch.connect(lab)
        keeper = cls(channel, pid, "root")
        try:
            status = keeper.status()
        except BaseException:
            keeper.close()
            raise
        keeper.mode, keeper.warnings = status.mode, status.warnings
        return keeper

    @classmethod
    def acquire(cls, lab: str, mode: Mode, starting: launch.Starting | None = None) -> tuple[Keeper, bool]:
        """The lab's keeper with its lock held, and whether it is new: started if none runs, waited for if somebody else is at work.

        `starting` is what `prepare` gave.
        """
        while True:
            starting = starting or cls.prepare(lab, mode)
            if starting is not None:
                with suppress(LabTakenError):  # somebody else was faster
                    keeper = cls._ready(starting, lab, mode)
                    keeper.lock()
                    return keeper, True
            starting = None
            with suppress(NotFoundError):  # it ended, or was given up by its builder: begin again
                keeper = cls.connect(lab)
                try:
                    keeper.lock()
                except BaseException:
                    keeper.close()
                    raise
                return keeper, False

    def lock(self) -> AbstractContextManager[object]:
        """Become the one writer of the lab: waits until it is committed and no other client writes. NotFoundError if it ends before that.

        Leaving the returned context, `unlock`, `close` and the end of this process release it. A thread that holds it may take it again.
        """
        release = super().lock()
        try:
            if self._named and self._depth == 0:
                self._channel.ask("lock")
        except BaseException:
            super().unlock()
            raise
        self._depth += 1
        return release

    def unlock(self) -> None:
        """Let the next writer in."""
        self._depth -= 1
        try:
            if self._named and self._depth == 0:
                self._channel.ask("unlock")
        finally:
            super().unlock()

    def commit(self) -> None:
        """From now on the keeper outlives this process."""
        self._channel.ask("commit")

    def status(self) -> Status:
        """How it is."""
        (mode, committed, count, *warnings), _ = self._channel.ask("status")
        return Status("root" if mode == "root" else "rootless", committed == "1", int(count), tuple(warnings))

    def put_record(self, data: bytes) -> None:
        """Leave the lab's record with the keeper, in place of the one before."""
        source = os.memfd_create("vethlab-record")
        try:
            fill(source, data)
            self._channel.ask("record", descriptors=[source])
        finally:
            os.close(source)

    def get_record(self) -> bytes:
        """The record left last; waits while somebody else still builds the lab (NotFoundError if that fails)."""
        (source,) = self._channel.ask("record")[1]
        try:
            return content(source)
        finally:
            os.close(source)

    def end(self, *, wait: bool = False) -> None:
        """End the lab and everything in it. Returns when the keeper and all its processes are dead; `wait`: when all is freed.

        A keeper that does not answer is killed.
        """
        freeing = None
        if wait:
            from vethlab.kernel.freed import watch_freeing  # noqa: PLC0415 - brings the netlink codec, only for those who wait

            freeing = watch_freeing(self)
        try:
            process = os.pidfd_open(self.pid)
        except ProcessLookupError as error:  # somebody else ended it a moment ago
            self.close()
            raise gone() from error
        try:
            self._channel.tell("quit")
            if not _ended(process, _QUIT_SECONDS):
                signal.pidfd_send_signal(process, signal.SIGKILL)
                _ended(process, _QUIT_SECONDS)
        finally:
            os.close(process)
            self.close()
        if freeing is not None:
            freeing.wait()

    def scope(self, label: str) -> Scope:
        """A lab of its own inside this keeper, over a connection of its own, so that labs of one process do not wait for each other."""
        with self._guard:
            self._scopes += 1
            prefix = f"{label}.{self._scopes}{SCOPE_END}"
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._channel.ask("adopt", descriptors=[theirs.fileno()])
        return Scope(Channel(ours), self.pid, prefix)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_helpers: dict[str, tuple[int, Keeper]] = {}
_warming: dict[str, tuple[int, launch.Starting]] = {}
_helpers_guard = threading.Lock()


def warm(mode: Mode) -> None:
    """Let the unnamed keeper of this process boot beside other work, without a thread: `helper` will be asked for soon."""
    with _helpers_guard:
        if all(known.get(mode, (0, None))[0] != os.getpid() for known in (_helpers, _warming)):
            _warming[mode] = (os.getpid(), launch.Starting(None, mode))


def helper(mode: Mode) -> Keeper:
    """The unnamed keeper of this process, started when first asked for. It dies with the process; a forked child gets its own."""
    with _helpers_guard:
        owner, keeper = _helpers.get(mode, (0, None))
        if keeper is not None and owner == os.getpid():
            try:
                keeper.status()
            except NotFoundError:
                keeper.close()
            else:
                return keeper
        begun, starting = _warming.pop(mode, (0, None))
        mine = starting if begun == os.getpid() and starting is not None else launch.Starting(None, mode)
        keeper = Keeper._ready(mine, None, mode)  # noqa: SLF001 - of this module
        _helpers[mode] = (os.getpid(), keeper)
        return keeper


def _fresh_guard() -> None:
    global _helpers_guard  # noqa: PLW0603 - another thread of the parent may have held it while forking
    _helpers_guard = threading.Lock()


os.register_at_fork(after_in_child=_fresh_guard)


def _ended(process: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
