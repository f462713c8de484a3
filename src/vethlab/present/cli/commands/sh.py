"""`vethlab sh NODE`."""

from __future__ import annotations

import os

import click

from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, verb
from vethlab.present.cli.complete import labs, nodes

__all__ = ["command"]


@verb("sh", examples=("vethlab sh a", "vethlab sh host"))
@click.argument("node", default="host", shell_complete=nodes)
@option("-l", "--lab", metavar="LAB", shell_complete=labs, is_eager=True, help="The running lab.")
def command(node: str, lab: str | None) -> int:
    """Open a shell in a node.

    It is your $SHELL; the prompt says where you are. NODE `host` is the lab's own machine, where its bridges are. VETHLAB_LAB and
    VETHLAB_NODE are set inside, so that `vethlab` there means this lab.
    """
    from vethlab import lab as engine

    one = running(lab)
    shell = os.environ.get("SHELL") or "/bin/sh"
    environment = {**os.environ, "VETHLAB_LAB": one.name, "VETHLAB_NODE": node}
    place = f"({one.name}:{node})"
    if os.path.basename(shell) == "bash":
        # ~/.bashrc sets PS1 itself; PROMPT_COMMAND runs after it, before each prompt.
        environment["PROMPT_COMMAND"] = f'PS1="{place} ${{PS1#"{place} "}}"'
    else:
        environment["PS1"] = f"{place} {'#' if os.getuid() == 0 else '$'} "
    return engine.exec_in(one, node, [shell], env=environment)
