"""`vethlab ls`."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from vethlab.present.cli.command import output, verb
from vethlab.present.cli.table import print_table
from vethlab.present.cli.terminal import duration, errors, screen

if TYPE_CHECKING:
    from vethlab.lab import LabInfo

__all__ = ["command"]


@verb("ls", examples=("vethlab ls", "vethlab ls -o json"))
@output("text", "wide", "json")
def command(output: str) -> None:
    """List the running labs: yours, or as root everybody's."""
    from vethlab import lab

    found = sorted(lab.labs(), key=lambda one: (one.uid, one.name))
    if output == "json":
        from vethlab.present.cli.document import emit

        emit("ls", {"labs": [
            {
                "name": one.name, "mode": one.mode, "nodes": one.nodes, "links": one.links, "since": one.since, "file": one.file,
                "pid": one.pid, "uid": one.uid, "host": one.host,
            }
            for one in found
        ]})
        return
    if not found:
        errors().line("no lab is running")
        return
    wide = output == "wide" or {one.uid for one in found} != {os.getuid()}
    head = ("NAME", "MODE", "NODES", "LINKS", "UP FOR", *(("USER", "KEEPER") if wide else ()), "FILE")
    print_table(screen(), head, [_row(one, wide=wide) for one in found], right={2, 3})


def _row(one: LabInfo, *, wide: bool) -> tuple[str, ...]:
    more = (_user(one.uid), str(one.pid)) if wide else ()
    mode = one.mode if one.host == "private" else f"{one.mode}, on the machine"
    return (one.name, mode, str(one.nodes), str(one.links), duration(max(1, round(time.time() - one.since))), *more, one.file or "")


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
