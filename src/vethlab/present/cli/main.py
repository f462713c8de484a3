"""The entry point: arguments enter, an exit code leaves.

Rule of the file: every exception ends here, as a message and a code; nothing is decided here.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from vethlab.present.cli.command import Group

__all__ = ["main", "run"]

COMPLETE = "_VETHLAB_COMPLETE"
BROKEN_PIPE = 128 + signal.SIGPIPE  # what a shell shows for a program that the signal ended


def main() -> NoReturn:
    """Run the program on the process's own arguments."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; never raises."""
    try:
        status = _invoke(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        return BROKEN_PIPE
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last border
        from vethlab.present.cli.failure import report

        try:
            status = report(error, arguments)
            sys.stdout.flush()
        except BrokenPipeError:
            _silence()
            return BROKEN_PIPE
    return status


def _invoke(arguments: list[str]) -> int:
    program = Group()
    if COMPLETE in os.environ:
        program.main(arguments, prog_name="vethlab", complete_var=COMPLETE)
    try:
        with program.make_context("vethlab", arguments) as context:
            status = program.invoke(context)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    return status if isinstance(status, int) else 0


def _interrupt(_number: int, _frame: object) -> NoReturn:
    # A second signal must not cut the clean-up short.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _silence() -> None:
    # The interpreter flushes standard output once more when it ends; without a reader that would be an "Exception ignored" message.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
