"""The two borders to the system, as protocols: who holds namespaces, and who changes and reads them.

Rule of the file: no implementation. `keep.client` implements Namespaces over the keeper's socket, `kernel.linux` implements
Kernel on top of any Namespaces, `kernel.fake` is the public in-memory double of Kernel with errno faults.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vethlab.model.state import Process, State

if TYPE_CHECKING:
    from vethlab.change import Change  # `check` changes nothing and does without


class Opened(NamedTuple):
    """A namespace as a client holds it: a descriptor (for IFLA_NET_NS_FD) and a route netlink socket inside it, both the client's."""

    descriptor: int
    rtnetlink: socket.socket


class Finished(NamedTuple):
    """What a command that ran in a namespace left: exit status (128 + signal if killed), standard output, standard error."""

    status: int
    stdout: str
    stderr: str


class ProcessStatus(NamedTuple):
    """A `run:` process: its pid on the machine, `exited` is None while it runs, else its status (128 + signal if killed)."""

    netns: str
    process: Process
    pid: int
    exited: int | None
    log: str


class Namespaces(Protocol):
    """Holds the network namespaces of one lab by name. NotFoundError for an unknown name, HostError where the machine refuses."""

    @property
    def joined(self) -> Mapping[str, str]:
        """Those that are not the lab's alone, with the name in which the lab has things there (model.names.mark)."""

    @property
    def switches(self) -> Mapping[str, str]:
        """Of these, who is served by an Open vSwitch that is not the lab's, with the directory of its sockets, as this process sees it."""

    def names(self) -> frozenset[str]:
        """The names held."""

    def create(self, names: Sequence[str]) -> None:
        """Make and hold a namespace for each name; an existing name is an error. Nothing is inside but `lo`, down."""

    def drop(self, names: Sequence[str]) -> None:
        """Let go of them, ending what runs in them; the kernel frees a namespace once its last process and socket are gone."""

    def open(self, names: Sequence[str]) -> list[Opened]:
        """A descriptor and a route netlink socket for each name. The same name gives the same cached pair until it is dropped."""

    def sockets(self, requests: Sequence[tuple[str, int, int, int]]) -> list[socket.socket]:
        """One new socket for each (name, family, type, protocol), made inside that namespace, in the order asked."""

    def read_sysctls(self, requests: Sequence[tuple[str, str]]) -> list[str | None]:
        """The value of each (name, key), white space at the ends removed; None if the kernel has no such key."""

    def write_sysctls(self, requests: Sequence[tuple[str, str, str]]) -> None:
        """Write each (name, key, value) in order; the first refusal raises KernelError naming it."""

    def run(self, name: str, argv: Sequence[str], stdin: str = "") -> Finished:
        """Run a short command inside the namespace and wait for it (nft, for example)."""

    def envoy(self, name: str, argv: Sequence[str], seconds: float) -> Finished:
        """Start a program of the lab in the network namespace of this process, and wait until it has ended or become a daemon.

        Its word `{netns}` becomes the path of the namespace that it serves.
        """

    def start(self, name: str, process: Process) -> None:
        """Start a `run:` process in the node's view (own /sys, /etc/hosts, /run)."""

    def stop(self, name: str, process: Process) -> None:
        """End that process and its descendants: SIGTERM, then SIGKILL after a second."""

    def processes(self) -> list[ProcessStatus]:
        """Every `run:` process started and not stopped, dead ones included."""


class Kernel(Protocol):
    """Executes changes and reads state of the namespaces of one lab."""

    def names(self) -> frozenset[str]:
        """The namespaces that exist."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Execute in order; the first refusal raises KernelError. Neighbouring changes of one namespace may share a system call."""

    def read(self, names: Iterable[str], sysctls: Iterable[tuple[str, str]] = ()) -> State:
        """The state of these namespaces as the kernel holds it; `sysctls` lists the (namespace, key) pairs to read too."""
