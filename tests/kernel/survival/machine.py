"""A machine for a test: namespaces of its own in which `vethlab` runs as on a real one.

Its process namespace makes "nothing is left" exact: whatever runs in it and is not its init was left. Its network namespace has abstract
sockets, links, rules and settings of its own, its mount namespace (as root) a /run of its own. Rule of the file: what a lab left is asked
from /proc, `ip` and `nft`, never from vethlab.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.kernel.survival.corpus import told

PROGRAM = (sys.executable, "-m", "vethlab")
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
INIT = (
    "import os, signal, subprocess, sys; signal.signal(signal.SIGCHLD, signal.SIG_DFL)\n"
    "os.geteuid() or subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'run', '/run'], check=True)\n"
    "os.path.exists('/run/lock') or os.geteuid() or os.mkdir('/run/lock', 0o1777)\n"
    "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"  # collects its orphans by itself
    "sys.stdout.write('ready\\n'); sys.stdout.flush()\n"
    "while True: signal.pause()\n"
)
SECONDS = 60.0
Done = subprocess.CompletedProcess[str]


class Started:
    """A program inside the machine. `pid` is its number on the outside; its parent is nsenter(1), which passes its end on."""

    def __init__(self, outer: subprocess.Popen[str]) -> None:
        self.outer = outer
        until(lambda: _children(outer.pid) or outer.poll() is not None, "nothing was started", step=0.0005)
        self.pid = next(iter(_children(outer.pid)), 0)

    def send(self, number: int) -> None:
        """Signal the program itself, if it still runs."""
        if self.pid and self.outer.poll() is None and self.pid in _children(self.outer.pid):
            os.kill(self.pid, number)

    def is_over(self) -> bool:
        """Whether the program itself has ended, which it may do after its parent."""
        return not Path(f"/proc/{self.pid}").exists()

    def end(self, seconds: float = SECONDS) -> tuple[int, str, str]:
        """Wait: exit status (negative: the signal it died of), and what it wrote."""
        out, err = self.outer.communicate(timeout=seconds)
        return self.outer.returncode, out or "", err or ""


class Machine:
    """Namespaces of their own, and a directory for lab files."""

    def __init__(self, init: int, directory: Path, flags: Sequence[str]) -> None:
        self.init, self.directory, self.flags = init, directory, tuple(flags)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("VETHLAB")}
        kept.pop("COLUMNS", None)
        self.environment = {**kept, "LANG": "C.UTF-8", "PATH": PATH, "HOME": str(directory), "TMPDIR": "/tmp"}
        user = () if os.geteuid() == 0 else ("--user", "--preserve-credentials")
        self._enter = ("nsenter", "--target", str(init), *user, "--mount", "--net", "--pid", f"--wd={directory}", "--")

    def write(self, lab: str, text: str) -> str:
        """Write a lab file; its name."""
        (self.directory / f"{lab}.lab.yaml").write_text(f"name: {lab}\n{text}")
        return f"{lab}.lab.yaml"

    def start(self, *argv: str, **keys: Any) -> Started:
        """Start any program in the machine."""
        keys = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": self.environment, **keys}
        return Started(subprocess.Popen([*self._enter, *argv], text=True, **keys))

    def run(self, *argv: str, check: bool = True, **keys: Any) -> str:
        """Run any program in the machine to its end; what it printed."""
        keys = {"env": self.environment, "timeout": SECONDS, **keys}
        done = subprocess.run([*self._enter, *argv], text=True, capture_output=True, check=False, **keys)
        assert not check or done.returncode == 0, told(f"{argv}: {done.returncode} {done.stdout} {done.stderr}")
        return str(done.stdout)

    def words(self, verb: str, *words: str) -> tuple[str, ...]:
        """The command line of a verb, in this machine's mode."""
        return (*PROGRAM, verb, *(self.flags if verb == "up" else ()), *words)

    def begin(self, verb: str, *words: str, **keys: Any) -> Started:
        """Start vethlab."""
        return self.start(*self.words(verb, *words), **keys)

    def kill_up(self, who: str, moment: float) -> int:
        """Begin `up`, and after that many seconds SIGKILL it (`who` is up) or every keeper; the exit status of `up`."""
        program = self.begin("up")
        time.sleep(moment)
        if who == "up":
            program.send(signal.SIGKILL)
        else:
            for pid, _ in self.keepers():
                self.run("kill", "-9", str(pid), check=False)
        return program.end()[0]

    def vethlab(self, verb: str, *words: str, env: dict[str, str] | None = None, before: Sequence[str] = ()) -> Done:
        """Run vethlab to its end, behind `before` (prlimit, for example)."""
        return subprocess.run(
            [*self._enter, *before, *self.words(verb, *words)], text=True, capture_output=True, check=False, timeout=SECONDS,
            stdin=subprocess.DEVNULL, env={**self.environment, **(env or {})},
        )

    def ok(self, verb: str, *words: str) -> str:
        """Run vethlab, which must end with 0; what it printed."""
        done = self.vethlab(verb, *words)
        assert done.returncode == 0, told(f"vethlab {verb} {' '.join(words)}: {done.returncode} {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, verb: str, *words: str) -> Any:
        """What vethlab prints as JSON."""
        return json.loads(self.ok(verb, *words, "-o", "json"))

    def labs(self) -> dict[str, int]:
        """The keepers that listen, by lab and in the machine's numbers: from /proc, as `ss -xlp` would tell."""
        return {lab: pid for pid, lab in self.keepers()}

    def keepers(self) -> list[tuple[int, str]]:
        """Every process that is a keeper: (pid, lab)."""
        found = []
        for pid, command in self.processes().items():
            words = command.split("\0")
            if any("vethlab.keep.keeper" in word for word in words):
                found.append((pid, next((word.rsplit("/", 1)[1] for word in words if word.startswith("vethlab/")), "")))
        return found

    def processes(self) -> dict[int, str]:
        """Everything that runs in the machine but its init: pid there -> command line, its words ended by NUL."""
        found = {}
        proc = Path(f"/proc/{self.init}/root/proc")
        for entry in proc.iterdir():
            if entry.name.isdigit() and entry.name != "1":
                try:
                    if (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                        found[int(entry.name)] = (entry / "cmdline").read_text()
                except OSError:
                    continue  # gone meanwhile
        return found

    def is_empty(self) -> bool:
        """Whether nothing runs here any more."""
        return not self.processes()

    def must_be_empty(self, when: str) -> None:
        """Nothing but the init runs here, or will within a moment. Who holds no process and no name holds no namespace either."""
        until(self.is_empty, lambda: f"left {when}: {self.processes()}")

    def must_see_the_end_of(self, pid: int) -> None:
        """That process is gone, or will be within a moment: PID 1 of a namespace ends all others in it first."""
        until(lambda: pid not in self.processes(), f"{pid} is still there")

    def names(self) -> set[str]:
        """What stands under /run/netns (root's machines only)."""
        directory = Path(f"/proc/{self.init}/root/run/netns")
        return set(os.listdir(directory)) if os.geteuid() == 0 and directory.is_dir() else set()  # noqa: PTH208 - names are meant

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        """Signal a process by the machine's number."""
        self.run("kill", f"-{number:d}", str(pid))


@contextmanager
def machine(directory: Path, mode: str, *, mapped: bool = False) -> Iterator[Machine]:
    """A machine; everything in it ends with the test, whatever the test did.

    `mapped`: an ordinary user is root of it, so that the test can give it a network; its labs are rootless all the same.
    """
    as_root = os.geteuid() == 0
    kinds = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
    user = () if as_root else ("--user", "--map-root-user" if mapped else "--map-current-user")
    with subprocess.Popen(["unshare", *user, *kinds, sys.executable, "-c", INIT], stdout=subprocess.PIPE, text=True) as outer:
        try:
            assert outer.stdout is not None
            assert "ready\n" == outer.stdout.readline()
            (init,) = _children(outer.pid)
            yield Machine(init, directory, ("--rootless",) if mode == "rootless" and (as_root or mapped) else ())
        finally:
            outer.kill()


def until(happened: Callable[[], object], else_say: Any, seconds: float = 10.0, step: float = 0.005) -> None:
    """Wait for a fact; a failure says what was not so."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, told(str(else_say() if callable(else_say) else else_say))
        time.sleep(step)


def wait_for_handlers(program: Started) -> None:
    """Until the program answers signals itself (proc(5): SigCgt); before that Python starts, and nothing is there to be cleaned up."""

    def handles() -> bool:
        try:
            status = Path(f"/proc/{program.pid}/status").read_text()
        except OSError:
            return True
        caught = next((int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt:")), 0)
        return bool(caught >> (signal.SIGTERM - 1) & 1) or program.outer.poll() is not None

    until(handles, "the program handles no signals", step=0.0005)


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def lacks(*tools: str) -> list[str]:
    """Which of these are not on the PATH."""
    return [tool for tool in tools if shutil.which(tool, path=PATH) is None]
