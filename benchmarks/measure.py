"""Runs subjects in processes of their own, interleaved and repeated, and keeps the best of each.

What enters: argument vectors whose last line of output is JSON. What leaves: `{key: minimum}` per subject, or rows of the report.
Rule of the file: the minimum of several runs, since everything else on a shared machine is somebody else's work; between two runs
the kernel has freed what the last one left, since building during a cleanup takes twice as long.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.floor import settle

ROOT = Path(__file__).resolve().parent.parent
VETHLAB = str(Path(sys.executable).with_name("vethlab"))
CLEAN = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. `at_least` says which side of `target` is good; `target` 0 means that none is set."""

    what: str
    ours: str
    other: str
    value: float
    unit: str
    target: float = 0.0
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is on the good side of its target."""
        return not self.target or (self.value >= self.target if self.at_least else self.value <= self.target)


def subject(module: str, *arguments: object) -> list[str]:
    """The command of a subject of this folder."""
    return [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]


def private(*command: object, interpreter: str = "") -> list[str]:
    """The same command in a PID, mount and network namespace of its own: names, processes and sysctls in there are nobody else's."""
    argv = [str(part) for part in command]
    if interpreter:
        argv[0] = interpreter
    inner = 'mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip link set dev lo up && exec "$@"'
    return ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", "-c", inner, "sh", *argv]


def result(argv: Sequence[str]) -> dict[str, float]:
    """Run one subject and return its numbers."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=CLEAN, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stderr}")
    numbers: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def quiet(patience: float = 2.0) -> None:
    """Wait, but not for ever, until the processors have been idle for a tenth of a second: others may be at work on this machine."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before = _idle()
        time.sleep(0.1)
        if _idle() - before >= 0.09 * (os.cpu_count() or 1):
            return


def _idle() -> float:
    """Seconds that all processors together have been idle (proc_uptime(5))."""
    return float(Path("/proc/uptime").read_text().split()[1])


def rounds(subjects: Mapping[str, Sequence[str]], times: int) -> dict[str, list[dict[str, float]]]:
    """The numbers of every subject in every round; in each round every subject runs once."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in subjects}
    for _ in range(times):
        for name, argv in subjects.items():
            settle()
            found[name].append(result(argv))
    return found


def best(subjects: Mapping[str, Sequence[str]], times: int) -> dict[str, dict[str, float]]:
    """The minimum of every number of every subject over `times` rounds."""
    return {name: {key: min(run[key] for run in runs) for key in runs[0]} for name, runs in rounds(subjects, times).items()}


def median(subjects: Mapping[str, Sequence[str]], times: int) -> dict[str, dict[str, float]]:
    """The median of every number: for what a person waits for, time-outs included."""
    found = rounds(subjects, times)
    return {name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in found.items()}


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def program(argv: Sequence[str], *, statuses: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run a program as a user would, its output kept."""
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=CLEAN, cwd=ROOT)
    if done.returncode not in statuses:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def milliseconds(value: float) -> str:
    """A duration for people, three digits."""
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
