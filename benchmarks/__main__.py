"""`python -m benchmarks [SUITE...]`: run the suites and write docs/benchmarks.md.

What enters: names of suites (all, if none). What leaves: the table, on standard output and, after a run of all suites, in the docs;
exit 1 if a promise is not kept. Needs root (other programs do), Debian's mininet and bridge-utils, and a machine with nothing else to do.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import ROOT, Row, program
from benchmarks.suites import SUITES

HEAD = """# Benchmarks

Written by `./dev bench`, which repeats it.
Every row compares two sides of one run on one machine, interleaved, the best of several rounds
(start-up: the median of 25); only the ratios mean anything.
*Floor* is `benchmarks/floor.py`: the least a Python process must do to build the same network with raw system calls,
without a record, without reading back.
`ip -batch` is a tuned script: one line per veth, one queue each, the bridge up last;
*without IPv6* it also switches link-local addresses and multicast snooping off, as our lab file does with `ipv6: none`.

"""


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
    return f"{time.strftime('%Y-%m-%d', time.gmtime())}, revision {revision}{changed}, {machine}.\n\n"


def main(names: Sequence[str]) -> int:
    """Run the named suites."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="vethlab-bench-") as folder:
        for name in names or SUITES:
            for row in SUITES[name](Path(folder)):
                print(table([row]).splitlines()[-1], flush=True)
                rows.append(row)
    if not names:
        (ROOT / "docs" / "benchmarks.md").write_text(HEAD + circumstances() + table(rows))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
