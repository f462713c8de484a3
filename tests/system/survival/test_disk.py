"""A full disk and directories that cannot be written: a lab needs neither, and what does need one says clearly what failed."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.survival.labs import EVERYTHING, PAIR
from tests.kernel.survival.machine import Machine

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
PLACES = ("HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")


@pytest.fixture(params=["full", "read-only"])
def stuck(request: pytest.FixtureRequest, here: Machine) -> Iterator[Machine]:
    """The working directory and every place that a program may write to is full (a tmpfs of 64 KiB), or read-only."""
    here.write("stuck", PAIR)
    text = (here.directory / "stuck.lab.yaml").read_text()
    here.run("mount", "-t", "tmpfs", "-o", "size=64k,mode=1777", "small", str(here.directory))
    inside = Path(f"/proc/{here.init}/root{here.directory}")
    (inside / "stuck.lab.yaml").write_text(text)
    if request.param == "full":
        here.run("sh", "-c", f"dd if=/dev/zero of={here.directory}/filler bs=1k count=100 2>/dev/null", check=False)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            (inside / "more").write_text("x")
    else:
        here.run("mount", "-o", "remount,ro", str(here.directory))
    # nsenter(1) changes into the directory before it enters the mount namespace
    here._enter = (*here._enter, "sh", "-c", f'cd {here.directory} && exec "$@"', "sh")
    here.environment |= dict.fromkeys(PLACES, str(here.directory))
    yield here
    here.run("umount", "-l", str(here.directory))


def test_a_lab_needs_no_disk(stuck: Machine) -> None:
    """up, check, plan, show, exec, ls, clean and down work; nothing is left."""
    stuck.ok("up")
    assert stuck.json("check")["ok"]
    assert [] == stuck.json("plan")["changes"]
    for words in (["show"], ["ls"], ["clean"], ["exec", "a", "--", "ip", "addr"], ["up"], ["doctor"]):
        stuck.ok(*words)
    stuck.ok("down", "stuck", "--wait")
    stuck.must_be_empty("by down")


@pytest.mark.parametrize("words", [["init", "pair", "new.lab.yaml"], ["check", "--junit", "report.xml"]])
def test_what_needs_a_disk_says_so(stuck: Machine, words: list[str]) -> None:
    """Writing a file fails with a message of ours, without a traceback and without half a file; a lab that runs goes on."""
    stuck.ok("up")
    done = stuck.vethlab(*words)
    assert done.returncode in {2, 3}, done
    assert (True, False) == ("error[file]" in done.stderr, "Traceback" in done.stderr), done.stderr
    left = Path(f"/proc/{stuck.init}/root{stuck.directory}/{words[-1]}")
    assert not left.exists() or left.stat().st_size == 0
    assert stuck.json("check")["ok"]
    stuck.ok("down", "stuck")
    stuck.must_be_empty("by down")


@pytest.mark.parametrize("options", ["remount,ro", "remount,size=4k"])
def test_names_that_cannot_be_written(here: Machine, options: str) -> None:
    """`up --names` on a /run that is full or read-only says so (3) or works; nothing half is left, and `up` without names works."""
    if here.flags:
        pytest.skip("names need root")
    here.write("stuck", EVERYTHING)
    here.run("mount", "-o", options, "/run")
    here.run("sh", "-c", "cat /dev/zero > /run/filler", check=False)
    done = here.vethlab("up", "--names")
    assert done.returncode in {0, 3}, done
    assert (done.returncode == 3) == ("error[" in done.stderr), done
    if done.returncode == 3:
        assert set() == here.names()
        here.must_be_empty("by names that could not be made")
        here.ok("up")
    here.ok("down", "stuck", "--wait")
    assert set() == here.names()
    here.must_be_empty("by down")


def test_logs_that_fill_their_disk(here: Machine) -> None:
    """A `run:` that writes without end fills the lab's own log space only: the lab still changes, and goes."""
    grown = "nodes: {a: {}, b: {run: yes}, n1..250: {}}\nnetworks:\n  br0: {subnet: 10.1.0.0/20, nodes: [a, b, n1..250]}\n"
    small = "nodes: {a: {}, b: {run: yes}}\nnetworks:\n  br0: {subnet: 10.1.0.0/20, nodes: [a, b]}\n"
    here.write("noisy", small)
    here.ok("up")
    keeper = Path(f"/proc/{here.init}/root/proc/{here.labs()['noisy']}/root/run/log")
    while os.statvfs(keeper).f_bfree:
        subprocess.run(["sleep", "0.05"], check=True)
    here.write("noisy", grown)
    here.ok("up")
    assert "n250" in here.ok("exec", "a", "--", "cat", "/etc/hosts")
    here.ok("down", "noisy", "--wait")
    here.must_be_empty("by down")
