"""Which processes of the lab are meant: by the namespace they are in, or by the mark their `run:` left in their environment.

Enter: inodes or a mark. Leave: pids as the keeper numbers them.
Rule of the file: a pid comes from /proc together with the proof that it is one of ours. Where the keeper could not mount its own /proc it
reads the machine's, whose numbers are others: only processes of the keeper's own pid namespace count, translated by `NSpid` (proc(5)).
"""

from __future__ import annotations

import os
from time import monotonic, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
    from collections.abc import Callable, Iterator
else:
    import _signal as signals  # the signal module brings enum with it

MARK = "VETHLAB_RUN"
ENVOY = "VETHLAB_ENVOY"  # in the environment of a process that is elsewhere and serves one of our namespaces: the inode of that
GRACE_SECONDS = 1.0
TICK_SECONDS = 0.005


def inside(inodes: set[int], *, own_proc: bool) -> list[int]:
    """Processes whose network namespace is one of `inodes`."""
    found = []
    for entry, pid, _ in _ours(own_proc=own_proc):
        try:
            if os.stat(f"/proc/{entry}/ns/net").st_ino in inodes:
                found.append(pid)
        except OSError:
            continue  # gone, or a zombie
    return found


def marked(mark: str, first: int, *, own_proc: bool) -> list[int]:
    """The process `first`, what bears its mark (daemons that left the family too), and the descendants of all these."""
    everyone = list(_ours(own_proc=own_proc))
    needle = b"\0" + mark.encode() + b"\0"
    family = {entry for entry, pid, _ in everyone if pid == first or needle in b"\0" + _environment(entry)}
    while True:
        more = {entry for entry, _, parent in everyone if parent in family} - family
        if not more:
            return [pid for entry, pid, _ in everyone if entry in family]
        family |= more


def serving(inodes: set[int], *, own_proc: bool) -> list[int]:
    """Processes that are elsewhere and have a hand in one of these namespaces (keep/envoy.py)."""
    needles = [f"\0{ENVOY}={inode}\0".encode() for inode in inodes]
    return [pid for entry, pid, _ in _ours(own_proc=own_proc) if any(one in b"\0" + _environment(entry) for one in needles)]


def terminate(targets: Callable[[], list[int]]) -> None:
    """SIGTERM once, then SIGKILL to what is left after a second; returns when nothing is left, or a second later.

    What starts meanwhile, in a handler of SIGTERM for example, is not disturbed before the second is over.
    """
    for pid in targets():
        _kill(pid, signals.SIGTERM)
    kill_from = monotonic() + GRACE_SECONDS
    while (now := monotonic()) < kill_from + GRACE_SECONDS:
        left = targets()
        if not left:
            return
        for pid in left if now >= kill_from else ():
            _kill(pid, signals.SIGKILL)
        sleep(TICK_SECONDS)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _ours(*, own_proc: bool) -> Iterator[tuple[str, int, str]]:
    """(entry in /proc, pid for the keeper, parent's entry) of every living process of the lab but the keeper and the caller."""
    own = os.stat("/proc/self/ns/pid").st_ino
    level = _nested_pids("self")
    skipped = {1, os.getpid()}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        status = _status(entry)
        if not status or status.get("State", "Z")[:1] in "ZX":
            continue
        if own_proc:
            pid = int(entry)
        else:
            try:
                if os.stat(f"/proc/{entry}/ns/pid").st_ino != own:
                    continue
            except OSError:
                continue
            pid = int(status["NSpid"].split()[level - 1])
        if pid not in skipped:
            yield entry, pid, status["PPid"]


def _nested_pids(entry: str) -> int:
    return len(_status(entry).get("NSpid", "0").split())


def _status(entry: str) -> dict[str, str]:
    text = _read(f"/proc/{entry}/status").decode("utf-8", "replace")
    return {key: value.strip() for key, _, value in [line.partition(":") for line in text.splitlines()]}


def _environment(entry: str) -> bytes:
    return _read(f"/proc/{entry}/environ")


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    parts = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return b"".join(parts)
