"""The namespaces of one lab as the rest of vethlab meets them: kernel.port.Namespaces over a keeper's socket.

Enter: names. Leave: descriptors and sockets inside the namespaces.
Rule of the file: no system call on namespaces happens here, so threads, asyncio, root and rootless are all the same code.
"""

from __future__ import annotations

import os
import socket
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from vethlab.keep import wire
from vethlab.keep.channel import Channel, close_all
from vethlab.keep.leases import lease_name
from vethlab.keep.memfd import content, fill
from vethlab.keep.room import make_room
from vethlab.kernel.port import Finished, Opened, ProcessStatus
from vethlab.model.names import inner_name
from vethlab.model.state import Process


class View(NamedTuple):
    """What it takes to step into a node: descriptors of its namespaces (`user` None for a lab of root), the caller's to close."""

    hostname: str
    user: int | None
    pid: int
    mount: int
    net: int
    warnings: tuple[str, ...] = ()

    def descriptors(self) -> tuple[int, ...]:
        """All of them, in the order in which they must be entered."""
        own = (self.pid, self.mount, self.net)
        return own if self.user is None else (self.user, *own)

    def close(self) -> None:
        """Let go of them."""
        close_all(self.descriptors())


class _Release:
    """Calls `release` when a `with` block is left."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        self._release()


class Scope:
    """Namespaces of one lab, held by a keeper under `prefix`. Implements kernel.port.Namespaces.

    `directory` is where `run:` processes start. One scope may be used from several threads; requests wait for each other.
    """

    def __init__(self, channel: Channel, pid: int, prefix: str = "") -> None:
        self._channel, self.pid, self._prefix = channel, pid, prefix
        self._opened: dict[str, Opened] = {}
        self._begun: list[str] = []
        self._guard = threading.RLock()
        self._writing = threading.RLock()
        self.directory = "/"
        self.joined: dict[str, str] = {}
        self.switches: dict[str, str] = {}
        _scopes.add(self)

    @property
    def label(self) -> str:
        """What tells this lab from others in the same keeper; empty if the keeper holds one only."""
        return self._prefix.rstrip(wire.SCOPE_END)

    def names(self) -> frozenset[str]:
        """The names held."""
        return frozenset(name[len(self._prefix) :] for name in self._channel.ask("names", self._prefix)[0])

    def begin(self, names: Sequence[str]) -> None:
        """Let the keeper make them, or as many as one request names, while this process does something else; `create` takes them in.

        It must be something else than links: those and new namespaces wait for one lock of the kernel (rtnl), and together gain nothing.
        """
        with self._guard:
            self._begun = list(next(iter(wire.chunks(self._full(names), 1, wire.CHUNK_NAMES)), []))
            if self._begun:
                make_room(2 * (len(self._opened) + len(self._begun)))
                self._channel.begin("create", *self._begun)

    def create(self, names: Sequence[str]) -> None:
        """Make and hold a namespace for each name: all, or none and HostError (a limit, a privilege) or LabError (a name exists)."""
        with self._guard:
            make_room(2 * (len(self._opened) + len(names)))
            made: list[str] = []
            begun, self._begun = self._begun, []
            rest = [name for name in self._full(names) if name not in set(begun)]
            try:
                for part in filter(None, (begun, *wire.chunks(rest, 1, wire.CHUNK_NAMES))):
                    self._take_in(part, self._channel.finish() if part is begun else self._channel.ask("create", *part)[1])
                    made += part
            except BaseException:
                self.drop([name[len(self._prefix) :] for name in made])
                raise

    def join(self, name: str, owner: str) -> None:
        """Hold, as `name`, the network namespace of this thread, where what `owner` makes bears its mark. HostError without root."""
        # of this thread: Python's os.open("/proc/self/...") would be the first thread's
        own = [os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("net", "mnt")]
        try:
            self._channel.ask("join", self._prefix + name, lease_name(owner), descriptors=own)
        finally:
            close_all(own)
        self.joined[name] = owner

    def leave_will(self, name: str, datagrams: Mapping[int, Sequence[bytes]]) -> None:
        """What the keeper sends into a joined namespace when it ends, by netlink protocol: requests that remove what is ours there."""
        parts = [b"".join([len(part).to_bytes(4, "little") + part for part in held]) for held in datagrams.values()]
        self._tell("will", (self._prefix + name, *map(str, datagrams)), [], parts)

    def leave_rows(self, name: str, directory: str, messages: Sequence[bytes]) -> None:
        """What the keeper tells the Open vSwitch of a joined namespace when it ends (keep/rows.py). `directory`: of its sockets."""
        self._tell("rows", (self._prefix + name,), [os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)], [b"\0".join(messages)])

    def _tell(self, word: str, fields: Sequence[str], descriptors: list[int], texts: Sequence[bytes]) -> None:
        """Ask with texts of any length, each in a memfd behind the descriptors, which are closed."""
        try:
            for text in texts:
                descriptors.append(os.memfd_create("vethlab-will"))
                fill(descriptors[-1], text)
            self._channel.ask(word, *fields, descriptors=descriptors)
        finally:
            close_all(descriptors)

    def drop(self, names: Sequence[str]) -> None:
        """Let go of them, ending what runs in them."""
        with self._guard:
            for part in wire.chunks(self._full(names), 1, wire.CHUNK_NAMES):
                self._channel.ask("drop", *part)
            for name in names:
                self._forget(name)

    def open(self, names: Sequence[str]) -> list[Opened]:
        """A descriptor and a route netlink socket for each name, cached until it is dropped."""
        with self._guard:
            missing = [name for name in dict.fromkeys(names) if name not in self._opened]
            make_room(2 * (len(self._opened) + len(missing)))
            for part in wire.chunks(self._full(missing), 1, wire.CHUNK_NAMES):
                self._take_in(part, self._channel.ask("open", *part)[1])
            return [self._opened[name] for name in names]

    def sockets(self, requests: Sequence[tuple[str, int, int, int]]) -> list[socket.socket]:
        """One new socket for each (name, family, type, protocol), made inside that namespace. They are the caller's to close."""
        make_room(2 * len(self._opened) + len(requests))
        fields = [field for name, *numbers in requests for field in (self._prefix + name, *map(_number, numbers))]
        made: list[int] = []
        try:
            for part in wire.chunks(fields, 4, wire.CHUNK_SOCKETS):
                made += self._channel.ask("sockets", *part)[1]
        except BaseException:
            close_all(made)
            raise
        return [socket.socket(family, kind, protocol, number) for (_, family, kind, protocol), number in zip(requests, made, strict=True)]

    def read_sysctls(self, requests: Sequence[tuple[str, str]]) -> list[str | None]:
        """The value of each (name, key), None where the kernel has no such key."""
        fields = [field for name, key in requests for field in (self._prefix + name, key)]
        values = [value for part in wire.chunks(fields, 2) for value in self._channel.ask("read", *part)[0]]
        return [value[1:] if value else None for value in values]

    def write_sysctls(self, requests: Sequence[tuple[str, str, str]]) -> None:
        """Write each (name, key, value) in order; the first refusal raises KernelError naming it."""
        fields = [field for name, key, value in requests for field in (self._prefix + name, key, value)]
        for part in wire.chunks(fields, 3):
            self._channel.ask("write", *part)

    def run(self, name: str, argv: Sequence[str], stdin: str = "") -> Finished:
        """Run a short command inside the namespace and wait for it; it is killed after 30 s (status 137)."""
        streams = [os.memfd_create(f"vethlab-{stream}") for stream in ("stdin", "stdout", "stderr")]
        try:
            fill(streams[0], stdin.encode("utf-8", "surrogateescape"))
            fields, _ = self._channel.ask("run", self._prefix + name, *argv, descriptors=streams)
            out, err = (content(stream).decode("utf-8", "replace") for stream in streams[1:])
        finally:
            close_all(streams)
        return Finished(int(fields[0]), out, err)

    def envoy(self, name: str, argv: Sequence[str], seconds: float) -> Finished:
        """Start a program of the lab that stays in this process's network namespace; its word `{netns}` becomes the path of the other."""
        from vethlab.keep.envoy import send  # noqa: PLC0415 - few labs have one
        return send(self.view(name), argv, seconds)

    def start(self, name: str, process: Process) -> None:
        """Start a `run:` process in the node's view, in the scope's `directory`."""
        self._channel.ask("start", self._prefix + name, process.command, self.directory, *process.private)

    def stop(self, name: str, process: Process) -> None:
        """End that process and what it started, daemons too: SIGTERM, then SIGKILL after a second."""
        self._channel.ask("stop", self._prefix + name, process.command)

    def processes(self) -> list[ProcessStatus]:
        """Every `run:` process started and not stopped, dead ones included."""
        parts, _ = self._channel.ask_parts("processes", self._prefix)
        return [
            ProcessStatus(
                name[len(self._prefix) :], Process(command, tuple(private)), int(pid), int(exited) if exited else None, self._shown(log),
            )
            for name, command, pid, exited, log, *private in parts[:-1]
        ]

    def log_path(self, name: str) -> str:
        """Where the output of that node's `run:` can be read on the machine, while the lab lives."""
        return self._shown(f"/run/log/{self._prefix}{name}.log")

    def set_hosts(self, text: str, resolver: str = "") -> None:
        """The /etc/hosts of all nodes, at once also of views that exist. `resolver`: the /etc/resolv.conf of views yet to come."""
        parts = [one.encode("utf-8", "surrogateescape") for one in (text, resolver)]
        self._tell("hosts", (self._prefix.rstrip(wire.SCOPE_END),), [], parts)

    def set_private(self, paths: Mapping[str, Sequence[str]]) -> None:
        """By node, the directories that are its own, empty when it first runs something; they must exist on the machine (LabError)."""
        for part in wire.chunks(self._full([name for name, own in paths.items() if not own])):
            self._channel.ask("shared", *part)
        for name, own in paths.items():
            if own:
                self._channel.ask("private", self._prefix + name, *own)

    def view(self, name: str) -> View:
        """The node's view, made now if nothing ran there yet."""
        warnings, descriptors = self._channel.ask("view", self._prefix + name)
        user = descriptors.pop(0) if len(descriptors) == 4 else None
        pid, mount, net = descriptors
        return View(inner_name(name), user, pid, mount, net, tuple(warnings))

    def close(self) -> None:
        """Close this side: descriptors and connection. What the keeper holds stays, unless its life hangs on this connection."""
        with self._guard:
            for name in list(self._opened):
                self._forget(name)
            self._channel.close()

    def lock(self) -> AbstractContextManager[object]:
        """Become the one writer; leaving the returned context ends that. Here: among the threads of this process."""
        self._writing.acquire()
        return _Release(self.unlock)

    def unlock(self) -> None:
        """Let the next writer in."""
        self._writing.release()

    def _full(self, names: Sequence[str]) -> list[str]:
        return [self._prefix + name for name in names]

    def _shown(self, path: str) -> str:
        return f"/proc/{self.pid}/root{path}"

    def _take_in(self, names: Sequence[str], descriptors: list[int]) -> None:
        for at, name in enumerate(names):
            rtnetlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0, descriptors[2 * at + 1])
            self._opened[name[len(self._prefix) :]] = Opened(descriptors[2 * at], rtnetlink)

    def _forget(self, name: str) -> None:
        opened = self._opened.pop(name, None)
        if opened is not None:
            os.close(opened.descriptor)
            opened.rtnetlink.close()


_scopes: weakref.WeakSet[Scope] = weakref.WeakSet()


def _leave_to_the_parent() -> None:
    """A forked child must not pin the namespaces of its parent's labs; it could not ask their keeper anything more anyway."""
    for scope in list(_scopes):
        for name in list(scope._opened):  # noqa: SLF001 - without the guard, which another thread of the parent may have held
            scope._forget(name)  # noqa: SLF001


os.register_at_fork(after_in_child=_leave_to_the_parent)


def _number(value: int | str) -> str:
    return str(int(value))
