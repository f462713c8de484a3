"""`vethlab run [FILE] -- CMD`."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from shutil import which

import click

from vethlab.errors import LabError, UsageError
from vethlab.present.cli.choose import lab_file, lab_runs, mode
from vethlab.present.cli.command import option, verb
from vethlab.present.cli.complete import lab_files
from vethlab.present.cli.lifetime import ends_here
from vethlab.present.cli.tail import TailCommand, argv_argument
from vethlab.present.cli.terminal import progress

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
    if which(argv[0]) is None:
        raise UsageError(f"no such command: {argv[0]}", help="it is looked for in PATH, as a shell does")
    from vethlab import lab

    one = lab.Lab.load(lab_file(file), mode=mode(root=root))
    if lab_runs(one.name):
        raise LabError(f"lab `{one.name}` is running already", slug="lab-exists", help="`vethlab exec` reaches it; or take it down first")
    with progress(f"{one.name}: building"):
        created = one.up(detach=True).created
    if not created:  # somebody else built it in the meantime: it is not ours to take down
        return _run(argv, one.name)
    with ends_here(one):
        return _run(argv, one.name)


def _run(argv: Sequence[str], name: str) -> int:
    import subprocess

    try:
        child = subprocess.Popen(argv, env={**os.environ, "VETHLAB_LAB": name})
    except OSError as error:
        raise UsageError(f"cannot run {argv[0]}: {error.strerror}") from error
    # Ctrl-C goes to the whole foreground group: the command decides, we wait for it. The others may be ours alone, so they are passed on.
    before = [signal.signal(signal.SIGINT, signal.SIG_IGN)]
    before += [signal.signal(number, lambda caught, _: child.send_signal(caught)) for number in (signal.SIGTERM, signal.SIGHUP)]
    try:
        status = child.wait()
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
