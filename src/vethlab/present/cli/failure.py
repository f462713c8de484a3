"""What enters: an exception that ended a command. What leaves: a message (or a `vethlab.error/1` document) and an exit code.

Rule of the file: a user's mistake never shows a traceback; our own mistakes leave one in a file whose name is shown.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from vethlab.errors import HostError, SpecErrors, UsageError, VethlabError
from vethlab.present.cli.terminal import Terminal, errors

__all__ = ["INTERRUPTED", "OUR_BUG", "report", "wants_json"]

OUR_BUG = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130
ROLES = {"error": "red", "caret": "red", "position": "blue", "help": "cyan"}
DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG})
LIMITS = frozenset({errno.EAGAIN, errno.ENOMEM})  # what fork(2) and posix_spawn(3) say; nothing here works on non-blocking files
PASS_ON = frozenset({"exec", "sh", "run", "completion"})  # their -o belongs to somebody else


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Tell the user, return the exit code."""
    error = _ours(error)
    if isinstance(error, KeyboardInterrupt):
        errors().line("interrupted, cleaned up")
        return INTERRUPTED
    if not isinstance(error, VethlabError):
        return _bug(error, arguments)
    if wants_json(arguments):
        _document(error)
    elif isinstance(error, SpecErrors):
        from vethlab import spec

        terminal = errors()
        terminal.line(spec.render(error, lambda role, text: terminal.paint(text, ROLES[role])))
    else:
        _message(error, errors())
    return error.exit_code


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether the user asked for JSON, also where the arguments could not be parsed."""
    words = list(arguments)
    words = words[: words.index("--")] if "--" in words else words
    if PASS_ON.intersection(words[:1]):
        return False
    for index, word in enumerate(words):
        if word in {"-o", "--output"}:
            return words[index + 1 : index + 2] == ["json"]
        if word in {"-ojson", "--output=json"}:
            return True
    return os.environ.get("VETHLAB_OUTPUT") == "json"


def _ours(error: BaseException) -> BaseException:
    """Click's and the system's errors in our words."""
    if isinstance(error, click.Abort):
        return KeyboardInterrupt()
    if isinstance(error, click.UsageError):
        context = error.ctx
        path = context.command_path if context is not None else "vethlab"
        return UsageError(error.format_message().rstrip("."), help=f"`{path} -h` shows how it is used")
    if isinstance(error, click.ClickException):
        return UsageError(error.format_message())
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError | NotADirectoryError) and error.filename:
        return UsageError(f"{os.fsdecode(error.filename)}: {error.strerror}", slug="file")
    return _refused(error) if isinstance(error, OSError) else error


def _refused(error: OSError) -> BaseException:
    if error.errno in LIMITS:
        return HostError(f"the machine refuses more: {error.strerror}", slug="limit", help="see `ulimit -a`: processes (-u), memory (-v)")
    if error.errno in DISK:
        return HostError(f"cannot write: {error.strerror}", slug="file")
    return error


def _message(error: VethlabError, terminal: Terminal) -> None:
    terminal.line(f"{terminal.paint(f'error[{error.slug}]', 'red')}: {terminal.paint(error.message, 'bold')}")
    if error.where and error.where not in error.message:
        terminal.line(f"  --> {error.where}")
    if error.why and error.why not in error.message:
        terminal.line(f"   = why: {error.why}")
    cause = error.__cause__
    if isinstance(cause, VethlabError) and cause.message not in (error.message, error.why):
        terminal.line(f"   = cause: {cause.message}")
    helps = error.help or (cause.help if isinstance(cause, VethlabError) else "")
    if helps:
        terminal.line(f"   = help: {helps}")


def _document(error: VethlabError) -> None:
    from vethlab.present.cli.document import emit

    body: dict[str, Any] = _parts(error)
    if isinstance(error, SpecErrors):
        body["errors"] = [{**_parts(one), "path": one.path, "line": one.line, "column": one.column} for one in error.errors]
    emit("error", body)
    sys.stdout.flush()  # here, so that a document that cannot be written is an error of its own


def _parts(error: VethlabError) -> dict[str, Any]:
    texts = {"where": error.where, "why": error.why, "help": error.help}
    return {"slug": error.slug, "message": error.message, **{key: text or None for key, text in texts.items()}}


def _bug(error: BaseException, arguments: Sequence[str]) -> int:
    import tempfile
    import traceback

    from vethlab import __version__

    uname = os.uname()
    system = f"vethlab {__version__}, Python {sys.version.split()[0]}, Linux {uname.release} {uname.machine}"
    body = f"{system}\n$ vethlab {' '.join(arguments)}\n\n{''.join(traceback.format_exception(error))}"
    short = f"{type(error).__name__}: {error}"
    try:
        with tempfile.NamedTemporaryFile("w", prefix="vethlab-report-", suffix=".txt", delete=False) as file:
            file.write(body)
        place = f"a report is in {file.name}; please send it to the project"
    except OSError:
        sys.stderr.write(body)
        place = "please send the lines above to the project"
    ours = VethlabError(f"this is a bug in vethlab: {short}", help=place, slug="bug")
    if wants_json(arguments):
        _document(ours)
    else:
        _message(ours, errors())
    return OUR_BUG
