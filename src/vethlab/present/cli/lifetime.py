"""A lab that ends with this program, however the program ends.

Enters: a lab that is up; leaves: nothing of it. Rule of the file: the lab is an ordinary one, so that other terminals reach it; a process
that waits for our end takes it down if we cannot.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from vethlab.errors import NotFoundError

if TYPE_CHECKING:
    from vethlab.lab import Lab

__all__ = ["ends_here"]


@contextmanager
def ends_here(lab: Lab) -> Iterator[None]:
    """Within, the lab is up; afterwards it is gone, also if this process is killed."""
    try:
        watcher, release = _watch(lab.name)
    except BaseException:  # an interrupt: the lab is up and nobody watches it yet
        lab.down()
        raise
    try:
        yield
    finally:
        try:
            with suppress(NotFoundError):  # somebody took it down already
                lab.down()
        finally:
            os.write(release, b"1")
            os.close(release)
            os.waitpid(watcher, 0)


def _watch(name: str) -> tuple[int, int]:
    """A process that takes the lab down if this one is killed: it waits for the end of a pipe that only we hold open."""
    waiting, release = os.pipe()
    child = os.fork()
    if child:
        os.close(waiting)
        return child, release
    status = 1
    try:
        os.setsid()  # Ctrl-C is for the program, not for us
        os.close(release)
        if not os.read(waiting, 1):
            from vethlab import lab

            with suppress(NotFoundError):
                lab.Lab.running(name).down()
        status = 0
    finally:
        os._exit(status)
