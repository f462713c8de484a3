"""`vethlab run [FILE] -- CMD`."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from vethlab.errors import UsageError
from vethlab.present.cli.choose import lab_file, mode
from vethlab.present.cli.command import option, verb
from vethlab.present.cli.complete import lab_files
from vethlab.present.cli.tail import TailCommand, argv_argument
from vethlab.present.cli.terminal import progress

if TYPE_CHECKING:
    import subprocess

__all__ = ["command"]


@verb("run", cls=TailCommand, examples=("vethlab run -- pytest", "vethlab run web3.lab.yaml -- vethlab exec web -- curl -s db"))
@click.argument("file", required=False, type=click.Path(), shell_complete=lab_files)
@argv_argument()
@option("--root/--rootless", default=None, help="As root, or as an ordinary user; chosen by itself otherwise.")
def command(file: str | None, argv: tuple[str, ...], *, root: bool | None) -> int:
    """Bring a lab up for one command, and down after it.

    The command runs where you are, not in a node; VETHLAB_LAB is set, so `vethlab exec NODE -- ...` in it reaches the lab. The exit status
    is the command's. The lab ends with this program, also if it is killed.
    """
    if not argv:
        raise UsageError("no command to run", help="vethlab run [FILE] -- CMD")
    from vethlab import lab

    one = lab.Lab.load(lab_file(file), mode=mode(root=root))
    with progress(f"{one.name}: building"):
        one.up(detach=False)
    try:
        return _run(argv, {**os.environ, "VETHLAB_LAB": one.name})
    finally:
        one.down()


def _run(argv: Sequence[str], environment: dict[str, str]) -> int:
    import subprocess

    try:
        child = subprocess.Popen(argv, env=environment)
    except FileNotFoundError as error:
        raise UsageError(f"no such command: {argv[0]}") from error
    except PermissionError as error:
        raise UsageError(f"cannot run {argv[0]}: permission denied") from error
    # Ctrl-C goes to the whole foreground group: the command decides, we wait for it. SIGTERM is ours alone, so it is passed on.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    try:
        return _status(child)
    finally:
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])


def _status(child: subprocess.Popen[bytes]) -> int:
    status = child.wait()
    return status if status >= 0 else 128 - status
