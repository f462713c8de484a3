"""Carries out command lines: those of a fix, each in its node, in order.

Enters: the namespaces of a lab, or of a copy of it, and commands; leaves: nothing, or what the first failing command said.
Rule of the file: nothing is undone here. Whoever has the state from before brings it back, because some commands change more than they say.
"""

from __future__ import annotations

import errno
import shlex
from collections.abc import Collection, Sequence

from vethlab.change.argv import SHELL
from vethlab.change.process import StartProcess, StopProcess
from vethlab.errors import HostError, KernelError
from vethlab.kernel.port import Finished, Namespaces
from vethlab.kernel.rulesets import NOT_FOUND
from vethlab.model.finding import Command
from vethlab.model.state import Process

# As Debian calls them.
_PACKAGES = {"ip": "iproute2", "bridge": "iproute2", "tc": "iproute2", "ss": "iproute2", "nft": "nftables", "ethtool": "ethtool",
             "ovs-vsctl": "openvswitch-switch", "ovs-ofctl": "openvswitch-switch", "ovs-appctl": "openvswitch-switch"}
_WRITES = frozenset({"-w", "--write", "-qw", "-wq", "-q", "--quiet"})


def carry_out(namespaces: Namespaces, commands: Sequence[Command], declared: Collection[tuple[str, Process]] = ()) -> None:
    """Run them. KernelError names the one that failed and what it said; HostError the program that is missing, and its package.

    `declared`: what nodes should run, by node; whoever keeps the lab may have forgotten what was stopped.
    """
    for command in commands:
        written = settings(command.argv)
        if written:
            namespaces.write_sysctls([(command.node, key, value) for key, value in written])
        elif not _by_its_keeper(namespaces, command, declared):
            _run(namespaces, command)


def settings(argv: Sequence[str]) -> list[tuple[str, str]]:
    """The (key, value) pairs of `sysctl -w key=value ...`: written without sysctl(8). Empty for any other command."""
    program, *words = argv
    if program.rpartition("/")[2] != "sysctl":
        return []
    pairs = [word.partition("=") for word in words if word not in _WRITES]
    return [(key, value) for key, _, value in pairs] if all(equals for _, equals, _ in pairs) else []


def _by_its_keeper(namespaces: Namespaces, command: Command, declared: Collection[tuple[str, Process]]) -> bool:
    """Start or end what the lab file has a node run: whoever keeps the lab is its parent, and knows then whether it lives."""
    if command.argv[:2] != SHELL:
        return False
    for node, one in dict.fromkeys([*[(one.netns, one.process) for one in namespaces.processes()], *declared]):
        if node != command.node:
            continue
        if command.argv[2:] == StartProcess(node, one).commands():
            namespaces.start(node, one)
        elif command.argv[2:] == StopProcess(node, one).commands():
            namespaces.stop(node, one)
        else:
            continue
        return True
    return False


def _done(namespaces: Namespaces, command: Command) -> Finished:
    """Run one command in its node; the tools of Open vSwitch where they reach the sockets of that node's daemons."""
    if any("ovs-" in word for word in command.argv):
        from vethlab.kernel.ovs_daemons import run_tool  # noqa: PLC0415 - only for labs with Open vSwitch

        return run_tool(namespaces, command.node, command.argv)
    return namespaces.run(command.node, command.argv)


def _run(namespaces: Namespaces, command: Command) -> None:
    done = _done(namespaces, command)
    if done.status == 0:
        return
    program = command.argv[0].rpartition("/")[2]
    if done.status == NOT_FOUND and not done.stdout:
        package = _PACKAGES.get(program)
        raise HostError(
            f"`{program}` is not installed", where=command.node, why=f"{command.node} needs it for: {shlex.join(command.argv)}",
            help=f"apt install {package}" if package else f"install {program}", slug="no-program",
        )
    said = " ".join(line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip())
    raise KernelError("run", f"`{shlex.join(command.argv)}` in {command.node}", errno.EINVAL, said or f"it ended with {done.status}")
