"""What can only be known by trying, tried in throw-away namespaces of a child process.

Enters: nothing. Leaves: plain values, carried over a pipe. Rule of the file: the calling process and the machine are as before; whatever
a trial makes dies with its child. (The kernel may load a module for a link kind it is asked for, as it would for `ip link add`.)
"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any

from vethlab.kernel import syscalls
from vethlab.kernel.netlink import neighbour_table
from vethlab.kernel.netlink.connection import Connection, Refused
from vethlab.kernel.netlink.link import new_link
from vethlab.kernel.netlink.message import NLM_F_CREATE, NLM_F_EXCL, Request
from vethlab.kernel.netlink.message import text as words
from vethlab.kernel.netlink.qdisc import MESSAGE, RTM_NEWQDISC, TC_H_ROOT, TCA_KIND
from vethlab.model.address import AF_INET

__all__ = ["drop_reasons", "in_namespace", "in_user_namespace", "missing", "neighbours"]

NOBODY = 65534
LO_INDEX = 1
SOL_NETLINK, NETLINK_ROUTE = 270, 0
RULESET = "table inet vethlab_doctor {\n chain input {\n  type filter hook input priority 0; policy accept;\n  counter\n }\n}\n"
BRIDGE_FILTER = "/proc/sys/net/bridge/bridge-nf-call-iptables"


def in_user_namespace() -> dict[str, Any]:
    """What an ordinary user may do here: `step` and `errno` of the first refusal (None if all went well), `mounts` that are refused.

    Root tries as uid 65534, because restrictions of user namespaces do not bind root.
    """
    found = _in_child(_ordinary_user)
    return found if isinstance(found, dict) else {"step": "start", "errno": errno.EIO, "mounts": []}


def in_namespace(kinds: Sequence[str], nft: str | None) -> dict[str, Any] | None:
    """What works in a new network namespace, made as root or else in a user namespace; None if none can be made.

    `links`: each of `kinds`, whether the kernel makes it. `nft`: empty, or what the program says. `bridge_filter`: whether bridged packets
    pass the IP firewall, None where the kernel has no br_netfilter.
    """
    found = _in_child(lambda: _network(kinds, nft))
    return found if isinstance(found, dict) else None


def missing(kinds: Sequence[str] = (), queues: Sequence[str] = ()) -> list[str]:
    """Which of these link kinds and queueing disciplines the kernel does not know; empty too if no namespace can be had to try."""
    found = _in_child(lambda: _unknown(kinds, queues))
    return [str(one) for one in found] if isinstance(found, list) else []


def neighbours() -> neighbour_table.Fill | None:
    """The machine's table of IPv4 neighbours; readable without privilege."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as sock:
        return neighbour_table.fill(Connection(sock)).get(AF_INET)


def drop_reasons() -> str:
    """Why the kernel's drop reasons cannot be had, empty if they can. What is loaded for that is gone with its descriptor."""
    from vethlab.kernel.bpf import tracer  # noqa: PLC0415 - only doctor asks

    return tracer.available()


def _in_child(trial: Callable[[], Any]) -> Any:
    """The trial's answer, or None if the child broke."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            os.write(writer, json.dumps(trial()).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else None


def _ordinary_user() -> dict[str, Any]:
    if os.geteuid() == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        except OSError as error:
            return {"step": "become an ordinary user", "errno": error.errno, "mounts": []}
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)  # a process that changed its ids may not write its own /proc/self/uid_map (proc(5))
    step = ""
    try:
        step = "make a user namespace"
        _become_mapped()
        step = "make namespaces in it"
        syscalls.unshare(syscalls.CLONE_NEWNET | syscalls.CLONE_NEWNS | syscalls.CLONE_NEWPID)
    except OSError as error:
        return {"step": step, "errno": error.errno, "mounts": []}
    return {"step": None, "errno": None, "mounts": _in_child(_refused_mounts) or []}


def _become_mapped() -> None:
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
    for path, text in (("/proc/self/setgroups", "deny"), ("/proc/self/uid_map", f"0 {uid} 1"), ("/proc/self/gid_map", f"0 {gid} 1")):
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def _refused_mounts() -> list[str]:
    """The file systems this user namespace may not mount: refused under a masked /proc or a read-only /sys, as in containers."""
    quiet = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    refused = []
    for kind, target in (("proc", "/proc"), ("sysfs", "/sys"), ("tmpfs", "/run")):
        try:
            syscalls.mount(kind, target, kind, quiet)
        except OSError:
            refused.append(kind)
    return refused


def _alone() -> bool:
    """Step into a new network namespace, as root or else in a user namespace; whether that went well."""
    try:
        syscalls.unshare(syscalls.CLONE_NEWNET)
    except OSError:
        try:
            _become_mapped()
            syscalls.unshare(syscalls.CLONE_NEWNET)
        except OSError:
            return False
    return True


def _unknown(kinds: Sequence[str], queues: Sequence[str]) -> list[str]:
    if not _alone():
        return []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as sock:
        connection = Connection(sock)
        lacking = [kind for number, kind in enumerate(kinds) if not _makes(connection, number, kind)]
        return lacking + [kind for kind in queues if not _queues(connection, kind)]


def _queues(connection: Connection, kind: str) -> bool:
    """Whether the kernel knows a queueing discipline: an unknown one is ENOENT, one without its options another error (qdisc_create)."""
    request = Request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, MESSAGE.pack(0, LO_INDEX, 0, TC_H_ROOT, 0) + words(TCA_KIND, kind))
    try:
        connection.send([request])
    except Refused as refusal:
        return refusal.code != errno.ENOENT
    return True


def _network(kinds: Sequence[str], nft: str | None) -> dict[str, Any] | None:
    if not _alone():
        return None
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as sock:
        connection = Connection(sock)
        links = {kind: _makes(connection, number, kind) for number, kind in enumerate(kinds)}
    return {"links": links, "nft": _nft(nft) if nft else None, "bridge_filter": _bridge_filter()}


def _makes(connection: Connection, number: int, kind: str) -> bool:
    """Whether the kernel knows a link kind: an unknown one is EOPNOTSUPP, one that lacks its parameters is another error (rtnl_newlink)."""
    try:
        connection.send([new_link(0, f"try{number}", kind, up=False, parts=b"", data=b"")])
    except Refused as refusal:
        return refusal.code != errno.EOPNOTSUPP
    return True


def _nft(program: str) -> str:
    """An empty text if a ruleset can be loaded, else what nft says."""
    import subprocess  # noqa: PLC0415 - only doctor pays for it

    try:
        ran = subprocess.run([program, "--file", "-"], input=RULESET, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return "" if ran.returncode == 0 else (ran.stderr.strip().splitlines() or ["nft failed"])[0]


def _bridge_filter() -> bool | None:
    try:
        with open(BRIDGE_FILTER, encoding="ascii") as file:  # noqa: PTH123 - one small file
            return file.read().strip() == "1"
    except OSError:
        return None
