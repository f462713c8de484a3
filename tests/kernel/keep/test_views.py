"""Nodes feel like machines: own /sys, /etc/hosts, /run, private directories, host name; and the way in by `exec` and the launcher."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.keep.keepers import Spawn, in_child, is_dead

from vethlab.errors import LabError
from vethlab.keep.client import Keeper, View
from vethlab.keep.join import enter_and_exec, launcher_argv

pytestmark = pytest.mark.kernel


def inside(keeper: Keeper, node: str, *argv: str, text: str | None = None) -> tuple[int, str, str]:
    """Run a command in a node by the launcher: status, output, error output."""
    view = keeper.view(node)
    launcher, kept = launcher_argv(view, argv)
    done = subprocess.run(launcher, pass_fds=kept, capture_output=True, text=True, input=text, check=False)
    view.close()
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def readable() -> Iterator[Path]:
    """A directory that the keeper of an ordinary user can see, outside pytest's own."""
    with tempfile.TemporaryDirectory(prefix="vethlab-test-") as path:
        yield Path(path)


def test_sys_shows_the_interfaces_of_the_node(spawn: Spawn) -> None:
    """/sys/class/net in a node is that of its own network namespace."""
    keeper = spawn("a", "b")
    keeper.run("a", ["ip", "link", "add", "name", "only-in-a", "type", "bridge"])
    assert (0, "lo\nonly-in-a\n", "") == inside(keeper, "a", "ls", "/sys/class/net")
    assert (0, "lo\n", "") == inside(keeper, "b", "ls", "/sys/class/net")


def test_cgroups_stay_visible(spawn: Spawn) -> None:
    """A fresh /sys would hide /sys/fs/cgroup, which container engines need."""
    assert "\n".join(sorted(os.listdir("/sys/fs/cgroup"))) == inside(spawn("a"), "a", "ls", "/sys/fs/cgroup")[1].strip()


def test_hosts_is_the_labs_and_changes_in_place(spawn: Spawn) -> None:
    """Every node reads the lab's /etc/hosts, a view made before the last change too; shorter text leaves no rest."""
    keeper = spawn("a", "b")
    keeper.set_hosts("10.0.0.1 a\n" * 10_000)
    assert "10.0.0.1 a\n" * 10_000 == inside(keeper, "a", "cat", "/etc/hosts")[1]
    keeper.set_hosts("10.0.0.2 b\n")
    assert ["10.0.0.2 b\n"] * 2 == [inside(keeper, node, "cat", "/etc/hosts")[1] for node in ("a", "b")]
    assert Path("/etc/hosts").read_text() != "10.0.0.2 b\n"


def test_a_resolver_of_the_labs(spawn: Spawn) -> None:
    """A view that is made after it was told reads it, where the machine's /etc/resolv.conf is; the machine's own stays."""
    keeper = spawn("a", "b")
    before = Path("/etc/resolv.conf").read_text()
    assert before == inside(keeper, "a", "cat", "/etc/resolv.conf")[1]
    keeper.set_hosts("", "nameserver 192.0.2.53\n")
    assert ["nameserver 192.0.2.53\n", before] == [inside(keeper, node, "cat", "/etc/resolv.conf")[1] for node in ("b", "a")]
    assert before == Path("/etc/resolv.conf").read_text()


def test_scopes_have_hosts_of_their_own(spawn: Spawn) -> None:
    """Two labs in one helper do not resolve each other's names."""
    keeper = spawn()
    scopes = [keeper.scope("x"), keeper.scope("x")]
    for number, scope in enumerate(scopes):
        scope.create(["a"])
        scope.set_hosts(f"10.0.0.{number} me\n")
    for number, scope in enumerate(scopes):
        view = scope.view("a")
        argv, kept = launcher_argv(view, ["cat", "/etc/hosts"])
        assert f"10.0.0.{number} me\n" == subprocess.run(argv, pass_fds=kept, capture_output=True, text=True, check=True).stdout
        view.close()
        scope.close()


