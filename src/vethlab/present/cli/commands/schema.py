"""`vethlab schema`."""

from __future__ import annotations

import json
import sys

from vethlab.present.cli.command import verb

__all__ = ["command"]


@verb("schema", examples=("vethlab schema > lab.schema.json",))
def command() -> None:
    """Print the JSON Schema of lab files, for editors.

    With the YAML language server, a first line in the lab file makes the editor check and complete it:
    `# yaml-language-server: $schema=lab.schema.json`
    """
    from vethlab import spec

    sys.stdout.write(json.dumps(spec.schema(), indent=2) + "\n")
