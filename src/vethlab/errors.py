"""The one tree of errors: what went wrong, where, why, and what helps.

Rule of the file: every exception that leaves vethlab is a VethlabError. `slug` is the word for `vethlab explain`, `exit_code`
what the command line ends with. Foreign exceptions are translated at the border where they arise, never further up.
"""

from __future__ import annotations

import errno as _errno
import os

__all__ = [
    "BuildError", "HostError", "KernelError", "LabError", "NotFoundError", "SpecError", "SpecErrors", "UsageError", "VethlabError",
]


class VethlabError(Exception):
    """Base of all errors a caller may meet. `help` says what to do next; empty if there is nothing honest to say."""

    slug = "error"
    exit_code = 70

    def __init__(self, message: str, *, where: str = "", why: str = "", help: str = "", slug: str = "") -> None:  # noqa: A002 - the word users see
        super().__init__(message)
        self.message, self.where, self.why, self.help = message, where, why, help
        if slug:
            self.slug = slug


class UsageError(VethlabError):
    """The caller asked for something that makes no sense (exit 2)."""

    slug = "usage"
    exit_code = 2


class SpecError(VethlabError):
    """One mistake in a lab file. `line` and `column` count from 1, `width` is the number of characters to underline."""

    slug = "lab-file"
    exit_code = 2

    def __init__(  # noqa: PLR0913 - the six parts of a rustc-like message
        self, message: str, *, slug: str, path: str = "", line: int = 1, column: int = 1, width: int = 1, why: str = "", help: str = "",  # noqa: A002
        topic: str = "",
    ) -> None:
        super().__init__(message, where=f"{path}:{line}:{column}", why=why, help=help, slug=slug)
        self.path, self.line, self.column, self.width, self.topic = path, line, column, width, topic


class SpecErrors(VethlabError):
    """Every mistake of one lab file, in file order: all of them are reported in one go."""

    slug = "lab-file"
    exit_code = 2

    def __init__(self, errors: list[SpecError], *, path: str, text: str) -> None:
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(first.message + more, where=first.where, why=first.why, help=first.help, slug=first.slug)
        self.errors, self.path, self.text = errors, path, text


class HostError(VethlabError):
    """The machine lacks a privilege, a kernel feature or a tool (exit 3)."""

    slug = "host"
    exit_code = 3


class NotFoundError(VethlabError):
    """No such lab, node or interface (exit 4)."""

    slug = "not-found"
    exit_code = 4


class LabError(VethlabError):
    """The lab is in a state that forbids what was asked (exit 2: the request, not the machine, has to change)."""

    slug = "lab"
    exit_code = 2


class BuildError(VethlabError):
    """A change failed and was rolled back (exit 5); the cause is chained."""

    slug = "rolled-back"
    exit_code = 5


class KernelError(VethlabError):
    """The kernel refused: operation, object, errno and the kernel's own sentence (extended ACK), if it gave one."""

    slug = "kernel"
    exit_code = 5

    def __init__(self, operation: str, subject: str, errno: int, kernel_says: str = "", *, help: str = "") -> None:  # noqa: A002
        name = _errno.errorcode.get(errno, str(errno))
        reason = kernel_says or os.strerror(errno)
        super().__init__(f"{operation} {subject}: {reason} ({name})", where=subject, why=kernel_says, help=help)
        self.operation, self.subject, self.errno, self.kernel_says = operation, subject, errno, kernel_says