def test_run_is_private_to_a_node(spawn: Spawn) -> None:
    """Two nodes may each have /run/daemon.pid, and the machine has none."""
    keeper = spawn("a", "b")
    for node in ("a", "b"):
        assert 0 == inside(keeper, node, "sh", "-c", f"echo {node} > /run/vethlab-test.pid && test -w /run/lock")[0]
    assert ["a\n", "b\n"] == [inside(keeper, node, "cat", "/run/vethlab-test.pid")[1] for node in ("a", "b")]
    assert not Path("/run/vethlab-test.pid").exists()


def test_private_directories_are_empty_and_own(spawn: Spawn, readable: Path) -> None:
    """What a node writes into a private directory is seen by no other; mode and owner are those of the directory it covers."""
    (readable / "given").write_text("from the machine")
    readable.chmod(0o1770)
    keeper = spawn("a", "b")
    keeper.set_private({"a": [str(readable)]})
    assert (0, "", "") == inside(keeper, "a", "ls", str(readable))
    assert (0, "1770 0 0\n", "") == inside(keeper, "a", "stat", "-c", "%a %u %g", str(readable))
    inside(keeper, "a", "touch", f"{readable}/made")
    assert (0, "given\n", "") == inside(keeper, "b", "ls", str(readable))
    assert ["given"] == os.listdir(readable)


def test_private_directories_change_with_the_lab(spawn: Spawn, readable: Path) -> None:
    """A view that exists gets a directory that becomes private, and loses one that no longer is."""
    (readable / "given").write_text("")
    keeper = spawn("a")
    seen = []
    for paths in ([], [str(readable)], [str(readable)], []):
        keeper.set_private({"a": paths})
        seen.append(inside(keeper, "a", "ls", str(readable))[1])
    assert ["given\n", "", "", "given\n"] == seen


def test_a_private_directory_must_exist(spawn: Spawn) -> None:
    """The keeper makes no directory on the machine: it says that there is none."""
    with pytest.raises(LabError, match="/no/such/place: no such directory"):
        spawn("a").set_private({"a": ["/no/such/place"]})


def test_processes_of_the_machine_are_not_seen(spawn: Spawn) -> None:
    """/proc in a node shows the lab only; the keeper is process 1."""
    keeper = spawn("a")
    status, out, _ = inside(keeper, "a", "sh", "-c", "ls -d /proc/[0-9]* | wc -l; cat /proc/1/cmdline | tr '\\0' ' '")
    count, command = out.split("\n", 1)
    assert (0, True) == (status, "vethlab.keep.keeper" in command)
    assert int(count) < 8


def test_a_node_has_its_name_as_host_name(spawn: Spawn) -> None:
    """The prompt of a shell says where one is."""
    assert (0, "a\n", "") == inside(spawn("a"), "a", "uname", "-n")


def test_two_views_are_made_once(spawn: Spawn) -> None:
    """The same node gives the same mount namespace; no process stays behind to hold it."""
    keeper = spawn("a", "b")
    views = [keeper.view(node) for node in ("a", "a", "b")]
    seen = [os.fstat(view.mount).st_ino for view in views]
    assert (seen[0], 2) == (seen[1], len(set(seen)))
    with open(f"/proc/{keeper.pid}/task/{keeper.pid}/children") as file:
        assert "" == file.read()
    for view in views:
        view.close()


@pytest.mark.parametrize(
    ("argv", "status"),
    [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137), (["sh", "-c", "kill -TERM $$"], 143),
     (["no-such-command"], 127), (["/etc/hosts"], 126), (["/no/such/file"], 127)],
)
def test_the_exit_status_passes_through(spawn: Spawn, argv: list[str], status: int) -> None:
    """As a shell tells it, by the launcher and by `exec` on a terminal alike."""
    keeper = spawn("a")
    view = keeper.view("a")

    def on_terminal() -> None:
        os._exit(enter_and_exec(view, argv))

    ended = os.waitstatus_to_exitcode(os.waitpid(in_child(on_terminal), 0)[1])
    assert (status, status) == (inside(keeper, "a", *argv)[0], ended)
    view.close()


