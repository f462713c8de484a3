"""`vethlab init [TEMPLATE] [FILE]`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import SUFFIX, files
from vethlab.present.cli.command import option, output, verb
from vethlab.present.cli.complete import templates
from vethlab.present.cli.terminal import errors, plural, screen

__all__ = ["command"]


@verb("init", examples=("vethlab init", "vethlab init bridge", "vethlab init pair my.lab.yaml", "vethlab init --list"))
@click.argument("template", default="pair", shell_complete=templates)
@click.argument("file", required=False, type=click.Path())
@option("--list", "listing", setting=False, is_flag=True, help="List the templates.")
@option("--dry-run", is_flag=True, help="Print the file and write nothing.")
@output("text", "json")
def command(template: str, file: str | None, output: str, *, listing: bool, dry_run: bool) -> None:
    """Write a lab file from a template.

    The file is called after the lab in it, NAME.lab.yaml, unless FILE says otherwise. A file that exists is never overwritten.
    """
    from vethlab import spec

    if listing:
        _list(spec.template_names(), output)
        return
    text = spec.template(template)
    path = file or f"{spec.plain_name(text) or template}{SUFFIX}"
    lines = len(text.splitlines())
    if not dry_run:
        _write(path, text, template)
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("init", {"template": template, "file": path, "lines": lines, "text": text, "dry_run": dry_run})
        return
    if dry_run:
        screen().stream.write(text)
        return
    screen().line(f"wrote {path} ({plural(lines, 'line')})")
    errors().line("  try: vethlab up" if files() == [path] else f"  try: vethlab up {path}")


def _write(path: str, text: str, template: str) -> None:
    try:
        new = open(path, "x", encoding="utf-8")  # noqa: SIM115 - only opening may say that it exists
    except FileExistsError as error:
        remedy = f"name another: vethlab init {template} FILE"
        raise UsageError(f"{path} exists, and init does not overwrite", slug="file-exists", help=remedy) from error
    try:
        with new:
            new.write(text)
    except BaseException:
        with suppress(OSError):  # half a lab file is worse than none
            os.unlink(path)
        raise


def _list(names: Sequence[str], output: str) -> None:
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("init", {"templates": list(names)})
        return
    for name in names:
        screen().line(name)
