"""Starts an envoy: a process of the lab that stays in the network namespace of whoever starts it, with a hand in one of the lab's (pasta).

Enter: a view of that namespace, and an argument list in which NETNS stands for it. Leaves: how the program ended; a daemon has then put
itself in the background, and is a child of the keeper.
Rule of the file: it is a member of the keeper's process namespace, so it ends with the keeper in every way. Its namespace is named by the
/proc path of a process that stands in it meanwhile, the only kind of path that pasta's AppArmor profile lets it open; and that process has
given up all its capabilities, because the kernel lets nobody look through another's /proc who may do less (cap_ptrace_access_check).
"""

from __future__ import annotations

import errno
import os
import sys

from vethlab.keep.execute import execute
from vethlab.keep.scan import ENVOY
from vethlab.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
    from collections.abc import Sequence
    from typing import NoReturn

    from vethlab.keep.scope import View
    from vethlab.kernel.port import Finished
else:
    import _signal as signals  # the signal module brings enum with it

NETNS = "{netns}"
TIMED_OUT, NOT_ENTERED = 124, 125
_SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from vethlab.keep.envoy import main; main()"
_IGNORED_BY_PYTHON = (signals.SIGPIPE, signals.SIGXFSZ)  # pasta takes an ignored SIGPIPE for a failure


def send(view: View, argv: Sequence[str], seconds: float) -> Finished:
    """Start a program on this side of a namespace and wait until it has ended, or gone into the background. The view is closed."""
    import subprocess  # noqa: PLC0415 - few labs have an envoy

    from vethlab.keep.memfd import content  # noqa: PLC0415 - the launcher has no use for it
    from vethlab.kernel.port import Finished  # noqa: PLC0415 - as above

    descriptors = [*([view.user] if view.user is not None else []), view.pid, view.net]
    words = os.memfd_create("vethlab-envoy")
    program = [sys.executable, "-I", "-S", "-E", "-c", _PROGRAM, _SOURCE, ",".join(map(str, descriptors)), *argv]
    try:
        with subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=words, stderr=words, pass_fds=descriptors) as launcher:
            try:
                status = launcher.wait(seconds)
            except subprocess.TimeoutExpired:
                launcher.kill()
                status = TIMED_OUT
        return Finished(status, "", content(words).decode("utf-8", "replace"))
    finally:
        os.close(words)
        view.close()


def main() -> NoReturn:
    """The launcher: descriptors, command."""
    numbers, *argv = sys.argv[1:]
    *before, net = [int(number) for number in numbers.split(",")]
    try:
        for descriptor in before:
            syscalls.setns(descriptor)
        path, release = _stand_in(net)
        argv = [path if word == NETNS else word for word in argv]
        child = os.fork()  # a process namespace is entered by children only
        if child == 0:
            _become(argv, net)
        _, status = os.waitpid(child, 0)
        os.close(release)
    except OSError as error:
        os.write(2, f"vethlab: cannot enter the lab: {error.strerror}\n".encode())
        os._exit(NOT_ENTERED)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _stand_in(net: int) -> tuple[str, int]:
    """A process in the namespace, as a path and the descriptor whose closing ends it."""
    told, tells = os.pipe()
    waits, release = os.pipe()
    if os.fork() == 0:
        os.close(release)
        try:
            syscalls.setns(net, syscalls.CLONE_NEWNET)
            syscalls.drop_capabilities()
            syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)  # entering a user namespace cleared it, and nobody could look into its /proc
            os.write(tells, os.readlink("/proc/self").encode())
        except OSError:
            os._exit(1)
        os.close(tells)
        os.read(waits, 1)
        os._exit(0)
    os.close(tells)
    os.close(waits)
    number = os.read(told, 32).decode()
    os.close(told)
    if not number:
        raise OSError(errno.EPERM, "its namespace cannot be entered")
    return f"/proc/{number}/ns/net", release


def _become(argv: Sequence[str], net: int) -> NoReturn:
    for number in _IGNORED_BY_PYTHON:
        signals.signal(number, signals.SIG_DFL)
    os.setsid()
    execute(argv, {**os.environ, ENVOY: str(os.fstat(net).st_ino)})
