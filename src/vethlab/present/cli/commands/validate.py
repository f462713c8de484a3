"""`vethlab validate [FILE]`."""

from __future__ import annotations

import click

from vethlab.present.cli.choose import lab_file
from vethlab.present.cli.command import output, verb
from vethlab.present.cli.complete import lab_files
from vethlab.present.cli.counts import described
from vethlab.present.cli.terminal import errors, screen

__all__ = ["command"]


@verb("validate", examples=("vethlab validate", "vethlab validate web3.lab.yaml"))
@click.argument("file", required=False, type=click.Path(), shell_complete=lab_files)
@output("text", "json")
def command(file: str | None, output: str) -> None:
    """Say every mistake in a lab file, touching nothing.

    Exit status 0 if `up` would accept the file, 2 if not. Hints do not change the status.
    """
    from vethlab import spec

    path = lab_file(file)
    topology = spec.load(path)
    hints = list(spec.hints(topology))
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("validate", {
            "lab": topology.name, "file": path, "ok": True, "nodes": len(topology.nodes), "links": len(topology.cables),
            "networks": len(topology.networks), "checks": len(topology.checks), "hints": [str(hint) for hint in hints],
        })
        return
    screen().line(f"{screen().mark('ok')} {path}: {described(topology)}")
    for hint in hints:
        errors().line(f"{errors().mark('warn')} hint: {hint}")
