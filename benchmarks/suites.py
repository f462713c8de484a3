"""What is compared with what, and which ratio is promised.

What enters: a folder for lab files. What leaves: rows. Rule of the file: both sides of a row come from the same rounds of the same run.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import labs
from benchmarks.measure import ROOT, VETHLAB, Row, best, milliseconds, private, program, seconds, subject
from benchmarks.plane_suites import planes
from benchmarks.switch_suites import switch
from benchmarks.why_suites import explain, observe

SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's mininet package belongs to it
START_ROUNDS = 25


def build(folder: Path) -> Iterator[Row]:
    """In process: the record kept, the state read back; beside the floor and beside other programs."""
    for title, text, shape, count, times in (
        ("a star of 100", labs.star(100), "star", 100, 7),
        ("a star of 1,000", labs.star(1000), "star", 1000, 3),
        ("500 pairs", labs.pairs(500), "pairs", 1000, 3),
        ("an overlay of 10 hosts and 200 pods", labs.overlay(200), "overlay", 200, 5),
    ):
        subjects = {"floor": subject("floor", shape, count), "ours": subject("engine", "build", labs.write(folder, text))}
        if shape == "star":
            subjects["ip -batch"] = private(*subject("ip_batch", count))
            subjects["ip -batch without IPv6"] = private(*subject("ip_batch", count, "lean"))
        if count == 100:
            subjects["Mininet"] = private(*subject("mininet_star", count), interpreter=SYSTEM_PYTHON)
            subjects["pyroute2"] = private(*subject("pyroute2_star", count))
        numbers = best(subjects, times)
        took = {name: one["build"] for name, one in numbers.items()}
        promised = {"floor": 1.3, "ip -batch": 3.0 if count == 100 else 5.0, "ip -batch without IPv6": 0.0}
        promised |= {"Mininet": 10.0, "pyroute2": 15.0}
        for other, target in promised.items():
            if other in took:
                yield against(f"build {title}", took["ours"], other, took[other], target)
        if count == 100:
            freed = {name: one["freed"] for name, one in numbers.items() if "freed" in one}
            yield against("free a star of 100", freed["ours"], "ip -batch, device by device", freed["ip -batch"], 15.0)


def whole(folder: Path) -> Iterator[Row]:
    """The whole process against the whole script, down, and memory."""
    for count, times, target in ((50, 7, 1.0), (100, 7, 1.5), (1000, 3, 4.0)):
        file = labs.write(folder, labs.star(count))
        took = best({
            "ours": subject("program", file), "ip -batch": private(*subject("ip_batch", count)), "floor": subject("floor", "star", count),
        }, times)
        ours, batch, floor = took["ours"], took["ip -batch"], took["floor"]
        yield against(f"`vethlab up`, whole process, star of {count:,}", ours["up"], "ip -batch script", batch["build"], target)
        if count == 1000:
            yield Row("`vethlab down` returns, star of 1,000", milliseconds(ours["down"]), "", ours["down"] * 1000, "ms", 100)
            yield against("free a star of 1,000", ours["freed"], "floor", floor["freed"], 1.2)
            yield Row("peak memory of `up`, star of 1,000", f"{ours['peak_kib'] / 1024:.1f} MiB", "", ours["peak_kib"] / 1024, "MiB", 40)
            yield Row("memory of the keeper, 1,000 nodes", f"{ours['keeper_kib'] / 1024:.1f} MiB", "", ours["keeper_kib"] / 1024, "MiB", 10)
            yield Row("processes of a running lab, 1,000 nodes", f"{ours['processes']:.0f}", "", ours["processes"], "processes", 1)


def check(folder: Path) -> Iterator[Row]:
    """All pairs, every one with real packets."""
    hundred, fifty = labs.write(folder, labs.star(100)), labs.write(folder, labs.star(50))
    took = best({
        "ours": subject("engine", "ping", hundred), "bare": subject("floor", "mesh", 100),
        "ours 50": subject("engine", "check", fifty), "Mininet": private(*subject("mininet_star", 50, "ping"), interpreter=SYSTEM_PYTHON),
    }, 3)
    ours, bare = took["ours"]["ping"] / 9900, took["bare"]["ping"] / 9900
    what, other = "one pair of 9,900, neighbours known", f"{bare * 1e6:.1f} µs bare sockets"
    yield Row(what, f"{ours * 1e6:.1f} µs", other, ours / bare, "times as long", 1.5)
    yield against("check a star of 50, all pairs", took["ours 50"]["check"], "Mininet pingall, static ARP", took["Mininet"]["ping"], 30.0)
    for name, limit in (("star200", 5.0), ("fabric", 3.0)):
        one = best({"ours": subject("engine", "check", ROOT / "examples" / f"{name}.lab.yaml")}, 3)["ours"]
        what = f"check {name}, {one['paths']:,.0f} pairs, {one['lost']:.0f} lost"
        yield Row(what, milliseconds(one["check"]), "", one["check"], "s", limit)


def start(_folder: Path) -> Iterator[Row]:
    """Start-up against the interpreter's own."""
    bare = [sys.executable, "-c", "pass"]
    commands = {"version": [VETHLAB, "version"], "--help": [VETHLAB, "--help"]}
    times: dict[str, list[float]] = {"bare": [], "version": [], "--help": []}
    for _ in range(START_ROUNDS):
        for name, argv in {"bare": bare, **commands}.items():
            times[name].append(seconds(lambda argv=argv: program(argv)))  # type: ignore[misc]
    median = {name: statistics.median(values) for name, values in times.items()}
    other = f"{milliseconds(median['bare'])} `python -c pass`"
    for name in commands:
        yield Row(f"`vethlab {name}`", milliseconds(median[name]), other, median[name] / median["bare"], "times as long", 6)


def against(what: str, ours: float, name: str, theirs: float, target: float) -> Row:
    """A row of two durations: how many times as long as the floor, or how many times as fast as others."""
    if name == "floor":
        return Row(what, milliseconds(ours), f"{milliseconds(theirs)} floor", ours / theirs, "times as long", target)
    return Row(what, milliseconds(ours), f"{milliseconds(theirs)} {name}", theirs / ours, "times as fast", target, at_least=True)


SUITES: dict[str, Callable[[Path], Iterator[Row]]] = {"start": start, "build": build, "whole": whole, "check": check} | {
    "observe": observe, "explain": explain, "switch": switch, "planes": planes,
}
