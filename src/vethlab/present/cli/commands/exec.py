"""`vethlab exec NODE -- CMD`."""

from __future__ import annotations

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import running
from vethlab.present.cli.command import option, verb
from vethlab.present.cli.complete import labs, nodes
from vethlab.present.cli.tail import TailCommand, argv_argument

__all__ = ["command"]

EXAMPLES = ("vethlab exec a -- ip -brief address", "vethlab exec a ping -c 1 b", "vethlab exec -l web3 host -- bridge link")


@verb("exec", cls=TailCommand, examples=EXAMPLES)
@click.argument("node", shell_complete=nodes)
@argv_argument()
@option("-l", "--lab", metavar="LAB", shell_complete=labs, is_eager=True, help="The running lab.")
def command(node: str, argv: tuple[str, ...], lab: str | None) -> int:
    """Run a command in a node.

    It sees the node's interfaces, its /sys, an /etc/hosts that knows every node of the lab, and a private /run. NODE `host` is the
    lab's own machine, where its bridges are. The exit status is the command's.
    """
    if not argv:
        raise UsageError("no command to run", help=f"for a shell: vethlab sh {node}")
    from vethlab import lab as engine

    return engine.exec_in(running(lab), node, argv)
