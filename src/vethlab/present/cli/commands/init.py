"""`vethlab init [TEMPLATE] [FILE]`."""

from __future__ import annotations

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import PLAIN_NAME, SUFFIX
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
    found = PLAIN_NAME.search(text)
    path = file or f"{found[2] if found else template}{SUFFIX}"
    if dry_run:
        screen().stream.write(text)
        return
    try:
        with open(path, "x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError as error:
        remedy = f"name another: vethlab init {template} FILE"
        raise UsageError(f"{path} exists, and init does not overwrite", slug="file-exists", help=remedy) from error
    lines = len(text.splitlines())
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("init", {"template": template, "file": path, "lines": lines})
        return
    screen().line(f"wrote {path} ({plural(lines, 'line')})")
    errors().line(f"  try: vethlab up{'' if file is None or path.endswith(SUFFIX) else ' ' + path}")


def _list(names: object, output: str) -> None:
    rows = [str(name) for name in names]  # type: ignore[attr-defined]
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("init", {"templates": rows})
        return
    for name in rows:
        screen().line(name)
