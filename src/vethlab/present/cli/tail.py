"""A command line inside ours: `vethlab exec -l LAB NODE -- CMD --with-its options`.

Rule of the file: what follows `--` is never looked at; without `--`, everything after our arguments belongs to the command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from vethlab.present.cli.command import Command

__all__ = ["TailCommand"]

TAIL = "argv"


class TailCommand(Command):
    """A command whose last parameter, `argv`, is somebody else's command line. `lead` is how many arguments of ours stand before it."""

    lead = 1

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Split at the `--` that is ours, if there is one: that with no more than `lead` arguments before it."""
        if "--" in args and not ctx.resilient_parsing:
            at = args.index("--")
            head, tail = args[:at], args[at + 1 :]
            if self._leads(ctx, head):
                rest = super().parse_args(ctx, head)
                ctx.params[TAIL] = tuple(tail)
                return rest
        ctx.allow_interspersed_args = False
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say where the command goes."""
        pieces = [piece for piece in self.collect_usage_pieces(ctx) if not piece.startswith("[ARGV")]
        formatter.write_usage(ctx.command_path, " ".join([*pieces, "--", "CMD..."]))

    def _leads(self, ctx: click.Context, head: list[str]) -> bool:
        try:
            _options, positional, _order = self.make_parser(ctx).parse_args(args=list(head))
        except click.UsageError:
            return False
        return len(positional) <= self.lead


def argv_argument() -> Callable[[Any], Any]:
    """The parameter that holds the command line."""
    return click.argument(TAIL, nargs=-1, type=click.UNPROCESSED)
