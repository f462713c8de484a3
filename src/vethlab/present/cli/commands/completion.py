"""`vethlab completion SHELL`."""

from __future__ import annotations

import click

from vethlab.present.cli.command import verb

__all__ = ["command"]

EXAMPLES = (
    'eval "$(vethlab completion bash)"                                        # in ~/.bashrc',
    'eval "$(vethlab completion zsh)"                                         # in ~/.zshrc',
    "vethlab completion fish > ~/.config/fish/completions/vethlab.fish",
)


@verb("completion", examples=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the shell's completion script.

    It completes commands, options, lab files, running labs, their nodes, templates and words to explain.
    """
    from click.shell_completion import BashComplete, FishComplete, ZshComplete

    from vethlab.present.cli.command import Group
    from vethlab.present.cli.main import COMPLETE

    makers = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}
    click.echo(makers[shell](Group(), {}, "vethlab", COMPLETE).source())
