"""How a keeper lives and dies: with its builder before `commit`, until told or killed after it; never leaving anything."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from tests.kernel.keep.keepers import Spawn, Witness, in_child, is_dead, link_vanishes

from vethlab.errors import HostError, NotFoundError
from vethlab.keep import launch
from vethlab.keep.client import Keeper, LabTakenError, Mode
from vethlab.keep.registry import found_labs, read_record
from vethlab.model.state import Process

pytestmark = pytest.mark.kernel
HARD_ENOUGH = 1000  # milliseconds a start may take on a busy machine


def test_killing_the_builder_frees_everything(lab_name: str, mode: Mode) -> None:
    """SIGKILL of an uncommitted lab's builder ends the keeper, what runs in it, and every namespace."""
    ours, theirs = socket.socketpair()

    def build() -> None:
        keeper = Keeper.spawn(lab_name, mode)
        keeper.create(["a", "b"])
        keeper.start("a", Process("sleep 1000"))
        witness = Witness(keeper, "b")
        socket.send_fds(theirs, [f"{keeper.pid} {keeper.processes()[0].pid}".encode()], [witness.socket.fileno()])
        signal.pause()  # still holding the keeper

    builder = in_child(build)
    data, (number,), _, _ = socket.recv_fds(ours, 100, 1)
    keeper_pid, process_pid = map(int, data.split())
    with socket.socket(fileno=number) as watch:
        assert not is_dead(process_pid, 0)
        os.kill(builder, signal.SIGKILL)
        os.waitpid(builder, 0)
        assert [True, True] == [is_dead(keeper_pid), is_dead(process_pid)]
        assert link_vanishes(watch, 20)
    ours.close()
    theirs.close()


def test_a_committed_lab_outlives_its_builder(lab_name: str, mode: Mode) -> None:
    """After `commit` another process finds the lab, its namespaces and its record."""

    def build() -> None:
        keeper = Keeper.spawn(lab_name, mode)
        keeper.create(["a"])
        keeper.put_record(b"what was built")
        keeper.commit()
        os._exit(0)

    assert 0 == os.waitpid(in_child(build), 0)[1]
    keeper = Keeper.connect(lab_name)
    assert (["a"], b"what was built", mode) == (sorted(keeper.names()), keeper.get_record(), keeper.mode)
    assert [keeper.pid] == [found.pid for found in found_labs() if found.name == lab_name]
    keeper.end()
    assert is_dead(keeper.pid, 0)
    with pytest.raises(NotFoundError, match=lab_name):
        Keeper.connect(lab_name)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_killing_the_keeper_ends_every_process_of_the_lab(spawn: Spawn, end: signal.Signals) -> None:
    """A `run:` process, its daemonised grandchild in a session of its own and the namespaces die with the keeper."""
    keeper = spawn("a")
    keeper.start("a", Process("(setsid setsid sleep 1001 >/dev/null 2>&1 &); exec sleep 1002"))
    keeper.commit()
    witness = Witness(keeper, "a")
    (status,) = keeper.processes()
    daemon = _wait_for(lambda: [pid for pid in _inside(keeper) if pid != status.pid and b"1001" in _command(pid)])[0]
    keeper.close()
    os.kill(keeper.pid, end)
    assert [True, True, True] == [is_dead(pid) for pid in (keeper.pid, status.pid, daemon)]
    assert witness.sees_the_end()


def test_ending_waits_for_the_last_process(spawn: Spawn) -> None:
    """When `end` returns, nothing of the lab runs any more, not even what ignores SIGTERM."""
    keeper = spawn("a")
    keeper.start("a", Process("trap '' TERM HUP; sleep 1000"))
    (status,) = keeper.processes()
    keeper.end()
    assert [True, True] == [is_dead(keeper.pid, 0), is_dead(status.pid, 0)]


def test_ending_can_wait_for_the_kernel(spawn: Spawn) -> None:
    """`end(wait=True)` returns after the namespaces are freed."""
    keeper = spawn("a", "b")
    witness = Witness(keeper, "a")
    keeper.end(wait=True)
    assert witness.sees_the_end(0.5)  # the kernel reports the ends of one batch one after the other


