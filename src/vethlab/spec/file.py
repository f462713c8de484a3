"""Finds, reads and rewrites lab files. Enters: a path. Leaves: text, or UsageError.

Rule of the file: the only one of the layer that touches a disk. It writes whole files or nothing: whoever reads meanwhile, or after a
power cut, finds the old text or the new one.
"""

from __future__ import annotations

import os
import stat
from codecs import BOM_UTF8
from contextlib import suppress

from vethlab.errors import SpecError, SpecErrors, UsageError
from vethlab.spec.read import MAX_BYTES


def read_text(path: str) -> str:
    """The text of a lab file. Bytes that are not UTF-8 are a mistake of the file, with their place."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib costs an import on the way of `up`
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise UsageError(f"{path}: {reason}", where=path, slug="no-lab-file", help="write one with `vethlab init`") from error
    if len(content) > MAX_BYTES:
        raise _mistake(path, "too-large", f"a lab file has at most {MAX_BYTES // 1024 // 1024} MiB", content, 0)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"not UTF-8: the byte 0x{content[error.start]:02x} begins no character"
        raise _mistake(path, "not-utf8", message, content, error.start) from None


def write_text(path: str, text: str, *, was: str | None = None) -> None:
    """Replaces the text of a lab file, which keeps its mode, its owner and, where it has one, its byte order mark. Links are followed.

    `was`: the text that the new one was made from. UsageError if the file says something else by now: nobody's saving is lost.
    """
    import tempfile  # noqa: PLC0415 - only `fix --write` writes

    real = os.path.realpath(path)
    folder, name = os.path.split(real)
    fresh = ""
    try:
        with open(real, "rb") as old:  # noqa: PTH123 - as above
            kept, marked = os.fstat(old.fileno()), old.read(len(BOM_UTF8)) == BOM_UTF8
        number, fresh = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        with open(number, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            with suppress(PermissionError):  # only root may give a file away; then it is the writer's
                os.fchown(number, kept.st_uid, kept.st_gid)
            os.fchmod(number, stat.S_IMODE(kept.st_mode))
            file.write((BOM_UTF8 if marked else b"") + text.encode())
            file.flush()
            os.fsync(number)
        if was is not None and read_text(real) != was:
            raise UsageError(f"{path} was changed meanwhile", where=path, slug="file", help="the file is as it was")
        os.replace(fresh, real)  # noqa: PTH105 - as above
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise UsageError(f"{path}: {reason}", where=path, slug="file", help="the file is as it was") from error
    finally:
        with suppress(OSError):  # it has its name, or it never gets it
            os.unlink(fresh)  # noqa: PTH108 - as above


def _mistake(path: str, slug: str, message: str, content: bytes, at: int) -> SpecErrors:
    """One mistake at byte `at`."""
    before = content[:at]
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    error = SpecError(message, slug=slug, path=path, line=before.count(b"\n") + 1, column=column, why="here",
    help="a lab file is text in UTF-8")
    return SpecErrors([error], path=path, text=content[: MAX_BYTES // 64].decode("utf-8", "replace"))


def lab_file(directory: str, suffix: str) -> str:
    """The one file in `directory` whose name ends so."""
    try:
        names = sorted(name for name in os.listdir(directory) if name.endswith(suffix) and not name.startswith("."))  # noqa: PTH208 - as above
    except OSError as error:
        raise UsageError(f"{directory}: {error.strerror}", where=directory, slug="no-lab-file") from error
    if len(names) == 1:
        return names[0] if directory == "." else os.path.join(directory, names[0])  # noqa: PTH118 - as above
    if not names:
        raise UsageError(f"there is no *{suffix} in {'this directory' if directory == '.' else directory}", where=directory,
                         slug="no-lab-file",
                         help="write one with `vethlab init`, or name a file")
    raise UsageError(f"there are {len(names)} lab files: {', '.join(names)}", where=directory, slug="several-lab-files",
                     help="name the one you mean")
