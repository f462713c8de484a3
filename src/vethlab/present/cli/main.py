"""The entry point: arguments enter, an exit code leaves.

Rule of the file: every exception ends here, as a message and a code; nothing is decided here. Click is imported after the signal handlers
are in place, so that Ctrl-C is clean from the first milliseconds on.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NoReturn

__all__ = ["go_through", "interruptible", "main", "run"]

COMPLETE = "_VETHLAB_COMPLETE"
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a supervisor, a terminal that is closed
BROKEN_PIPE = 128 + signal.SIGPIPE  # what a shell shows for a program that the signal ended


def main() -> NoReturn:
    """Run the program on the process's own arguments."""
    for number in INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # a shell's background job is not for Ctrl-C, nohup(1) not for hanging up
            signal.signal(number, _interrupt)
    _open_closed_streams()
    gc.disable()  # short-lived and almost free of cycles: collecting costs a tenth of the time of a small `up`
    status = run(sys.argv[1:])
    # Not sys.exit: taking the interpreter apart costs 10 ms, and after a KeyboardInterrupt inside exec() (dataclasses use it) CPython
    # would kill itself by SIGINT at its end, whatever the exit status says (Modules/main.c, exit_sigint).
    with suppress(OSError):  # what nobody can read changes no outcome
        sys.stderr.flush()
    os._exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; never raises."""
    try:
        return _reported(arguments)
    except BrokenPipeError:
        _silence()
        return BROKEN_PIPE
    except OSError as error:  # standard output cannot be written (/dev/full), not even the report of an error in JSON
        _silence()
        return _report(error, ())


def _reported(arguments: Sequence[str]) -> int:
    try:
        status = _invoke(list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last border
        status = _report(error, arguments)
        with suppress(OSError):  # what could not be written before has been reported
            sys.stdout.flush()
    return status


def _report(error: BaseException, arguments: Sequence[str]) -> int:
    from vethlab.present.cli.failure import report

    return report(error, arguments)


def _invoke(arguments: list[str]) -> int:
    from click.exceptions import Exit

    from vethlab.present.cli.command import Group

    program = Group()
    if COMPLETE in os.environ:
        program.main(arguments, prog_name="vethlab", complete_var=COMPLETE)
    try:
        with program.make_context("vethlab", arguments) as context:
            status = program.invoke(context)
    except Exit as leave:
        return leave.exit_code
    return status if isinstance(status, int) else 0


@contextmanager
def go_through() -> Iterator[None]:
    """Within, a command that has made its lab what it should be ends as one that has: an interrupt undoes all of it, or comes too late."""
    from vethlab.apply import moment

    def too_late() -> None:
        for number in INTERRUPTS:
            if signal.getsignal(number) is _interrupt:
                signal.signal(number, _ignore)

    before, moment.reached = moment.reached, too_late
    try:
        yield
    finally:
        moment.reached = before


def interruptible() -> None:
    """From here on an interrupt counts again: something else begins."""
    for number in INTERRUPTS:
        if signal.getsignal(number) is _ignore:
            signal.signal(number, _interrupt)


def _ignore(_number: int, _frame: object) -> None:
    # A handler and not SIG_IGN, which children would inherit
    return


def _interrupt(_number: int, _frame: object) -> NoReturn:
    # A second signal must not cut the clean-up short; Ctrl-\ still does.
    for number in INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _open_closed_streams() -> None:
    # Started with a stream closed (`2>&-`), the next file or socket would get its number, here and in children, and Python has None for it.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode))


def _silence() -> None:
    # The interpreter flushes standard output once more when it ends; that must not fail with a message of its own.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
