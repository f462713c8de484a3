"""Becoming a command, or saying why not, as a shell does.

Enter: an argument list and an environment. Leaves: never.
Rule of the file: called in a forked child only. In a node everybody is root, whoever made the lab, and finds what root finds: directories
of system programs (nft, ip, bridge on Debian) that an ordinary user's PATH lacks stand behind his own.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # as sh(1) says it
SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def execute(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Replace this process, or end it with 126 or 127 and a word on standard error."""
    env = as_root(env)
    try:
        os.execvpe(argv[0], list(argv), dict(env))  # noqa: S606 - no shell is the point
    except OSError as error:
        found = _exists(argv[0], env)
        os.write(2, f"vethlab: {argv[0]}: {error.strerror if found else 'command not found'}\n".encode())
        os._exit(NOT_EXECUTABLE if found else NOT_FOUND)


def as_root(env: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with the directories of system programs in its PATH, behind what is there. Without a PATH it stays without."""
    given = env.get("PATH")
    if given is None:
        return env
    missing = [one for one in SYSTEM if one not in given.split(":")]
    return {**env, "PATH": ":".join([given, *missing] if given else missing)}


def _exists(program: str, env: Mapping[str, str]) -> bool:
    """Whether there is such a file at all: a PATH with a directory one may not search gives EACCES for names that exist nowhere."""
    if "/" in program:
        return os.path.exists(program)
    return any(os.path.exists(f"{directory}/{program}") for directory in env.get("PATH", os.defpath).split(":"))
