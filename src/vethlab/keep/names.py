"""Names under /run/netns for the namespaces of a lab (`up --names`), so that `ip netns` and other tools of root find them.

Enter: a lab's namespaces. Leave: bind mounts /run/netns/<lab>-<node>, and later none of them.
Rule of the file: written down before it is made (a file per lab under /run/vethlab/names: inode of the namespace and its name a line), and
removed only if what is mounted there is the inode written down. A name keeps its namespace alive, even after its keeper is dead.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vethlab.errors import HostError, LabError, VethlabError
from vethlab.keep.client import Keeper, Mode
from vethlab.keep.registry import found_labs
from vethlab.kernel import syscalls
from vethlab.model.names import dotted

NETNS = "/run/netns"  # where iproute2 looks (ip-netns(8))
RECORDS = "/run/vethlab/names"


class Name(NamedTuple):
    """One name and the namespace it stands for: device and inode of the nsfs file."""

    path: str
    device: int
    inode: int

    def __str__(self) -> str:
        return self.path


def require(lab: str, mode: Mode, nodes: Sequence[str]) -> None:
    """Whether these nodes can be named, to be asked before a lab is touched. HostError for a rootless lab, LabError for a foreign name."""
    if mode != "root" or os.geteuid() != 0:
        raise HostError(
            "names under /run/netns need root", why="a rootless lab's mounts are seen by nobody outside it", slug="names-need-root",
            help="use `vethlab exec`, or bring the lab up as root: sudo vethlab up --names",
        )
    recorded = _recorded(lab)
    for path in (_path(lab, node) for node in nodes):
        if os.path.lexists(path) and not any(one.path == path and _is_ours(one, lab) for one in recorded):
            message = f"{path} exists already and is not this lab's"
            raise LabError(message, where=path, slug="name-taken", help="remove it, or rename the lab")


def export(lab: str, keeper: Keeper, nodes: Sequence[str]) -> None:
    """Name these nodes of a lab, and no others of it. Errors as of `require`."""
    require(lab, keeper.mode, nodes)
    wanted = {}
    for node, opened in zip(nodes, keeper.open(nodes), strict=True):
        seen = os.fstat(opened.descriptor)
        wanted[Name(_path(lab, node), seen.st_dev, seen.st_ino)] = opened.descriptor
    recorded = _recorded(lab)
    _take_off([one for one in recorded if one not in wanted or not _is_mounted(one)], lab)
    _share_directory()
    _write(lab, list(wanted))
    try:
        _put_on(wanted)
    except OSError as error:
        remove(lab)
        raise HostError(f"cannot name a namespace: {error.strerror}", where=str(error.filename or NETNS)) from error


def has_names(lab: str) -> bool:
    """True if names of this lab are written down."""
    return os.path.exists(_record_path(lab))


def remove(lab: str) -> list[Name]:
    """Take this lab's names away; returns those that were there."""
    if not has_names(lab):
        return []
    taken = _take_off(_recorded(lab), lab)
    os.unlink(_record_path(lab))
    with contextlib.suppress(OSError):  # another lab has names
        os.rmdir(RECORDS)
        os.rmdir(os.path.dirname(RECORDS))
    return taken


def leftovers() -> list[Name]:
    """Names whose keeper is gone. Empty for everybody but root."""
    return [name for lab in _orphans() for name in _recorded(lab) if _is_ours(name, lab)]


def clean() -> list[Name]:
    """Remove these; returns what was removed."""
    return [name for lab in list(_orphans()) for name in remove(lab)]


def _orphans() -> Iterator[str]:
    if os.geteuid() != 0 or not os.path.isdir(RECORDS):
        return
    alive = {found.name for found in found_labs() if found.uid == 0}
    yield from sorted(lab for lab in os.listdir(RECORDS) if lab not in alive and not lab.startswith("."))


def _path(lab: str, node: str) -> str:
    return f"{NETNS}/{lab}-{dotted(node)}"


def _record_path(lab: str) -> str:
    return f"{RECORDS}/{lab}"


def _recorded(lab: str) -> list[Name]:
    try:
        with open(_record_path(lab), encoding="utf-8") as lines:
            parts = [line.rstrip("\n").split(" ", 2) for line in lines]
    except FileNotFoundError:
        return []
    try:
        return [Name(path, int(device), int(inode)) for device, inode, path in parts]
    except ValueError as error:
        message = f"{_record_path(lab)} is damaged: {error}"
        raise VethlabError(message, help=f"remove the names {NETNS}/{lab}-* by hand, then that file") from error


def _write(lab: str, names: Sequence[Name]) -> None:
    os.makedirs(RECORDS, mode=0o755, exist_ok=True)
    fresh = f"{RECORDS}/.{lab}.{os.getpid()}"
    with open(fresh, "w", encoding="utf-8") as file:
        file.writelines(f"{name.device} {name.inode} {name.path}\n" for name in names)
    os.replace(fresh, _record_path(lab))  # whole or not at all


def _is_mounted(name: Name) -> bool:
    try:
        seen = os.stat(name.path)
    except OSError:
        return False
    return (seen.st_dev, seen.st_ino) == (name.device, name.inode)


def _is_ours(name: Name, lab: str) -> bool:
    """Whether what is there is what was written down; or the empty file, made after that, which its mount did not reach before a kill."""
    if _is_mounted(name):
        return True
    try:
        seen, written = os.lstat(name.path), os.stat(_record_path(lab)).st_mtime_ns
    except OSError:
        return False
    empty = stat.S_ISREG(seen.st_mode) and seen.st_dev != name.device and stat.S_IMODE(seen.st_mode) == 0 and seen.st_size == 0
    return empty and seen.st_uid == 0 and seen.st_mtime_ns >= written


def _take_off(names: Sequence[Name], lab: str) -> list[Name]:
    taken = []
    for name in names:
        if _is_ours(name, lab):
            if _is_mounted(name):
                syscalls.umount2(name.path, syscalls.MNT_DETACH)
            os.unlink(name.path)
            taken.append(name)
    return taken


def _put_on(wanted: Mapping[Name, int]) -> None:
    for name, descriptor in wanted.items():
        if not os.path.lexists(name.path):
            os.close(os.open(name.path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0))
        if not _is_mounted(name):
            syscalls.mount(f"/proc/self/fd/{descriptor}", name.path, None, syscalls.MS_BIND)


def _share_directory() -> None:
    """As `ip netns add` does: a shared mount, so that a name removed here also disappears from other mount namespaces."""
    os.makedirs(NETNS, mode=0o755, exist_ok=True)
    flags = syscalls.MS_SHARED | syscalls.MS_REC
    try:
        syscalls.mount("", NETNS, "none", flags)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: it is no mount point yet
            raise
        syscalls.mount(NETNS, NETNS, "none", syscalls.MS_BIND | syscalls.MS_REC)
        syscalls.mount("", NETNS, "none", flags)
