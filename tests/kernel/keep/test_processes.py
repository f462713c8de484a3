"""The `run:` processes of nodes: started with their log, watched, ended with all they started."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.kernel.keep.keepers import Spawn, is_dead

from vethlab.errors import LabError, NotFoundError
from vethlab.keep.client import Keeper
from vethlab.kernel.port import ProcessStatus
from vethlab.model.state import Process

pytestmark = pytest.mark.kernel


def until(true: Callable[[], bool], what: str) -> None:
    """Wait up to 5 s for something to become true."""
    end = time.monotonic() + 5
    while not true():
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within 5 s")
        time.sleep(0.005)


def only(keeper: Keeper) -> ProcessStatus:
    """The one process there is."""
    (status,) = keeper.processes()
    return status


def test_a_process_runs_in_the_view_and_logs(spawn: Spawn) -> None:
    """It sees the node's /etc/hosts, host name and /run; its owner reads the log at the path that is shown."""
    keeper = spawn("a")
    keeper.set_hosts("10.0.0.1 me\n")
    keeper.directory = "/usr"
    keeper.start("a", Process("cat /etc/hosts; uname -n; pwd; ls /run; echo bad >&2; sleep 1000"))
    until(lambda: "bad" in Path(keeper.log_path("a")).read_text(), "the log")
    assert "10.0.0.1 me\na\n/usr\nlock\nbad\n" == Path(only(keeper).log).read_text()


def test_its_pid_is_the_machines(spawn: Spawn) -> None:
    """The pid shown can be looked up with ps on the machine."""
    keeper = spawn("a")
    keeper.start("a", Process("exec sleep 1004"))
    status = only(keeper)
    until(lambda: b"sleep\x001004\x00" == Path(f"/proc/{status.pid}/cmdline").read_bytes(), "sleep")
    assert ("a", Process("exec sleep 1004"), None) == (status.netns, status.process, status.exited)


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("no-such-command", 127)])
def test_the_exit_status_is_kept(spawn: Spawn, command: str, code: int) -> None:
    """A process that died is still listed, with its status as a shell tells it."""
    keeper = spawn("a")
    keeper.start("a", Process(command))
    until(lambda: only(keeper).exited is not None, "its end")
    assert code == only(keeper).exited


def test_a_dead_process_may_be_started_again(spawn: Spawn) -> None:
    """Starting what died replaces it; starting what runs is an error."""
    keeper = spawn("a")
    keeper.start("a", Process("echo once; exit 1"))
    until(lambda: only(keeper).exited is not None, "its end")
    keeper.start("a", Process("echo once; exit 1"))
    until(lambda: Path(only(keeper).log).read_text() == "once\nonce\n", "the second start")
    keeper.start("a", Process("sleep 1000"))
    with pytest.raises(LabError, match="it runs already"):
        keeper.start("a", Process("sleep 1000"))


def test_stopping_ends_the_whole_family(spawn: Spawn) -> None:
    """The shell, its child, and a daemon that left session and parent end; another process of the node goes on."""
    keeper = spawn("a")
    family = Process("sleep 1005 & (setsid setsid sleep 1006 &) ; sleep 0.05; ps -e -o pid=,args=; wait")
    keeper.start("a", family)
    keeper.start("a", Process("exec sleep 1007"))
    pids = {status.process: status.pid for status in keeper.processes()}
    machine = _machine_pids(keeper, ["1005", "1006", "1007"])
    keeper.stop("a", family)
    assert [True, True, True] == [is_dead(pid, 0.5) for pid in (pids[family], machine["1005"], machine["1006"])]
    assert not is_dead(machine["1007"], 0)
    assert [Process("exec sleep 1007")] == [status.process for status in keeper.processes()]


def test_what_ignores_sigterm_is_killed(spawn: Spawn) -> None:
    """SIGTERM first, SIGKILL after about a second; the keeper answers others meanwhile."""
    keeper = spawn("a")
    stubborn = Process("trap '' TERM; while :; do sleep 0.1; done")
    keeper.start("a", stubborn)
    pid = only(keeper).pid
    time.sleep(0.1)  # the trap must be set
    before = time.monotonic()
    keeper.stop("a", stubborn)
    assert is_dead(pid, 0.5)
    assert 0.9 < time.monotonic() - before < 3


