"""Which lab file and which running lab a command means when the user does not say all of it.

Rule of the file: `-l` or an argument first; then the lab of the one lab file in the directory; then the only running lab.
The name of a file's lab is read without parsing YAML where its line is plain, so that `exec` starts fast.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vethlab import spec
from vethlab.errors import NotFoundError, UsageError, VethlabError

if TYPE_CHECKING:
    from vethlab.lab import Lab

__all__ = ["files", "flag", "is_file", "lab_file", "lab_name", "lab_runs", "mode", "running"]

SUFFIX = ".lab.yaml"


def is_file(text: str) -> bool:
    """True if an argument names a lab file and not a lab: names hold neither `/` nor `.`."""
    return "/" in text or "." in text


def lab_file(given: str | None) -> str:
    """The lab file meant: `given`, else the directory's only `*.lab.yaml`. UsageError if there is none, or several."""
    if given is not None:
        if not os.path.isfile(given) and os.path.isfile(given + SUFFIX):
            return given + SUFFIX
        return given
    from vethlab import spec

    return spec.find()


def running(given: str | None) -> Lab:
    """The running lab meant. NotFoundError if it does not run, UsageError if several could be meant."""
    from vethlab import lab

    if given is not None:
        return lab.Lab.running(lab_name(given) if is_file(given) else given)
    found = files()
    if len(found) == 1:
        return _of_file(found[0])
    labs = [one for one in lab.labs() if one.uid == os.getuid()]
    if len(labs) == 1:
        return lab.Lab.running(labs[0].name)
    if labs:
        names = ", ".join(sorted(one.name for one in labs))
        raise UsageError(f"{len(labs)} labs are running: {names}", slug="which-lab", help="say which: -l LAB")
    raise NotFoundError("no lab is running", slug="no-lab", help="bring one up: vethlab up")


def flag(name: str) -> str:
    """What a hint has to add: ` -l NAME` where a command without it would mean another lab, or none."""
    from vethlab import lab

    found = files()
    if len(found) == 1:
        try:
            meant = lab_name(found[0]) == name
        except VethlabError:  # a file with mistakes, of some other lab
            meant = False
    else:
        meant = [one.name for one in lab.labs() if one.uid == os.getuid()] == [name]
    return "" if meant else f" -l {name}"


def lab_name(path: str) -> str:
    """The name of the lab a file describes."""
    with open(path, encoding="utf-8", errors="replace") as file:
        plain = spec.plain_name(file.read())
    return plain if plain is not None else spec.load(path).name


def lab_runs(name: str) -> bool:
    """Whether one's own lab of this name is up."""
    from vethlab import lab

    return any(one.name == name and one.uid == os.getuid() for one in lab.labs())


def mode(*, root: bool | None) -> str:
    """What `--root/--rootless` asks for."""
    return "auto" if root is None else "root" if root else "rootless"


def files() -> list[str]:
    """The lab files of this directory."""
    return sorted(name for name in os.listdir() if name.endswith(SUFFIX) and not name.startswith("."))


def _of_file(path: str) -> Lab:
    from vethlab import lab

    name = lab_name(path)
    try:
        return lab.Lab.running(name)
    except NotFoundError:
        others = sorted(one.name for one in lab.labs() if one.uid == os.getuid())
        also = f"; running: {', '.join(others)} (choose with -l LAB)" if others else ""
        raise NotFoundError(
            f"lab `{name}` of {path} is not running", slug="no-such-lab", help=f"bring it up: vethlab up{also}",
        ) from None
