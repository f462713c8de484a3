"""A node of a running lab, as tests use it: run things in it, open sockets in it, ping from it.

Rule of the file: nothing here moves the calling thread into another namespace. Commands run through a small launcher process, sockets are
made inside the namespace by the keeper and handed over; so it works from threads and beside a running asyncio loop.
"""

from __future__ import annotations

import shlex
import socket as sockets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from vethlab.errors import NotFoundError
from vethlab.keep.join import launcher_argv

if TYPE_CHECKING:
    from vethlab.lab.facade import Lab
    from vethlab.model.path import Result as PathResult

Files = int | IO[Any] | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a command left: exit status (`rc`, 128 + signal if it was killed) and its two outputs as text."""

    rc: int
    stdout: str
    stderr: str

    def __bool__(self) -> bool:
        return self.rc == 0

    def json(self) -> Any:
        """Standard output, decoded."""
        import json  # noqa: PLC0415 - few callers need it

        return json.loads(self.stdout)

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


class Node:
    """One node of a running lab; `lab["a"]` makes it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name

    def __repr__(self) -> str:
        return f"<Node {self.name} of {self.lab.name}>"

    def popen(
        self, command: str | Sequence[str], *, stdin: Files = None, stdout: Files = None, stderr: Files = None,
        env: Mapping[str, str] | None = None, cwd: str | None = None, text: bool = True,
    ) -> subprocess.Popen[Any]:
        """Start a command in the node; a string is split as a shell would (shlex), not given to one."""
        argv = shlex.split(command) if isinstance(command, str) else list(command)
        view = self.lab.view(self.name)
        try:
            launcher, keep = launcher_argv(view, argv)
            return subprocess.Popen(launcher, pass_fds=keep, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd, text=text)
        finally:
            view.close()

    def exec(
        self, command: str | Sequence[str], *, input: str | None = None, timeout: float | None = None,  # noqa: A002 - as in subprocess.run
    ) -> Result:
        """Run a command to its end. A failing command is a value; `timeout` (seconds) kills it and raises TimeoutExpired."""
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        with self.popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                stdout, stderr = process.communicate(input, timeout)
            except BaseException:
                process.kill()
                raise
        code = process.returncode
        return Result(code if code >= 0 else 128 - code, stdout, stderr)

    def socket(self, family: int = sockets.AF_INET, type: int = sockets.SOCK_STREAM, proto: int = 0) -> sockets.socket:  # noqa: A002 - as in socket.socket
        """A socket that lives in this node, whichever process or thread uses it."""
        return self.lab.namespaces.sockets([(self.name, int(family), int(type), proto)])[0]

    def ping(self, target: str | Node, *, timeout: float = 1.0) -> PathResult:
        """One echo request to a node, `node:interface` or address. Truthy through `.ok`."""
        name = target.name if isinstance(target, Node) else str(target)
        return self.lab.check([f"ping {self.name} -> {name}"], timeout=timeout).results[0]

    @property
    def log(self) -> str:
        """Where the output of the node's `run:` process is written. NotFoundError if it has none."""
        for status in self.lab.processes():
            if status.netns == self.name:
                return status.log
        raise NotFoundError(f"node `{self.name}` runs nothing", where=self.name, help="give it a `run:` in the lab file", slug="no-process")


def exec_in(lab: Lab, node: str, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> int:
    """Run a command in a node on this process's own terminal, for `exec` and `sh`; the exit status as a shell tells it.

    The calling process has to have one thread only: it forks and the child enters the node (setns(2) of a user namespace demands it).
    """
    from vethlab.keep.join import enter_and_exec  # noqa: PLC0415 - command line only
    from vethlab.lab.held import here  # noqa: PLC0415

    return enter_and_exec(lab.view(node), list(argv), env, here())
