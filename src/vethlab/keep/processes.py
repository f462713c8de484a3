"""The processes of a lab: short commands, the `run:` processes of nodes, and the end of both.

Enter: argument lists and names. Leave: exit statuses, to whoever waits.
Rule of the file: nothing here waits in the keeper itself. What takes time is a forked child, and its exit calls back.
"""

from __future__ import annotations

import os
import resource
from time import monotonic

from vethlab.keep import scan
from vethlab.keep.execute import NOT_EXECUTABLE, execute
from vethlab.keep.wire import SCOPE_END, Refusal
from vethlab.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as signals
    from collections.abc import Callable, Sequence

    from vethlab.keep.birth import Birth
    from vethlab.keep.holding import Holding
    from vethlab.keep.views import Views

    Ended = Callable[[int], None]
else:
    import _signal as signals  # the signal module brings enum with it

COMMAND_SECONDS = 30.0
LOGS = "/run/log"


class Running:
    """One `run:` process. `pid` is the keeper's number for it, `outside` the machine's."""

    def __init__(self, name: str, command: str, private: tuple[str, ...], mark: str) -> None:
        self.name, self.command, self.private, self.mark = name, command, private, mark
        self.pid = self.outside = 0
        self.exited: int | None = None

    def fields(self) -> tuple[str, ...]:
        """How the client reads it."""
        status = "" if self.exited is None else str(self.exited)
        return (self.name, self.command, str(self.outside), status, log_path(self.name), *self.private)


class Processes:
    """Children of the keeper and what to do when they end."""

    def __init__(self, birth: Birth, holding: Holding, views: Views, limit: tuple[int, int]) -> None:
        self._holding, self._views, self._limit = holding, views, limit
        self._outer_proc, self._own_proc = birth.outer_proc, birth.own_proc
        self._waiting: dict[int, Ended] = {}
        self._deadlines: dict[int, float] = {}
        self._running: list[Running] = []
        self._marks = 0

    def command(self, name: str, argv: Sequence[str], streams: Sequence[int], ended: Ended) -> int:
        """Start a short command in a namespace; `streams` become its standard descriptors. It is killed after 30 s."""
        held = self._holding.descriptor(name)

        def begin() -> None:
            syscalls.setns(held, syscalls.CLONE_NEWNET)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            execute(argv, os.environ)

        pid = self._fork(begin, ended)
        self._deadlines[pid] = monotonic() + COMMAND_SECONDS
        return pid

    def start(self, name: str, command: str, directory: str, private: tuple[str, ...]) -> None:
        """Start a `run:` process in the node's view; its output goes to the node's log."""
        for old in [old for old in self._running if (old.name, old.command) == (name, command)]:
            if old.exited is None:
                raise Refusal("lab", "start", name, 0, "it runs already")
            self._running.remove(old)
        held = self._holding.descriptor(name)
        if private:
            self._views.set_private(name, private)
        view, log = self._views.view(name), _open_log(name)
        self._marks += 1
        one = Running(name, command, private, f"{scan.MARK}={self._marks}")
        reader, writer = os.pipe()

        def begin() -> None:
            os.write(writer, os.readlink("self", dir_fd=self._outer_proc).encode())
            os.dup2(log, 1)
            os.dup2(log, 2)
            syscalls.setns(view, syscalls.CLONE_NEWNS)
            syscalls.setns(held, syscalls.CLONE_NEWNET)
            syscalls.unshare(syscalls.CLONE_NEWUTS)
            syscalls.sethostname(name.rpartition(SCOPE_END)[2].rpartition("/")[2])
            if os.path.isdir(directory):
                os.chdir(directory)
            execute(("/bin/sh", "-c", command), {**os.environ, scan.MARK: str(self._marks)})

        def ended(status: int) -> None:
            one.exited = status

        one.pid = self._fork(begin, ended)
        os.close(writer)
        os.close(log)
        one.outside = int(os.read(reader, 32) or b"0")
        os.close(reader)
        self._running.append(one)

    def stop(self, name: str, command: str, ended: Ended) -> None:
        """End a `run:` process and what it started, daemons too."""
        found = [one for one in self._running if (one.name, one.command) == (name, command)]
        if not found:
            raise Refusal("missing", "stop", f"{name}: {command}")
        self._running.remove(found[0])
        self._terminate(lambda: scan.marked(found[0].mark, found[0].pid, own_proc=self._own_proc), ended)

    def end_all_in(self, names: Sequence[str], ended: Ended) -> None:
        """End everything inside these namespaces; `ended` is called at once if there is nothing.

        In one that is the machine's own there may be anybody, children of the keeper on their way into a node too: nobody is ended there.
        """
        inodes = {os.fstat(self._holding.descriptor(name)).st_ino for name in names if name not in self._holding.joined}
        self._running = [one for one in self._running if one.name not in names]

        def targets() -> list[int]:
            return scan.inside(inodes, own_proc=self._own_proc)

        for pid in scan.serving(inodes, own_proc=self._own_proc):  # pasta is the init of a process namespace, deaf to gentler signals
            os.kill(pid, signals.SIGKILL)
        if targets():
            self._terminate(targets, ended)
        else:
            ended(0)

    def listing(self) -> list[Running]:
        """Every `run:` process started and not stopped."""
        return self._running

    def cancel(self, pid: int) -> None:
        """Kill a short command nobody waits for any more."""
        if pid in self._deadlines:
            self._kill_group(pid)

    def patience(self) -> float | None:
        """Seconds until the next deadline; None if there is none."""
        return None if not self._deadlines else max(0.0, min(self._deadlines.values()) - monotonic())

    def overdue(self) -> None:
        """Kill commands past their deadline."""
        now = monotonic()
        for pid in [pid for pid, deadline in self._deadlines.items() if deadline <= now]:
            self._kill_group(pid)

    def reap(self) -> None:
        """Collect every dead child, the orphans of the lab included, and call back."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._deadlines.pop(pid, None)
            ended = self._waiting.pop(pid, None)
            if ended is not None:
                code = os.waitstatus_to_exitcode(status)
                ended(code if code >= 0 else 128 - code)

    def _kill_group(self, pid: int) -> None:
        self._deadlines.pop(pid, None)
        os.kill(pid, signals.SIGKILL)  # not reaped yet, so the number is still its own
        try:
            os.killpg(pid, signals.SIGKILL)
        except ProcessLookupError:
            return

    def _terminate(self, targets: Callable[[], list[int]], ended: Ended) -> None:
        self._fork(lambda: scan.terminate(targets), ended)

    def _fork(self, begin: Callable[[], None], ended: Ended) -> int:
        pid = os.fork()
        if pid:
            self._waiting[pid] = ended
            return pid
        try:
            _forget_the_keeper(self._limit)
            begin()
        except BaseException as error:  # noqa: BLE001 - a child of the keeper never returns into its loop
            os.write(2, f"vethlab: {error}\n".encode())
            os._exit(NOT_EXECUTABLE)
        os._exit(0)


def log_path(name: str) -> str:
    """Where a node's `run:` writes, inside the keeper's mount namespace."""
    return f"{LOGS}/{name}.log"


def _open_log(name: str) -> int:
    path = log_path(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _forget_the_keeper(limit: tuple[int, int]) -> None:
    """What a child must not inherit: handlers, the wake-up pipe, Python's ignored SIGPIPE, the raised descriptor limit."""
    signals.set_wakeup_fd(-1)
    for number in (signals.SIGTERM, signals.SIGCHLD, signals.SIGINT, signals.SIGHUP, signals.SIGPIPE, signals.SIGXFSZ):
        signals.signal(number, signals.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    os.setsid()