def test_input_output_and_environment_pass_through(spawn: Spawn, readable: Path) -> None:
    """Standard input, the working directory and variables reach the command."""
    keeper = spawn("a")
    view = keeper.view("a")
    argv, kept = launcher_argv(view, ["sh", "-c", "cat; pwd; echo $WORD"])
    env = {**os.environ, "WORD": "x"}
    done = subprocess.run(argv, pass_fds=kept, capture_output=True, text=True, input="in\n", cwd=readable, env=env, check=True)
    assert f"in\n{readable}\nx\n" == done.stdout
    view.close()


def test_a_directory_that_is_not_in_the_view_is_replaced_by_the_root(spawn: Spawn) -> None:
    """The caller may stand in a directory that the node does not see, such as one below its private /tmp."""
    keeper = spawn("a")
    view = keeper.view("a")
    keeper.set_private({"a": ["/tmp"]})
    with tempfile.TemporaryDirectory(prefix="vethlab-test-", dir="/tmp") as here:
        argv, kept = launcher_argv(view, ["pwd"])
        assert "/\n" == subprocess.run(argv, pass_fds=kept, capture_output=True, text=True, cwd=here, check=True).stdout
    view.close()


def test_a_pipe_closes_when_the_command_closes_it(spawn: Spawn) -> None:
    """The launcher holds no end of the caller's pipes: a command that closes its output is seen to do so while it lives."""
    view = spawn("a").view("a")
    argv, kept = launcher_argv(view, ["sh", "-c", "exec >&-; sleep 1000"])
    with subprocess.Popen(argv, pass_fds=kept, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"" == process.stdout.read()
        assert process.poll() is None
        process.terminate()
    assert 143 == process.returncode
    view.close()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_command_ends_with_its_launcher(spawn: Spawn, end: signal.Signals) -> None:
    """Killing what subprocess started ends the command in the node too."""
    keeper = spawn("a")
    view = keeper.view("a")
    argv, kept = launcher_argv(view, ["sh", "-c", "echo ready; exec sleep 1000"])
    with subprocess.Popen(argv, pass_fds=kept, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
            (command,) = map(int, file.read().split())
        process.send_signal(end)
        assert is_dead(command)
    view.close()


def test_a_node_that_is_gone_is_said_to_be(spawn: Spawn) -> None:
    """A view whose lab ended meanwhile cannot be entered: a sentence and status 125, no traceback."""
    keeper = spawn("a")
    view = keeper.view("a")
    keeper.end()
    argv, kept = launcher_argv(view, ["true"])
    done = subprocess.run(argv, pass_fds=kept, capture_output=True, text=True, check=False)
    assert (125, True, 1) == (done.returncode, done.stderr.startswith("vethlab: "), done.stderr.count("\n"))
    view.close()


LONG = f"{os.getpid()}00"  # seconds: told from the sleeps of other tests, and of other runs beside this one


class Terminal:
    """A pseudo-terminal with a program on it; what it prints is collected."""

    def __init__(self, child: int, screen: int) -> None:
        self.child, self.screen, self.shown = child, screen, ""

    def types(self, text: str) -> None:
        """Press keys."""
        os.write(self.screen, text.encode())

    def until(self, word: str, seconds: float = 10.0) -> str:
        """Wait for a word; what was shown since the last one."""
        poll = select.poll()
        poll.register(self.screen, select.POLLIN)
        while word not in self.shown:
            if not poll.poll(seconds * 1000):
                pytest.fail(f"{word!r} did not appear: {self.shown!r}")
            try:
                self.shown += os.read(self.screen, 4096).decode()
            except OSError:
                pytest.fail(f"the terminal closed before {word!r}: {self.shown!r}")
        before, _, self.shown = self.shown.partition(word)
        return before

    def status(self) -> int:
        """The end of the program."""
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


def on_terminal(*argv: str, view: View | None = None) -> Terminal:
    """Start a program on a terminal of its own: in a node, or, without view, here."""
    import pty

    child, screen = pty.fork()
    if child == 0:
        try:
            signal.alarm(60)
            if view is None:
                os.execv(argv[0], argv)  # noqa: S606 - no shell is the point
            os._exit(enter_and_exec(view, argv))
        finally:
            os._exit(70)
    return Terminal(child, screen)


def test_a_shell_in_a_node_has_the_terminal(spawn: Spawn) -> None:
    """An interactive shell has job control: Ctrl-C ends its command, Ctrl-Z stops it, and the shell's status passes through."""
    view = spawn("a").view("a")
    terminal = on_terminal("bash", "--norc", "--noprofile", "-i", view=view)
    terminal.types("PS1='at-\\h> '; tty\n")
    terminal.until("/dev/pts/")
    terminal.until("at-a> ")
    terminal.types(f"sleep {LONG}1\n")
    terminal.until(f"{LONG}1\r\n")
    _until_asleep(f"{LONG}1")
    terminal.types("\x03")
    terminal.until("at-a> ")
    terminal.types("echo status=$?\n")
    terminal.until("status=130")
    terminal.types(f"sleep {LONG}2\n")
    _until_asleep(f"{LONG}2")
    terminal.types("\x1a")
    terminal.until("Stopped")
    terminal.until("at-a> ")
    terminal.types("kill -9 %1; disown %1; exit 9\n")  # a shell does not leave stopped jobs at the first `exit`
    assert 9 == _drained(terminal)
    view.close()


def test_ctrl_c_reaches_a_command_and_not_its_waiter(spawn: Spawn) -> None:
    """`exec NODE -- CMD` interrupted from the keyboard ends with the command's own status."""
    view = spawn("a").view("a")
    terminal = on_terminal("sh", "-c", "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 0.05; done", view=view)
    terminal.until("ready")
    terminal.types("\x03")
    terminal.until("caught")
    assert 3 == _drained(terminal)
    view.close()


def test_ctrl_z_gives_the_outer_shell_its_prompt(spawn: Spawn) -> None:
    """A command in a node that is stopped from the keyboard stops its waiter too; `fg` goes on with both."""
    keeper = spawn("a")
    keeper.commit()
    terminal = on_terminal("/bin/bash", "--norc", "--noprofile", "-i")
    script = "import sys; from vethlab.keep.client import Keeper; from vethlab.keep.join import enter_and_exec; "
    script += "keeper = Keeper.connect(sys.argv[1]); sys.exit(enter_and_exec(keeper.view('a'), ['sleep', '" + f"{LONG}3']))"
    terminal.types(f"PS1='outside> '; {sys.executable} -c \"{script}\" {_lab(keeper)}\n")
    _until_asleep(f"{LONG}3")
    terminal.types("\x1a")
    terminal.until("Stopped")
    terminal.until("outside> ")
    terminal.types("fg\n")
    terminal.until(f"{LONG}3")
    time.sleep(0.05)
    terminal.types("\x03")
    terminal.until("outside> ")
    terminal.types("echo status=$?; exit 4\n")
    terminal.until("status=130")
    assert 4 == _drained(terminal)
    keeper.end()


def _lab(keeper: Keeper) -> str:
    with open(f"/proc/{keeper.pid}/cmdline") as file:
        return file.read().split("\0")[-3].rpartition("/")[2]


def _until_asleep(argument: str) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and f"sleep\0{argument}\0" == Path(f"/proc/{entry}/cmdline").read_text():
                    return
            except OSError:
                continue
        time.sleep(0.01)
    pytest.fail(f"sleep {argument} did not start")


def _drained(terminal: Terminal) -> int:
    try:
        while os.read(terminal.screen, 4096):
            pass
    except OSError:
        pass  # the terminal closes with its last program (EIO)
    os.close(terminal.screen)
    return terminal.status()
