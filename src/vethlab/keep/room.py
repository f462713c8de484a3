"""Room for open files: a lab is two descriptors a node.

Enters: how many are needed; leaves: nothing, or HostError. Rule of the file: the soft limit is this process's to raise (getrlimit(2)), the
hard one is not.
"""

from __future__ import annotations

from vethlab.errors import HostError
from vethlab.keep.channel import LIMIT_HELP

_SPARE_DESCRIPTORS = 256


def make_room(descriptors: int) -> None:
    """Raise this process's soft limit of open files for that many more, up to the hard one; HostError if that is too low."""
    import resource  # noqa: PLC0415 - a small module, but most labs are smaller

    needed = descriptors + _SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise HostError(f"this lab needs {needed} open files, and only {hard} are allowed", help=LIMIT_HELP, slug="open-files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
