"""`-w FILE` of `why` and `trace`: the probe's frames as a file for Wireshark, or on standard output.

Enters: the option's word; leaves: what `Lab.why(pcap=)` takes. Rule of the file: standard output is one thing, frames or text.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from vethlab.errors import UsageError
from vethlab.present.cli.command import option
from vethlab.present.cli.terminal import errors

if TYPE_CHECKING:
    from vethlab.lab.explaining import Answer

__all__ = ["STDOUT", "taker", "tell", "writes"]

STDOUT = "-"


def writes() -> Callable[[Any], Any]:
    """The option; the command gets it as `write`."""
    return option(
        "-w", "--write", setting=False, type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
        help="Record the probe's packets at every interface into a pcapng file, with comments; `-` is standard output.",
    )


def taker(write: str | None) -> str | Callable[[bytes], object] | None:
    """The file, or a function for standard output. UsageError where text is wanted there too."""
    if write != STDOUT:
        return write
    if click.get_current_context().get_parameter_source("output") is ParameterSource.COMMANDLINE:
        raise UsageError("`-w -` and -o both want standard output", help="write into a file, or leave -o away")
    if sys.stdout.isatty():
        raise UsageError("a pcapng file is nothing for a terminal", help="pipe it, such as: vethlab why a b -w - | tshark -r -")
    return _to_stdout


def tell(write: str | None, answer: Answer) -> None:
    """Say where the packets are; with them on standard output, the answer in a line."""
    from vethlab.present.cli.verdict import headline

    if write is not None:
        errors().line(headline(answer, errors()) if write == STDOUT else f"  its packets: {write}")


def _to_stdout(data: bytes) -> None:
    sys.stdout.flush()
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sys.stdout.fileno(), rest) :]
