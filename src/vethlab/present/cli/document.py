"""JSON documents: exactly one on standard output, its first key says which schema it follows.

Rule of the file: minor growth only adds keys. People get it indented, pipes get it on one line.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["emit"]


def emit(verb: str, body: Mapping[str, Any]) -> None:
    """Print `body` as a `vethlab.<verb>/1` document."""
    import json

    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps({"schema": f"vethlab.{verb}/1", **body}, indent=indent) + "\n")