def test_of_two_builders_one_wins(lab_name: str, mode: Mode) -> None:
    """Eight threads start one lab at the same moment: exactly one succeeds, the others are told that it is taken."""
    barrier, won, lost = threading.Barrier(8), [], []

    def race() -> None:
        barrier.wait()
        try:
            won.append(Keeper.spawn(lab_name, mode))
        except LabTakenError as error:
            lost.append(error.slug)

    _all([threading.Thread(target=race) for _ in range(8)])
    assert (1, ["lab-exists"] * 7) == (len(won), lost)
    won[0].close()


def test_a_name_that_never_answers_is_an_error(lab_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who binds a lab's name and does not listen costs a bounded wait, not an endless one."""
    monkeypatch.setattr(launch, "START_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as squatter:
        squatter.bind(f"\0{launch.socket_name(lab_name, os.getuid())}")
        with pytest.raises(HostError, match="does not answer"):
            Keeper.acquire(lab_name, "rootless")


def test_everybody_gets_the_lab_in_turn(lab_name: str, mode: Mode) -> None:
    """`acquire` by six threads: one builds, the others wait for its commit and then write one after the other, never two at once."""
    new, inside, most = [], [0], [0]

    def work() -> None:
        keeper, created = Keeper.acquire(lab_name, mode)
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        new.append(created)
        if created:
            time.sleep(0.02)  # a builder takes time; the others must not see a half-built lab
            keeper.create(["a"])
            keeper.commit()
        assert {"a"} == keeper.names()
        inside[0] -= 1
        keeper.close()

    _all([threading.Thread(target=work) for _ in range(6)])
    assert ([False] * 5 + [True], 1) == (sorted(new), most[0])


def test_a_waiter_builds_when_the_builder_gives_up(lab_name: str, mode: Mode) -> None:
    """Whoever waits for a lab whose builder dies before `commit` becomes its builder."""
    first = Keeper.spawn(lab_name, mode)
    got: list[tuple[Keeper, bool]] = []
    waiter = threading.Thread(target=lambda: got.append(Keeper.acquire(lab_name, mode)))
    waiter.start()
    waiter.join(0.1)
    assert [] == got
    first.close()
    waiter.join()
    assert [True] == [created for _, created in got]
    assert first.pid != got[0][0].pid
    got[0][0].close()


def test_the_lock_is_waited_for_and_falls_with_its_holder(spawn: Spawn, lab_name: str) -> None:
    """A second writer waits until the first has unlocked or is gone."""
    keeper = spawn()
    keeper.commit()
    order: list[str] = []

    def second() -> None:
        with Keeper.connect(lab_name) as other:
            other.lock()
            order.append("second")

    keeper.lock()
    thread = threading.Thread(target=second)
    thread.start()
    thread.join(0.1)
    order.append("first")
    keeper.close()
    thread.join()
    assert ["first", "second"] == order


def test_the_lock_may_be_taken_again_by_its_holder(spawn: Spawn, lab_name: str) -> None:
    """Nested writers of one thread do not wait for themselves; the lock is free after the outermost."""
    keeper = spawn()
    keeper.commit()
    with keeper.lock(), keeper.lock():
        pass
    with Keeper.connect(lab_name) as other, other.lock():
        assert other.status().committed


def test_a_record_is_not_read_before_the_lab_is_whole(spawn: Spawn, lab_name: str) -> None:
    """`connect` to a lab that is being built gets its record at `commit`; from outside there is none yet."""
    keeper = spawn("a")
    got: list[bytes] = []

    def read() -> None:
        with Keeper.connect(lab_name) as other:
            got.append(other.get_record())

    thread = threading.Thread(target=read)
    thread.start()
    thread.join(0.1)
    assert [None] == [read_record(found) for found in found_labs() if found.name == lab_name]
    keeper.put_record(b"ready")
    keeper.commit()
    thread.join()
    assert [b"ready"] == got


def test_a_reader_of_a_lab_that_is_given_up_is_told(spawn: Spawn, lab_name: str) -> None:
    """Nobody waits for ever for a lab that will not be."""
    keeper = spawn("a")
    other = Keeper.connect(lab_name)
    keeper.close()
    with pytest.raises(NotFoundError) as caught:
        other.get_record()
    assert "keeper-gone" == caught.value.slug
    other.close()


def test_a_big_record_is_replaced_whole(spawn: Spawn) -> None:
    """A megabyte of record, and then a shorter one."""
    keeper = spawn()
    keeper.put_record(b"x" * 1_000_000)
    assert 1_000_000 == len(keeper.get_record())
    keeper.put_record(b"short")
    assert b"short" == keeper.get_record()


def test_no_child_is_left_to_the_builder(spawn: Spawn) -> None:
    """The program that started a keeper has no zombie of it, and the keeper is not its child."""
    keeper = spawn()
    with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children") as file:
        children = [int(pid) for pid in file.read().split()]
    assert keeper.pid not in children
    assert [] == [pid for pid in children if b"vethlab" in _command(pid)]


def test_a_keeper_holds_nothing_of_its_builder(lab_name: str, mode: Mode) -> None:
    """Its directory is the root, its streams are /dev/null, and an inheritable descriptor of the builder is closed."""
    number = os.memfd_create("stray", 0)
    os.set_inheritable(number, True)
    with Keeper.spawn(lab_name, mode) as keeper:
        files = {os.readlink(f"/proc/{keeper.pid}/fd/{entry}") for entry in os.listdir(f"/proc/{keeper.pid}/fd")}
        assert not [one for one in files if "stray" in one]
        assert ["/dev/null"] * 3 == [os.readlink(f"/proc/{keeper.pid}/fd/{stream}") for stream in range(3)]
        assert "/" == os.readlink(f"/proc/{keeper.pid}/cwd")
    os.close(number)


def test_a_bad_request_does_not_end_a_lab(spawn: Spawn) -> None:
    """Nonsense is answered with an error, and the lab goes on."""
    keeper = spawn("a")
    for words in (["no-such-operation"], ["sockets", "a", "x", "y", "z"], ["write", "a"], ["hosts", "x"], ["run"], ["stop", "a", "b"]):
        with suppress(Exception):
            keeper._channel.ask(*words)
            pytest.fail(f"{words} was accepted")
    assert {"a"} == keeper.names()


def test_the_helper_dies_with_its_process(mode: Mode) -> None:
    """SIGKILL of a Python program that holds a lab in process leaves no keeper, though a forked child of it lives on."""
    script = (
        "import os, signal, sys; from vethlab.keep.client import helper\n"
        "keeper = helper(sys.argv[1]); scope = keeper.scope('x'); scope.create(['a'])\n"
        "child = os.fork()\n"
        "if child == 0: signal.pause()\n"
        "assert helper(sys.argv[1]) is keeper\n"
        "print(keeper.pid, child, flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", script, mode], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        keeper_pid, child = map(int, program.stdout.readline().split())
        try:
            assert not is_dead(keeper_pid, 0)
            program.kill()
            assert is_dead(keeper_pid)
            assert not is_dead(child, 0)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_forked_child_pins_no_namespace(spawn: Spawn) -> None:
    """A child that was forked while the lab was open, and lives on, does not keep the namespaces after the lab ended."""
    keeper = spawn("a")
    witness = Witness(keeper, "a")
    child = in_child(signal.pause)
    try:
        keeper.end()
        assert witness.sees_the_end()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_forked_child_has_a_helper_of_its_own(mode: Mode) -> None:
    """Children of multiprocessing and of test runners do not talk over their parent's connection."""
    script = (
        "import os, sys; from vethlab.keep.client import helper\n"
        "mine = helper(sys.argv[1])\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    theirs = helper(sys.argv[1]); theirs.create(['a'])\n"
        "    os._exit(0 if theirs.pid != mine.pid else 1)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "print(os.waitstatus_to_exitcode(status), len(mine.names()))"
    )
    done = subprocess.run([sys.executable, "-c", script, mode], capture_output=True, text=True, check=True)
    assert "0 0\n" == done.stdout


def _wait_for(found: Callable[[], list[int]]) -> list[int]:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.005)
    pytest.fail("did not appear within 5 s")


def _inside(keeper: Keeper) -> list[int]:
    """The machine's pids of the lab's processes."""
    own = os.stat(f"/proc/{keeper.pid}/ns/pid").st_ino
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}/ns/pid").st_ino == own:
                found.append(int(entry))
    return found


def _command(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
