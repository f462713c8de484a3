"""Those who look on at a lab: nobody, tcpdump, `vethlab capture`, and the rings that `why` opens for one probe.

What enters: a running lab. What leaves: for each, a context in which it looks at every interface of every namespace, and afterwards what it
says it saw and dropped. Rule of the file: the context begins when it has said that it looks, and ends when it is gone.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from benchmarks.measure import CLEAN, VETHLAB
from vethlab import Lab
from vethlab.model.flow import TCP, Flow, Side
from vethlab.model.journey import Observed
from vethlab.model.mark import Mark
from vethlab.observe.onlooker import look_on

_NUMBER = r"([\d,]+)"


@dataclass(slots=True)
class Saw:
    """What an onlooker says of itself once it is gone."""

    seen: int = 0
    dropped: int = 0
    processor: float = 0.0


@contextmanager
def nobody(_lab: Lab) -> Iterator[Saw]:
    """The network alone."""
    yield Saw()


@contextmanager
def tcpdump(lab: Lab) -> Iterator[Saw]:
    """One in each namespace, on all its interfaces."""
    saw = Saw()
    with ExitStack() as running:
        for name in sorted(lab.namespaces.names()):
            start = partial(lab[name].popen, ["tcpdump", "-i", "any", "-w", "/dev/null"], stderr=subprocess.PIPE)
            running.enter_context(_looking(start, "listening on", rf"{_NUMBER} packets? received", rf"{_NUMBER} packets? dropped", saw))
        yield saw


@contextmanager
def capture(lab: Lab, *places: str) -> Iterator[Saw]:
    """The program, recording: one process for all namespaces."""
    saw = Saw()
    argv = [VETHLAB, "capture", "-l", lab.name, "-w", "/dev/null", *places]
    start = partial(subprocess.Popen, argv, stderr=subprocess.PIPE, text=True, env=CLEAN)
    with _looking(start, "capturing on", f"{_NUMBER} seen", f"{_NUMBER} dropped", saw):
        yield saw


@contextmanager
def why(lab: Lab, *, truth: bool) -> Iterator[Saw]:
    """What `why` opens, while it waits for a reply to a probe of another flow."""
    flow = Flow(TCP, Side("a"), Side("b"), port=9)
    ready, done, saw = threading.Event(), threading.Event(), Saw()

    def probe(told: Callable[[Mark], object]) -> Observed:
        told(Mark(secrets.token_bytes(8), frozenset({1})))
        ready.set()
        done.wait()
        return Observed(ok=True)

    def look() -> None:
        observed = look_on(lab.namespaces, flow, sorted(lab.namespaces.names()), probe=probe, truth=truth)
        saw.seen, saw.dropped = len(observed.sightings), observed.lost

    thread = threading.Thread(target=look)
    thread.start()
    ready.wait(10)
    try:
        yield saw
    finally:
        done.set()
        thread.join()


ONLOOKERS: dict[str, Callable[[Lab], AbstractContextManager[Saw]]] = {
    "nothing": nobody, "nothing again": nobody, "tcpdump": tcpdump, "capture": capture,
    "why": partial(why, truth=False), "why with BPF": partial(why, truth=True),
}


@contextmanager
def _looking(start: Callable[[], subprocess.Popen[Any]], ready: str, seen: str, dropped: str, saw: Saw) -> Iterator[None]:
    """A program that says on standard error that it looks, is ended by a signal, and then says what it saw."""
    process = start()
    errors: IO[str] = process.stderr  # type: ignore[assignment]  # it is a pipe
    try:
        head = ""
        while ready not in head:
            line = errors.readline()
            if not line:
                raise SystemExit(f"{process.args!r} ended before it looked: {head}")
            head += line
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        rest = errors.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.close()
    saw.seen += _counted(seen, rest)
    saw.dropped += _counted(dropped, rest)
    saw.processor += used.ru_utime + used.ru_stime


def _counted(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"no `{pattern}` in: {text}")
    return int(found[1].replace(",", ""))
