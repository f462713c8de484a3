"""Limits of the machine: few descriptors, few processes, few namespaces. A clear message, and nothing left."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.kernel.survival.corpus import amount, told
from tests.kernel.survival.labs import EVERYTHING, PAIR
from tests.kernel.survival.machine import Machine, machine

pytestmark = [pytest.mark.kernel, pytest.mark.long]
MANY = "networks:\n  br0: {subnet: 10.7.0.0/20, nodes: [n1..250]}\n"
LOWER = "import sys; open('/proc/sys/user/max_net_namespaces', 'w').write(sys.argv[1])"


def refused(here: Machine, *before: str, status: int = 3) -> str:
    """`up` behind `before` must fail with that status and leave nothing; what it said."""
    done = here.vethlab("up", before=before)
    said = told(f"{before}: {done.returncode} {done.stdout}{done.stderr}")
    assert (status, "", True) == (done.returncode, done.stdout, done.stderr.startswith("error[")), said
    assert ("   = help: " in done.stderr, "Traceback" not in done.stderr) == (True, True), said
    here.must_be_empty(said)
    return done.stderr


@pytest.mark.parametrize("text", [PAIR, MANY])
def test_few_descriptors(here: Machine, text: str) -> None:
    """Under a hard limit of 64 open files the message names the limit and what is needed; nothing is left."""
    here.write("lab", text)
    assert "open files, and only 64 are allowed" in refused(here, "prlimit", "--nofile=64:64")


def test_any_number_of_descriptors(here: Machine) -> None:
    """Whatever the limit is, `up` of 19 nodes works or says why not; a running lab that grows past it is rolled back."""
    here.write("big", EVERYTHING)
    for limit in range(8, 360, amount(48, 4)):
        done = here.vethlab("up", before=("prlimit", f"--nofile={limit}:{limit}"))
        said = told(f"{limit} open files: {done.returncode} {done.stdout}{done.stderr}")
        if done.returncode == 0:
            assert [] == here.json("plan")["changes"], said
            here.ok("down", "big", "--wait")
        elif limit >= 16:  # below, the interpreter itself cannot load its modules
            assert (True, True) == (done.returncode in {3, 5}, done.stderr.startswith("error[")), said
        here.must_be_empty(said)


def test_a_running_lab_that_grows_past_the_limit_stays_as_it_was(here: Machine) -> None:
    """The keeper of a pair may open 264 files: `up` of 250 nodes from outside that limit fails, and the pair is as before."""
    small = here.write("many", PAIR)
    assert 0 == here.vethlab("up", before=("prlimit", "--nofile=264:264")).returncode
    here.write("many", MANY + PAIR + "nodes: [a, b, n1..250]\n")
    done = here.vethlab("up")
    assert (True, True) == (done.returncode in {3, 5}, "open files" in done.stderr), done.stderr
    here.write("many", PAIR)
    assert [] == here.json("plan", small)["changes"]
    assert here.json("check")["ok"]
    here.ok("down", "many", "--wait")
    here.must_be_empty("by down")


def test_few_processes(tmp_path: Path) -> None:
    """An ordinary user without a process to spare (RLIMIT_NPROC) is told so, and nothing is left."""
    if os.geteuid() == 0:
        pytest.skip("root is not held by this limit")
    with machine(tmp_path, "rootless") as here:
        here.write("pair", PAIR)
        assert "error[limit]" in refused(here, "prlimit", "--nproc=1:1")


@pytest.mark.parametrize("limit", [0, 1, 2, 5])
def test_no_namespace_to_spare(tmp_path: Path, limit: int) -> None:
    """In a user namespace that may have that many network namespaces, `up` of 19 nodes is refused by name of the limit; nothing stays."""
    inside = (
        "import subprocess, sys\n"
        f"exec({LOWER!r})\n"
        "done = subprocess.run([sys.executable, '-m', 'vethlab', 'up'], capture_output=True, text=True)\n"
        "print(done.returncode, done.stdout + done.stderr)\n"
    )
    (tmp_path / "big.lab.yaml").write_text(f"name: big{os.getpid()}\n{EVERYTHING}")
    kinds = ("--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
    done = subprocess.run(
        ["unshare", *kinds, sys.executable, "-c", inside, str(limit)], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )
    assert re.match(r"3 error\[namespace-limit\]", done.stdout), done
    assert "user.max_net_namespaces" in done.stdout


def test_nothing_of_two_hundred_killed_labs_is_held(tmp_path: Path) -> None:
    """Under a limit of 40 network namespaces a lab of 20 comes up and is killed again and again: were one held on, the next would fail."""
    inside = (
        "import contextlib, os, signal, subprocess, sys, time\n"
        "exec(" + repr(LOWER) + ")\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_DFL)\n"
        "def up():\n"
        "    return subprocess.run([sys.executable, '-m', 'vethlab', 'up', '-o', 'json'], capture_output=True, text=True)\n"
        "for turn in range(int(sys.argv[2])):\n"
        "    end = time.monotonic() + 10\n"
        "    while (done := up()).returncode:\n"  # the kernel frees namespaces a moment later
        "        assert time.monotonic() < end, (turn, done)\n"
        "        time.sleep(0.02)\n"
        "    for entry in os.listdir('/proc'):\n"
        "        with contextlib.suppress(FileNotFoundError, ProcessLookupError, NotADirectoryError):\n"
        "            if entry.isdigit() and b'vethlab.keep.keeper' in open(f'/proc/{entry}/cmdline', 'rb').read():\n"
        "                os.kill(int(entry), signal.SIGKILL)\n"
        "print('held nothing')\n"
    )
    (tmp_path / "big.lab.yaml").write_text(f"name: big{os.getpid()}\n{EVERYTHING}")
    kinds = ("--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
    done = subprocess.run(
        ["unshare", *kinds, sys.executable, "-c", inside, "40", str(amount(5, 200))], cwd=tmp_path, capture_output=True, text=True,
        check=False, timeout=3600,
    )
    assert "held nothing\n" == done.stdout, told(str(done))
