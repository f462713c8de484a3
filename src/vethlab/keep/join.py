"""Steps into a node and runs something there: `exec`, `sh`, and the launcher of the Python API.

Enter: a view and an argument list. Leaves: the exit status as a shell tells it (128 + signal, 127 not found, 126 not executable), or 125
if the node could not be entered.
Rule of the file: two processes, as a pid namespace is entered by children only (setns(2)): the child becomes the command, in the caller's
session and process group, so that the terminal is simply its own; the parent waits and hands signals on. The file is light: it is also
run as `python -I -S -E` for every command of the Python API.
"""

from __future__ import annotations

import errno
import os
import sys

from vethlab.keep.execute import execute
from vethlab.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
    from collections.abc import Mapping, Sequence

    from vethlab.keep.scope import View
else:
    import _signal as signals  # the signal module brings enum with it

NOT_ENTERED = 125
_SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from vethlab.keep.join import main; main({})"
_HANDED_ON = (signals.SIGTERM, signals.SIGHUP, signals.SIGUSR1, signals.SIGUSR2)
_LEFT_TO_THE_CHILD = (signals.SIGINT, signals.SIGQUIT, signals.SIGTSTP)
_HELD_BACK = {*_HANDED_ON, *_LEFT_TO_THE_CHILD}
_IGNORED_BY_PYTHON = (signals.SIGPIPE, signals.SIGXFSZ)


def enter_and_exec(view: View, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str | None = None) -> int:
    """Run a command in a node on this process's own terminal and wait for it; the exit status as a shell tells it.

    The process must have one thread only, and is in the node's namespaces afterwards: exit soon. HostError if they cannot be entered.
    """
    try:
        _enter(view.descriptors())
        return _run(view.hostname, argv, os.environ if env is None else env, cwd)
    except OSError as error:
        from vethlab.errors import HostError  # noqa: PLC0415 - the launcher has no use for it

        threads = "; a process with a second thread may not enter a user namespace" if view.user is not None else ""
        raise HostError(f"cannot enter node {view.hostname}", where=view.hostname, why=f"{_reason(error)}{threads}") from error


def launcher_argv(view: View, argv: Sequence[str], *, bound: bool = False) -> tuple[list[str], tuple[int, ...]]:
    """What to give subprocess.Popen to run a command in a node, from any thread: the argument list, and `pass_fds`.

    `bound`: the command is killed when the thread that starts it ends, SIGKILL included.
    """
    descriptors = view.descriptors()
    numbers = ",".join(map(str, descriptors))
    program = _PROGRAM.format(os.getpid() if bound else 0)
    return [sys.executable, "-I", "-S", "-E", "-c", program, _SOURCE, view.hostname, numbers, *argv], descriptors


def main(parent: int = 0) -> None:
    """The launcher: hostname, descriptors, command. `parent`: the process whose end ends this one and the command."""
    hostname, numbers, *argv = sys.argv[1:]
    descriptors = [int(number) for number in numbers.split(",")]
    try:
        cwd = os.getcwd()
    except OSError:
        cwd = "/"
    try:
        _enter(descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        if parent:
            syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signals.SIGKILL)  # after setns(2): new credentials would forget it
            if os.getppid() != parent:
                os._exit(128 + signals.SIGKILL)
        os._exit(_run(hostname, argv, os.environ, cwd, leave_streams=True))
    except OSError as error:
        os.write(2, f"vethlab: cannot enter node {hostname}: {_reason(error)}\n".encode())
        os._exit(NOT_ENTERED)


def _reason(error: OSError) -> str:
    """A pid namespace whose init is dead takes no child more: fork(2) fails with ENOMEM, which would mislead."""
    return "its lab has ended" if error.errno == errno.ENOMEM else str(error.strerror)


def _enter(descriptors: Sequence[int]) -> None:
    """In the order in which they allow each other: the user namespace gives the right to the rest."""
    for descriptor in descriptors:
        syscalls.setns(descriptor)


def _run(hostname: str, argv: Sequence[str], env: Mapping[str, str], cwd: str | None, *, leave_streams: bool = False) -> int:
    waits, lives = os.pipe()
    signals.pthread_sigmask(signals.SIG_BLOCK, _HELD_BACK)  # none may arrive between the fork and the handlers
    child = os.fork()
    if child == 0:
        os.close(lives)
        _become(hostname, argv, env, cwd, waits)
    os.close(waits)
    for number in _HANDED_ON:
        signals.signal(number, lambda caught, _: _send(child, caught))
    for number in _LEFT_TO_THE_CHILD:
        signals.signal(number, signals.SIG_IGN)
    foreground = _foreground()
    signals.pthread_sigmask(signals.SIG_UNBLOCK, _HELD_BACK)
    if leave_streams:  # a pipe must look to its other end as if the command alone held it
        null = os.open("/dev/null", os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
    status = _wait(child, foreground)
    _take_terminal(foreground)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _become(hostname: str, argv: Sequence[str], env: Mapping[str, str], cwd: str | None, waits: int) -> None:
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signals.SIGKILL)
        os.set_blocking(waits, False)
        try:
            if os.read(waits, 1) == b"":  # the parent died before it could be promised to die with it
                os._exit(128 + signals.SIGKILL)
        except BlockingIOError:
            pass  # it lives; getppid() cannot tell, it is 0 for a parent outside the pid namespace
        syscalls.unshare(syscalls.CLONE_NEWUTS)
        syscalls.sethostname(hostname[:64])
        for number in _IGNORED_BY_PYTHON:
            signals.signal(number, signals.SIG_DFL)
        signals.pthread_sigmask(signals.SIG_UNBLOCK, _HELD_BACK)
        try:
            os.chdir(cwd or "/")
        except OSError:
            os.chdir("/")  # not there in the node's view
        execute(argv, env)
    except BaseException as error:  # noqa: BLE001 - the child must not return into its parent's program
        os.write(2, f"vethlab: {error}\n".encode())
        os._exit(NOT_ENTERED)


def _send(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except ProcessLookupError:
        return


def _wait(child: int, foreground: int) -> int:
    """Its end. While the command is stopped (Ctrl-Z, `suspend`), this process stops too, so that the shell outside takes over.

    It stops only once it has seen the command stopped: would it obey the keyboard itself, `fg` could wake it before the command, and the
    stop of before would look like a new one.
    """
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return status
        if foreground:
            _take_terminal(foreground)
            signals.signal(signals.SIGTSTP, signals.SIG_DFL)
            os.kill(os.getpid(), signals.SIGSTOP if os.WSTOPSIG(status) == signals.SIGSTOP else signals.SIGTSTP)
            signals.signal(signals.SIGTSTP, signals.SIG_IGN)
            _send(child, signals.SIGCONT)


def _foreground() -> int:
    """The foreground process group of the terminal on standard input; 0 if there is none or it is not ours."""
    try:
        group = os.tcgetpgrp(0)
    except OSError:
        return 0
    return group if group == os.getpgrp() else 0


def _take_terminal(foreground: int) -> None:
    """Put the terminal back to this process's group: an interactive shell cannot give it back to a group outside its pid namespace."""
    if foreground:
        before = signals.signal(signals.SIGTTOU, signals.SIG_IGN)
        try:
            os.tcsetpgrp(0, foreground)
        except OSError:
            return  # the terminal is gone
        finally:
            signals.signal(signals.SIGTTOU, before)
