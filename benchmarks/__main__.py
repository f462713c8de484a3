"""`python -m benchmarks [SUITE...]`: run the suites and write docs/benchmarks.md.

What enters: names of suites (all, if none). What leaves: the rows, on standard output, and in the docs each section whose suites were all
run, with the circumstances of that run; exit 1 if a promise is not kept. Needs root (other programs do), Debian's mininet and bridge-utils
for `build` and `check`, tcpdump and iperf3 for `observe`, iperf3 and Open vSwitch for `planes`, and a machine with nothing else to do.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import ROOT, Row, program
from benchmarks.suites import SUITES

HEAD = """# Benchmarks

Written by `./dev bench`, which repeats it; with names of suites it repeats a section.
Every row compares two sides of one run on one machine, interleaved; only the ratios mean anything.
"""


class Section(NamedTuple):
    """A part of the page: what is measured by these suites, and what has to be known to read it."""

    suites: tuple[str, ...]
    words: str


SECTIONS = {
    "Building, checking, starting": Section(("start", "build", "whole", "check"), """\
The best of several rounds (start-up: the median of 25).
*Floor* is `benchmarks/floor.py`: the least a Python process must do to build the same network with raw system calls,
without a record, without reading back.
`ip -batch` is a tuned script: one line per veth, one queue each, the bridge up last;
*without IPv6* it also switches link-local addresses and multicast snooping off, as our lab file does with `ipv6: none`.
"""),
    "Open vSwitch": Section(("switch",), """\
`./dev bench switch`.
Two nodes on a switch that forwards in user space, with daemons of its own; *by hand* are the commands of the manual pages, with
userspace-tso-enable, in a namespace of their own.
Of building and of ports it is the best of seven rounds, of TCP the median; one connection, both ends on this machine.
0.1 s of each start is ovs-vswitchd measuring its clock (lib/dpif-netdev-perf.c).
"""),
    "Looking on": Section(("observe",), """\
`./dev bench observe`.
Two hosts at a bridge; everybody looks at all interfaces of all three namespaces, tcpdump with one process in each.
Each of nine rounds begins when the processors have been idle for a moment (or after 2 s of waiting).
Of `ping -f` it is the best round; of iperf3 the median, since where the scheduler puts its two ends is luck,
and an onlooker that drops frames costs less than one that records.
Of what is dropped at 100,000 datagrams a second it is the worst of three rounds, of BPF's start the median of nine.
A ratio of one is allowed a twentieth more; the rows of noise say by how much two runs with nobody looking on differed.
"""),
    "Data planes": Section(("planes",), """\
`./dev bench planes`.
The same two nodes, made by vethlab and by hand with `ip` and `ovs-vsctl` (`benchmarks/by_hand.py`), measured alike: streams of 1 s by
iperf3, then round trips over sockets of our own, each on loopback first.
A switch in user space is a process, woken twice in a round trip: where the scheduler puts it makes half of what that takes, by hand alike,
and while it is just started that is luck. So round trips come last, and are taken again with its daemon on another processor.
Nine rounds, each of them all three sides (vethlab, by hand, by hand again) in another order; a ratio is the median of the rounds' own.
In brackets the quarter and three quarters of the rounds: where the scheduler puts the two ends of a stream is luck.
The rows of noise say what the same thing by hand twice differs by.
`vethlab bench --planes all` sets the planes side by side.
"""),
    "Explaining": Section(("explain",), """\
`./dev bench explain`.
Medians of three questions in each of three labs, the first one included; probes wait 0.5 s for a reply that does not come, and that counts.
*Campus* is `examples/routed.lab.yaml`, in the large one its switch has 195 more hosts.
"""),
}


def table(rows: Sequence[Row]) -> str:
    """The rows as a markdown table."""
    lines = ["| what | vethlab | beside it | ratio or value | promised | kept |", "|---|---|---|---|---|---|"]
    for row in rows:
        bound = f"{'≥' if row.at_least else '≤'} {row.target:g}" if row.target else ""
        kept = ("yes" if row.met else "**no**") if row.target else ""
        lines.append(f"| {row.what} | {row.ours} | {row.other} | {row.value:.3g} {row.unit} | {bound} | {kept} |")
    return "\n".join(lines) + "\n"


def circumstances() -> str:
    """When, where and what was measured."""
    revision = program(["git", "rev-parse", "--short", "HEAD"]).stdout.strip()
    changed = " with uncommitted changes" if program(["git", "status", "--porcelain", "--", "src"]).stdout else ""
    machine = f"Linux {platform.release().split('-')[0]}, {os.cpu_count()} processors, Python {platform.python_version()}"
    load = f"load {os.getloadavg()[1]:.1f} (ours included)"  # of the last five minutes: what a busy machine makes of these numbers
    return f"{time.strftime('%Y-%m-%d', time.gmtime())}, revision {revision}{changed}, {machine}, {load}.\n\n"


def page(old: str, rows: Mapping[str, Sequence[Row]]) -> str:
    """The page `old` with the sections written anew whose suites are all among `rows`."""
    kept = dict(part.split("\n\n", 1) for part in old.split("\n## ")[1:])
    text = HEAD
    for title, section in SECTIONS.items():
        if all(name in rows for name in section.suites):
            text += f"\n## {title}\n\n{section.words}\n{circumstances()}{table([row for name in section.suites for row in rows[name]])}"
        elif title in kept:
            text += f"\n## {title}\n\n{kept[title].rstrip()}\n"
    return text


def main(names: Sequence[str]) -> int:
    """Run the named suites."""
    rows: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="vethlab-bench-") as folder:
        for name in names or SUITES:
            rows[name] = []
            for row in SUITES[name](Path(folder)):
                print(table([row]).splitlines()[-1], flush=True)
                rows[name].append(row)
    file = ROOT / "docs" / "benchmarks.md"
    file.write_text(page(file.read_text(), rows))
    return 0 if all(row.met for found in rows.values() for row in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
