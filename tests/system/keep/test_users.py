"""Several users on one machine, limits, and the size of a keeper."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab.errors import HostError
from vethlab.keep.client import Keeper, Mode
from vethlab.keep.record import Record
from vethlab.keep.registry import found_labs, read_record

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
NOBODY = 65534
LAB = f"users-{os.getpid()}"
_AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable, "-c"]
_BUILD = """
import sys
from vethlab.keep.client import Keeper
from vethlab.keep.record import Record
keeper = Keeper.spawn(sys.argv[1], "rootless")
keeper.create(["a"])
keeper.put_record(Record(sys.argv[1], "rootless", text="theirs").encode())
keeper.commit()
print(keeper.pid)
"""


def as_nobody(script: str, *words: str) -> str:
    """Run Python as an ordinary user; what it printed."""
    return subprocess.run([*_AS_NOBODY, script, *words], capture_output=True, text=True, check=True, cwd="/").stdout


@pytest.fixture
def theirs() -> Iterator[int]:
    """The keeper of a lab of an ordinary user: its pid."""
    pid = int(as_nobody(_BUILD, LAB))
    yield pid
    os.kill(pid, signal.SIGKILL)


def test_root_sees_the_labs_of_all_users(theirs: int) -> None:
    """With their owner, their pid and their record."""
    (found,) = [one for one in found_labs() if one.name == LAB]
    assert (NOBODY, theirs) == (found.uid, found.pid)
    assert Record(LAB, "rootless", text="theirs") == read_record(found)


def test_a_user_sees_no_lab_of_root(theirs: int) -> None:
    """An ordinary user's list holds their own labs only."""
    with Keeper.spawn(f"{LAB}-root", "root"):
        seen = as_nobody("from vethlab.keep.registry import found_labs; print(*[one.name for one in found_labs()])").split()
    assert LAB in seen
    assert f"{LAB}-root" not in seen
    assert theirs > 0


def test_a_keeper_answers_nobody_but_its_owner(theirs: int) -> None:
    """A connection of another user, root's too, is closed without an answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.connect(f"\0vethlab/{NOBODY}/{LAB}")
        connection.settimeout(5)
        try:
            connection.send(b"quit")
            answer = connection.recv(100)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert (b"", True) == (answer, os.path.exists(f"/proc/{theirs}"))


def test_a_name_occupied_by_another_user_is_not_trusted() -> None:
    """Whoever listens on our lab's name is asked who it is before it is told anything."""
    occupy = (
        "import socket, sys; taken = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); taken.bind('\\0vethlab/0/' + sys.argv[1]); "
        "taken.listen(); print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([*_AS_NOBODY, occupy, f"{LAB}-taken"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(HostError, match="taken by a process of another user"):
            Keeper.connect(f"{LAB}-taken")
        with pytest.raises(HostError, match="taken by a process of another user"):
            Keeper.acquire(f"{LAB}-taken", "root")
        assert f"{LAB}-taken" not in [one.name for one in found_labs()]
        other.communicate()


@pytest.mark.parametrize("mode", ["root", "rootless"])
def test_a_keeper_of_a_thousand_namespaces_is_small(mode: Mode) -> None:
    """VmRSS under 10 MiB, the client raises its own limit of open files where it must, and one process holds them all."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    try:
        with Keeper.spawn(None, mode) as keeper:
            keeper.create([f"n{number}" for number in range(1000)])
            for number in range(20):
                keeper.view(f"n{number}").close()
            kilobytes = int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{keeper.pid}/status").read_text())[0])
            assert (1000, "") == (len(keeper.names()), Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children").read_text())
            keeper.end(wait=True)
        assert kilobytes < 10 * 1024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_too_low_a_hard_limit_is_said_before_anything_is_made() -> None:
    """With 300 open files allowed a lab of 100 nodes is refused with the number it needs."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))\n"
        "from vethlab.errors import HostError; from vethlab.keep.client import Keeper\n"
        "keeper = Keeper.spawn(None, 'rootless')\n"
        "try: keeper.create([f'n{number}' for number in range(100)])\n"
        "except HostError as error: print(error.slug, len(keeper.names()), error)"
    )
    assert "open-files 0 this lab needs 456 open files, and only 300 are allowed\n" == as_nobody(script)


def test_without_user_namespaces_the_help_says_where_to_look() -> None:
    """Where user namespaces are used up, `spawn` raises HostError (exit 3) with help."""
    script = (
        "from vethlab.errors import HostError; from vethlab.keep.client import Keeper\n"
        "try: Keeper.spawn(None, 'rootless')\n"
        "except HostError as error: print(error.exit_code, error.slug)"
    )
    inner = f'echo 0 > /proc/sys/user/max_user_namespaces; exec {sys.executable} -c "$0"'
    done = subprocess.run(["unshare", "--user", "--map-root-user", "sh", "-c", inner, script], capture_output=True, text=True, check=True)
    assert "3 namespace-limit\n" == done.stdout
