"""What every command has in common: examples first in its help, `-h` short and `--help` full, `--color`, settings from VETHLAB_*.

Rule of the file: imports click and nothing else that costs; start-up pays for this file every time.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from vethlab.present.cli import catalogue

__all__ = ["JOURNEYS", "PICTURES", "Command", "Group", "option", "output", "verb"]

PICTURES = ("svg", "html", "mermaid", "dot")  # what present/cli/drawn.py writes of a lab, and of a journey
JOURNEYS = ("svg", "html")
COLOR = "vethlab.color"  # key of the context's shared dictionary
WHEN = ("auto", "always", "never")
STATUSES = (
    "0 done; 1 the network said no; 2 usage or lab file; 3 the machine lacks something; 4 no such thing; 5 rolled back. "
    "More: vethlab explain exit-codes"
)


def option(*names: str, setting: bool = True, **attributes: Any) -> Callable[[Any], Any]:
    """An option. A setting can come from VETHLAB_<OPTION> too; an action (`--all`) only from the command line."""
    if setting:
        longest = next(name for name in names[0].split("/") + list(names[1:]) if name.startswith("--"))
        attributes["envvar"] = "VETHLAB_" + longest.split("/")[0].removeprefix("--").replace("-", "_").upper()
    return click.option(*names, **attributes)


def output(*formats: str) -> Callable[[Any], Any]:
    """`-o/--output`, one of `formats`; the first is the default."""
    text = f"How to print: {', '.join(formats[:-1])} or {formats[-1]}."
    return option("-o", "--output", type=click.Choice(formats), default=formats[0], metavar="FORMAT", help=text)


class Command(click.Command):
    """A command whose help begins with examples."""

    def __init__(self, name: str, *, examples: Sequence[str] = (), **attributes: Any) -> None:
        super().__init__(name, add_help_option=False, **attributes)
        self.examples = tuple(examples)
        self.params.extend(_common())

    def get_help(self, ctx: click.Context) -> str:
        """The full help."""
        return _page(self, ctx, full=True)

    def get_short_help_page(self, ctx: click.Context) -> str:
        """The help of `-h`: one screen."""
        return _page(self, ctx, full=False)


class Group(click.Group):
    """The program. Commands are loaded from the catalogue when they are called."""

    examples: tuple[str, ...] = ("vethlab init pair", "vethlab up", "vethlab check", "vethlab why a b", "vethlab down")

    def __init__(self) -> None:
        text = "Wire Linux network namespaces together with veth pairs, and explain every packet that crosses them."
        super().__init__(
            "vethlab", help=text, add_help_option=False, no_args_is_help=False, invoke_without_command=True, callback=_no_command,
        )
        self.params.extend(_common())
        self.params.append(_eager("--version", _version, "Print the version."))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command that works now."""
        return list(catalogue.COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Load one command."""
        entry = catalogue.COMMANDS.get(cmd_name)
        if entry is None:
            return None
        loaded: click.Command = importlib.import_module(entry[0]).command
        return loaded

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say what was probably meant."""
        found = self.get_command(ctx, args[0])
        if found is None and not ctx.resilient_parsing:
            _unknown(args[0])
        return args[0] if found else None, found, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The catalogue, without loading any command."""
        width = max(len(name) for name in catalogue.COMMANDS)
        for title, rows in catalogue.SECTIONS:
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), line) for name, _, line in rows])

    def get_help(self, ctx: click.Context) -> str:
        """The full help."""
        return _page(self, ctx, full=True)

    def get_short_help_page(self, ctx: click.Context) -> str:
        """The help of `-h`: one screen."""
        return _page(self, ctx, full=False)


def verb(
    name: str, *, cls: type[Command] = Command, examples: Sequence[str] = (), **attributes: Any,
) -> Callable[[Callable[..., Any]], Command]:
    """Make a function the callback of a Command; its docstring is the full help."""

    def make(function: Callable[..., Any]) -> Command:
        made: Command = click.command(name, cls=cls, examples=examples, **attributes)(function)
        return made

    return make


def _common() -> list[click.Parameter]:
    return [
        click.Option(
            ["--color"], type=click.Choice(WHEN), default=None, envvar="VETHLAB_COLOR", metavar="WHEN", expose_value=False, is_eager=True,
            callback=_remember_color, help="Colour the output: auto, always or never.",
        ),
        _eager("-h", _short_help, "The help on one screen."),
        _eager("--help", _full_help, "The whole help."),
    ]


def _eager(name: str, callback: Callable[[click.Context, click.Parameter, bool], None], text: str) -> click.Option:
    return click.Option([name], is_flag=True, is_eager=True, expose_value=False, callback=callback, help=text)


def _remember_color(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta[COLOR] = value


def _short_help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing and isinstance(ctx.command, Command | Group):
        click.echo(ctx.command.get_short_help_page(ctx))
        ctx.exit()


def _full_help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(ctx.get_help())
        ctx.exit()


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from vethlab import __version__

        click.echo(f"vethlab {__version__}")
        ctx.exit()


@click.pass_context
def _no_command(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(_page(ctx.command, ctx, full=False))


def _page(command: click.Command, ctx: click.Context, *, full: bool) -> str:
    formatter = ctx.make_formatter()
    command.format_usage(ctx, formatter)
    paragraphs = (command.help or "").strip().split("\n\n")
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(" ".join(paragraphs[0].split()))
    examples = getattr(command, "examples", ())
    if examples:
        with formatter.section("Examples"):
            for line in examples:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
    if full:
        for paragraph in paragraphs[1:]:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(" ".join(paragraph.split()))
    command.format_options(ctx, formatter)
    if full:
        _environment(command, formatter)
    return formatter.getvalue().rstrip("\n")


def _environment(command: click.Command, formatter: click.HelpFormatter) -> None:
    rows = [
        (parameter.envvar, f"as {parameter.opts[-1]}") for parameter in command.params
        if isinstance(parameter, click.Option) and isinstance(parameter.envvar, str)
    ]
    with formatter.section("Environment"):
        formatter.write_dl([*rows, ("NO_COLOR, FORCE_COLOR", "never or always colour (no-color.org, force-color.org)")])
    with formatter.section("Exit status"):
        formatter.write_text(STATUSES)


def _unknown(name: str) -> NoReturn:
    from vethlab.errors import UsageError

    if name in catalogue.LATER:
        raise UsageError(
            f"`vethlab {name}` is not built yet", slug="not-built-yet", why=f"it will {catalogue.LATER[name]}",
            help="`vethlab --help` lists what works now",
        )
    if name.startswith("-"):
        raise UsageError(f"no such option: {name}", help="`vethlab --help` lists the options")
    from difflib import get_close_matches

    near = get_close_matches(name, catalogue.COMMANDS, n=1, cutoff=0.5)
    remedy = f"did you mean `vethlab {near[0]}`?" if near else "`vethlab --help` lists the commands"
    raise UsageError(f"no command `{name}`", slug="unknown-command", help=remedy)
