"""vethlab as a program: what a person waits for between pressing return and the prompt, and what stays in memory.

What enters: a lab file. What leaves: one JSON line: seconds of `up` and `down` as whole processes, seconds until the kernel has freed
everything, peak memory of `up`, memory of the keeper, processes that a running lab consists of.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import floor

VETHLAB = str(Path(sys.executable).with_name("vethlab"))
# A parent's memory counts in the peak of its child until exec, so a bare interpreter stands between.
PEAK = "import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ); _, status, used = os.wait4(pid, 0)\n"
PEAK += "print(used.ru_maxrss, os.waitstatus_to_exitcode(status))"


def keeper(lab: str) -> int:
    """The pid of the process that holds the lab: whoever listens on its name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect(f"\0vethlab/{os.getuid()}/{lab}")
        pid: int = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return pid


def resident(pid: int) -> int:
    """Peak resident memory of a process, KiB."""
    return next(int(line.split()[1]) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:"))


def family(pid: int) -> int:
    """A process and everything below it, counted."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return 1 + sum(family(int(child)) for child in children)


def peak(argv: list[str]) -> float:
    """Peak resident memory of a command, KiB."""
    done = subprocess.run([sys.executable, "-I", "-S", "-E", "-c", PEAK, *argv], check=True, capture_output=True, text=True)
    kib, status = done.stdout.split()[-2:]
    if status != "0":
        raise SystemExit(f"{argv} ended with {status}: {done.stderr}")
    return float(kib)


def main(file: Path) -> None:
    """Up, look, down, wait; then once more for the memory, since measuring it adds a process."""
    lab = file.read_text().split("\n", 1)[0].removeprefix("name: ")
    up, down = [VETHLAB, "up", str(file)], [VETHLAB, "down", "--lab", lab]
    t0 = time.perf_counter()
    subprocess.run(up, check=True, capture_output=True)
    t1 = time.perf_counter()
    pid = keeper(lab)
    numbers = {"up": t1 - t0, "keeper_kib": float(resident(pid)), "processes": float(family(pid))}
    t2 = time.perf_counter()
    subprocess.run(down, check=True, capture_output=True)
    t3 = time.perf_counter()
    floor.settle()
    numbers |= {"down": t3 - t2, "freed": time.perf_counter() - t2}
    numbers["peak_kib"] = peak(up)
    subprocess.run(down, check=True, capture_output=True)
    floor.settle()
    print(json.dumps(numbers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
