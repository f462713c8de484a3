"""Where parts of /proc and /sys are hidden, as in containers, rootless labs work as far as the kernel lets them and say what is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vethlab.keep.client import Keeper

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
ROOT = Path(__file__).parents[3]
MASK = (
    "mount --make-rprivate / && mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && "
    'mount --bind /usr /sys/firmware && exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp "$@"'
)


def masked(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run as an ordinary user where a fresh proc and sysfs are refused (fs/namespace.c mount_too_revealing)."""
    return subprocess.run(["unshare", "--mount", "sh", "-c", MASK, "sh", *argv], capture_output=True, text=True, check=False, cwd=ROOT)


def test_what_is_refused_is_said_once() -> None:
    """The outer /proc and /sys are kept, with one sentence each; a sysctl that cannot be written is an error that names the way out."""
    script = (
        "from vethlab.keep.client import Keeper; from vethlab.errors import KernelError\n"
        "keeper = Keeper.spawn(None, 'rootless'); keeper.create(['a', 'b']); keeper.view('a'); keeper.view('b')\n"
        "print(*[warning.split(':')[0] for warning in keeper.status().warnings], sep='\\n')\n"
        "try: keeper.write_sysctls([('a', 'net.ipv4.ip_forward', '1')])\n"
        "except KernelError as error: print(error.help.split(',')[0])"
    )
    done = masked(sys.executable, "-c", script)
    said = ["/proc in nodes shows the machine's processes", "/sys in nodes shows the machine's interfaces", "/proc/sys is read-only here"]
    assert (said, "") == (done.stdout.splitlines(), done.stderr)


def test_processes_are_told_apart_by_the_machines_proc() -> None:
    """All that is proven of `run:` processes holds where the keeper reads the machine's /proc, whose pids are others than its own."""
    done = masked(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/kernel/keep/test_processes.py")
    assert 0 == done.returncode, done.stdout
    assert "14 passed" in done.stdout


def test_a_lab_from_outside_of_a_container() -> None:
    """In a PID namespace of one's own the labs around it are not listed, and their names are refused: they cannot be reached."""
    vethlab, name = Path(sys.executable).with_name("vethlab"), f"outside-{os.getpid()}"
    inside = ["unshare", "--pid", "--fork", "--mount-proc"]
    with Keeper.spawn(name, "root") as keeper:
        keeper.commit()
        listed = subprocess.run([*inside, vethlab, "ls", "-o", "json"], capture_output=True, text=True, check=True)
        assert name not in listed.stdout
        done = subprocess.run([*inside, vethlab, "down", name], capture_output=True, text=True, check=False)
        assert (3, True) == (done.returncode, "held outside of this PID namespace" in done.stderr)
        assert keeper.status().committed
        keeper.end()
