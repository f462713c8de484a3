"""The view of a node: a mount namespace with its own /sys, /etc/hosts, /run and private directories, made when something first runs there.

Enter: a node's name. Leaves: a descriptor of its mount namespace.
Rule of the file: no process stays in a view; the descriptor holds it. What the machine refuses (a fresh sysfs under a read-only /sys in
containers) is kept as it was outside and said once, in `warnings`.
"""

from __future__ import annotations

import os

from vethlab.keep.wire import SCOPE_END, Refusal
from vethlab.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from vethlab.keep.holding import Holding

_QUIET = syscalls.MS_NOSUID | syscalls.MS_NODEV
CGROUPS = "/sys/fs/cgroup"


class Views:
    """Name -> descriptor of the node's mount namespace. `warnings` is shared with the keeper."""

    def __init__(self, holding: Holding, warnings: list[str]) -> None:
        self._holding, self.warnings = holding, warnings
        self._home = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self._made: dict[str, int] = {}
        self._private: dict[str, tuple[str, ...]] = {}
        self._resolvers: dict[str, bytes] = {}

    def view(self, name: str) -> int:
        """The node's mount namespace, made now if need be."""
        if name not in self._made:
            self._holding.enter(name)
            try:
                syscalls.unshare(syscalls.CLONE_NEWNS)
                self._furnish(name)
                self._made[name] = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            finally:
                self._return()
        return self._made[name]

    def lend(self, name: str, mount: int) -> None:
        """The view of a namespace that is the machine's own: the machine's own mounts, as whoever brought the lab up sees them."""
        self._made[name] = os.dup(mount)

    def set_private(self, name: str, paths: Sequence[str]) -> None:
        """These directories, and no other of before, are the node's own; a view that exists is changed in place."""
        self._holding.descriptor(name)
        for path in paths:
            if not os.path.isdir(path):
                raise Refusal("lab", "private", path, 0, "no such directory on this machine")
        before = self._private.get(name, ())
        if name in self._made:
            syscalls.setns(self._made[name], syscalls.CLONE_NEWNS)
            try:
                for path in before:
                    if path not in paths:
                        syscalls.umount2(path, syscalls.MNT_DETACH)
                self._cover(name, [path for path in paths if path not in before])
            finally:
                self._return()
        self._private[name] = tuple(paths)

    def set_hosts(self, prefix: str, source: int, resolver: int) -> None:
        """Write a lab's hosts file from the memfd `source`, in place: the views have that very file bound on /etc/hosts.

        `resolver`: a memfd with the resolv.conf of new views, empty for the machine's.
        """
        self._resolvers[prefix] = os.pread(resolver, 65536, 0)
        size = os.fstat(source).st_size
        descriptor = os.open(_hosts_file(prefix), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            at = 0
            while at < size:
                at += os.write(descriptor, os.pread(source, 65536, at))
            os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)

    def forget(self, names: Sequence[str]) -> None:
        """Let go of their views."""
        for name in names:
            self._private.pop(name, None)
            if name in self._made:
                os.close(self._made.pop(name))

    def _return(self) -> None:
        syscalls.setns(self._home, syscalls.CLONE_NEWNS)
        os.chdir("/")
        self._holding.go_home()

    def _furnish(self, name: str) -> None:
        """Called inside the new mount namespace and the node's network namespace, which the sysfs mounted here will show (net-sysfs.c)."""
        self._fresh_sysfs()
        prefix = name.rpartition(SCOPE_END)[0]
        hosts = _hosts_file(prefix)
        if not os.path.exists(hosts):
            os.close(os.open(hosts, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        try:
            syscalls.mount(hosts, "/etc/hosts", None, syscalls.MS_BIND)
        except OSError as error:
            self._warn(f"/etc/hosts in nodes is the machine's: {error.strerror}")
        try:
            syscalls.mount("vethlab", "/run", "tmpfs", _QUIET, "mode=755")
            os.mkdir("/run/lock")
            os.chmod("/run/lock", 0o1777)  # noqa: S103 - as on every machine: sticky
        except OSError as error:
            raise Refusal("host", "mount", "/run", error.errno or 0) from error
        self._resolve(self._resolvers.get(prefix, b""))
        self._cover(name, self._private.get(name, ()))

    def _resolve(self, text: bytes) -> None:
        """Put resolv.conf in place, if there is one of ours: at the end of the link where the machine's leads into its /run."""
        if not text:
            return
        source = target = os.path.realpath("/etc/resolv.conf")
        try:
            if target.startswith("/run/"):
                os.makedirs(os.path.dirname(target), exist_ok=True)
            else:
                source = "/run/resolv.conf"
            descriptor = os.open(source, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.write(descriptor, text)
            os.close(descriptor)
            if source != target:
                syscalls.mount(source, target, None, syscalls.MS_BIND)
        except OSError as error:
            self._warn(f"/etc/resolv.conf in nodes is the machine's: {error.strerror}")

    def _fresh_sysfs(self) -> None:
        kept = "/run/cgroup"
        try:
            os.makedirs(kept, exist_ok=True)
            syscalls.mount(CGROUPS, kept, None, syscalls.MS_BIND | syscalls.MS_REC)  # container engines inside a node need it
        except OSError:
            kept = ""
        try:
            syscalls.mount("sysfs", "/sys", "sysfs", _QUIET | syscalls.MS_NOEXEC)
        except OSError as error:
            self._warn(f"/sys in nodes shows the machine's interfaces: a fresh one was refused ({error.strerror})")
            return
        if kept:
            try:
                syscalls.mount(kept, CGROUPS, None, syscalls.MS_BIND | syscalls.MS_REC)
            except OSError as error:
                self._warn(f"/sys/fs/cgroup in nodes is empty: {error.strerror}")

    def _cover(self, name: str, paths: Sequence[str]) -> None:
        """An empty tmpfs on each, with the mode and, where mapped, the owner of what it covers: a daemon must be able to write there."""
        for path in paths:
            seen = os.stat(path)
            try:
                syscalls.mount("vethlab", path, "tmpfs", _QUIET, f"mode={seen.st_mode & 0o7777:o}")
            except OSError as error:
                raise Refusal("host", "make a private directory of", f"{name}: {path}", error.errno or 0) from error
            try:
                os.chown(path, seen.st_uid, seen.st_gid)
            except OSError:
                self._warn(f"private {path} belongs to root: its owner has no id here")

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _hosts_file(prefix: str) -> str:
    return f"/run/hosts/{prefix or '-'}"