def test_a_process_that_obeys_is_given_time_to_say_goodbye(spawn: Spawn) -> None:
    """A handler of SIGTERM runs to its end."""
    keeper = spawn("a")
    polite = Process("trap 'sleep 0.1 && echo bye; exit 0' TERM; while :; do sleep 0.02; done 2>/dev/null")
    keeper.start("a", polite)
    time.sleep(0.1)
    keeper.stop("a", polite)
    assert "bye" == Path(keeper.log_path("a")).read_text().split()[-1]


def test_what_never_ran_cannot_be_stopped(spawn: Spawn) -> None:
    """NotFoundError names it."""
    with pytest.raises(NotFoundError, match="a: sleep 1"):
        spawn("a").stop("a", Process("sleep 1"))


def test_dropping_a_node_ends_what_runs_in_it(spawn: Spawn) -> None:
    """Its `run:` process and whatever else is inside die; the neighbour's go on."""
    keeper = spawn("a", "b")
    keeper.start("a", Process("trap '' TERM; (setsid sleep 1008 &); sleep 1000"))
    keeper.start("b", Process("exec sleep 1009"))
    machine = _machine_pids(keeper, ["1008", "1009"])
    keeper.drop(["a"])
    assert [True, False] == [is_dead(machine["1008"], 0.5), is_dead(machine["1009"], 0)]
    assert ["b"] == [status.netns for status in keeper.processes()]


def test_a_daemon_sees_ordinary_limits_and_signals(spawn: Spawn) -> None:
    """The keeper's raised descriptor limit and ignored signals are not passed on."""
    import resource

    keeper = spawn("a")
    keeper.start("a", Process("ulimit -Sn; grep SigIgn /proc/self/status; sleep 1000"))
    until(lambda: "SigIgn" in Path(keeper.log_path("a")).read_text(), "the log")
    limit, ignored = Path(keeper.log_path("a")).read_text().split("\n")[:2]
    assert str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]) == limit
    assert 0 == int(ignored.split()[1], 16) & 0x7FFFFFFF  # signals 1 to 31


def test_orphans_are_reaped(spawn: Spawn) -> None:
    """Grandchildren that outlive their parents leave no zombies: the keeper is their init."""
    keeper = spawn("a")
    keeper.start("a", Process("for i in 1 2 3 4 5; do (sleep 0.01 &) ; done; sleep 1000"))
    time.sleep(0.2)
    with open(f"/proc/{keeper.pid}/task/{keeper.pid}/children") as file:
        states = [re.findall(r"State:\t(\w)", Path(f"/proc/{pid}/status").read_text()) for pid in file.read().split()]
    assert [["S"]] == states


def test_a_command_of_a_client_that_is_gone_is_killed(spawn: Spawn, lab_name: str) -> None:
    """Nobody waits any more, so nothing goes on."""
    keeper = spawn("a")
    keeper.commit()
    other = Keeper.connect(lab_name)
    other._channel.tell("run", "a", "sleep", "1010")
    machine = _machine_pids(keeper, ["1010"])
    other.close()
    assert is_dead(machine["1010"])


def _machine_pids(keeper: Keeper, arguments: list[str]) -> dict[str, int]:
    """The machine's pid of `sleep ARGUMENT` for each, once all of them run."""
    own = os.stat(f"/proc/{keeper.pid}/ns/pid").st_ino
    found: dict[str, int] = {}

    def all_there() -> bool:
        for entry in os.listdir("/proc"):
            try:
                words = Path(f"/proc/{entry}/cmdline").read_bytes().decode().split("\0") if entry.isdigit() else []
                if words[:1] == ["sleep"] and words[1] in arguments and os.stat(f"/proc/{entry}/ns/pid").st_ino == own:
                    found[words[1]] = int(entry)
            except OSError:
                continue
        return set(found) == set(arguments)

    until(all_there, "the processes")
    return found
