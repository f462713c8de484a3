"""`vethlab version`."""

from __future__ import annotations

import click

from vethlab import __version__
from vethlab.present.cli.command import output, verb

__all__ = ["command"]


@verb("version", examples=("vethlab version", "vethlab version -o json"))
@output("text", "json")
def command(output: str) -> None:
    """Print the version."""
    if output == "text":
        click.echo(f"vethlab {__version__}")
        return
    import os
    import sys

    from vethlab.present.cli.document import emit

    emit("version", {"version": __version__, "python": sys.version.split()[0], "kernel": os.uname().release})
