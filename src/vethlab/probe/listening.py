"""Waiting for the listeners of a lab's `run:` processes, and asking who listens.

Enters: paths, the namespaces; leaves: who listens where, and for each path whose `run:` is dead the reason. Rule of the file: a listener
that comes up is no netlink event, so sock_diag is asked until a deadline; a `run:` that has ended is not waited for.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from time import CLOCK_BOOTTIME, clock_gettime, monotonic, sleep

from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.sock_diag import NETLINK_SOCK_DIAG, TCP, UDP, Listener, listeners
from vethlab.kernel.ovs_daemons import others
from vethlab.kernel.port import Namespaces, ProcessStatus
from vethlab.model.path import Path
from vethlab.probe.outcome import Outcome

LISTENER_WAIT = 2.0  # seconds, where something listens already, though not there
START_WAIT = 10.0  # where nothing does yet: on a busy machine an interpreter that nobody has run before took more than 2 s to listen
_PAUSE = 0.005

Heard = Mapping[str, Mapping[int, list[Listener] | None]]  # listeners by namespace and protocol number; None: the kernel cannot tell


def wait_for_listeners(paths: Mapping[int, Path], namespaces: Namespaces) -> dict[int, Outcome]:
    """Wait for the listeners of tcp, udp and http paths to nodes with a `run:`. Returns the paths nobody serves: the `run:` is dead.

    The time that the youngest process has lived counts as waited: an old lab is not waited for.
    """
    waiting = {position: path for position, path in paths.items() if path.kind != "ping" and path.end.node is not None}
    if not waiting:
        return {}
    processes = others(namespaces.processes())
    started = {status.netns for status in processes}
    waiting = {position: path for position, path in waiting.items() if path.end.node in started}
    dead: dict[int, Outcome] = {}
    began = monotonic() - min((age(status.pid) for status in processes), default=0.0)
    while waiting:
        heard = hear(namespaces, {path.end.node or "" for path in waiting.values()})
        waiting = {position: path for position, path in waiting.items() if not served(path, heard)}
        for position, path in list(waiting.items()):
            reason = _death(path, processes)
            if reason:
                del waiting[position]
                dead[position] = Outcome(ok=False, reason=reason, finding="port-closed")
        if not waiting or monotonic() >= began + patience(waiting.values(), heard):
            break
        sleep(_PAUSE)
        processes = others(namespaces.processes())
    return dead


def patience(waiting: Iterable[Path], heard: Heard) -> float:
    """How many seconds after their start the `run:` of these paths are waited for. One that listens elsewhere has started."""
    return START_WAIT if any(not any(heard[path.end.node or ""].values()) for path in waiting) else LISTENER_WAIT


def age(pid: int) -> float:
    """How many seconds a process has lived (proc_pid_stat(5), field 22); 0 where /proc does not tell. An old one has started."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0.0
    try:
        fields = os.read(descriptor, 4096).rpartition(b")")[2].split()
        return max(0.0, clock_gettime(CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return 0.0
    finally:
        os.close(descriptor)


def hear(namespaces: Namespaces, names: Iterable[str]) -> Heard:
    """Who listens in these namespaces."""
    wanted = list(names)
    sockets = namespaces.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) for name in wanted])
    try:
        found = {}
        for name, sock in zip(wanted, sockets, strict=True):
            connection = Connection(sock)
            found[name] = {protocol: listeners(connection, protocol) for protocol in (TCP, UDP)}
        return found
    finally:
        for sock in sockets:
            sock.close()


def served(path: Path, heard: Heard) -> bool:
    """True if somebody listens where the path leads, or the kernel cannot tell."""
    known = heard.get(path.end.node or "", {}).get(UDP if path.kind == "udp" else TCP)
    return known is None or any(listener.port == path.end.port and listener.serves(path.end.address) for listener in known)


def _death(path: Path, processes: list[ProcessStatus]) -> str:
    """Why nobody will ever listen: every `run:` of the node has ended. Empty while one runs."""
    own = [status for status in processes if status.netns == path.end.node]
    if not own or any(status.exited is None for status in own):
        return ""
    last = own[-1]
    how = f"was killed by signal {(last.exited or 0) - 128}" if (last.exited or 0) > 128 else f"ended with status {last.exited}"
    return f"nobody listens on port {path.end.port} of {path.end.node}: its `run: {last.process.command}` {how}"
