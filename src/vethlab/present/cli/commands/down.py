"""`vethlab down [LAB]`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from vethlab.errors import NotFoundError, UsageError
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.complete import labs, labs_and_files
from vethlab.present.cli.counts import described
from vethlab.present.cli.terminal import progress, screen

if TYPE_CHECKING:
    from vethlab.change import Change
    from vethlab.lab import Lab

__all__ = ["command"]


@verb("down", examples=("vethlab down", "vethlab down web3", "vethlab down --all", "vethlab down --wait"))
@click.argument("lab", required=False, shell_complete=labs_and_files)
@option("-l", "--lab", "named", metavar="LAB", shell_complete=labs, help="The running lab.")
@option("--all", "every", setting=False, is_flag=True, help="Every lab of yours.")
@option("--wait", is_flag=True, help="Return only when the kernel has freed everything.")
@option("--dry-run", is_flag=True, help="Show what would go and touch nothing.")
@option("--show-commands", is_flag=True, help="Print the equivalent command lines.")
@output("text", "json")
def command(
    lab: str | None, named: str | None, output: str, *, every: bool, wait: bool, dry_run: bool, show_commands: bool,
) -> None:
    """Take a lab away.

    Everything of it goes: namespaces, links, processes. Nothing else is touched. LAB is a lab's name or its file.
    """
    found = _chosen(lab, named, every=every)
    terminal, gone = screen(), []
    for one in found:
        name = one.name
        if output == "text" and show_commands:
            _commands(one)
        if not dry_run:
            with progress(f"{name}: going"):
                one.down(wait=wait)
        gone.append(name)
        if output == "text":
            would = f"would take away {name}: {described(one.topology, checks=False)}" if dry_run else ""
            terminal.line(would or f"{terminal.mark('ok')} {name} is gone")
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("down", {"labs": gone, "dry_run": dry_run})
    elif not found:
        terminal.line("no lab is running")


def _chosen(lab: str | None, named: str | None, *, every: bool) -> list[Lab]:
    if not every:
        return [running(lab or named)]
    if lab:
        raise UsageError(f"`--all` and `{lab}` together make no sense", help="one or the other")
    from vethlab import lab as engine

    found = []
    for info in engine.labs():
        if info.uid == os.getuid():
            try:
                found.append(engine.Lab.running(info.name))
            except NotFoundError:  # somebody was quicker
                continue
    return found


def _commands(lab: Lab) -> None:
    from vethlab.change import RemoveLink, RemoveNetns, RemoveSwitchBridge, RemoveTable
    from vethlab.model.link import Link
    from vethlab.model.names import WORLD
    from vethlab.model.nat import TABLE_PREFIX, Table
    from vethlab.present.cli import changes as shown

    topology = lab.topology
    host, *names = topology.namespaces
    changes: list[Change] = [RemoveNetns(name) for name in names if name != topology.machine]
    if topology.joins_machine:
        changes += [
            RemoveSwitchBridge(host, network.name) if network.type == "ovs" else RemoveLink(host, Link(network.name, network.type))
            for network in topology.networks
        ]
    elif topology.networks or topology.goes_out:
        changes.append(RemoveNetns(host))
    if topology.machine == WORLD:
        changes.append(RemoveTable(WORLD, Table("inet", f"{TABLE_PREFIX}{topology.name}", "")))
    shown.commands(changes, screen(), lab=lab.name, exists=False, joined=topology.machine)
