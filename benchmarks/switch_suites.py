"""Open vSwitch, measured: a lab on it beside one on a Linux bridge, and beside the same thing built by hand.

What enters: a folder for lab files. What leaves: rows. Rule of the file: as in suites.py; rates are medians, since where the scheduler puts
both ends of a connection is luck.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, milliseconds, private, quiet, result, subject

ROUNDS = 7


def switch(_folder: Path) -> Iterator[Row]:
    """Start-up, ports, throughput."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "bridge": [], "hand": []}
    for _ in range(ROUNDS):
        for name, numbers in found.items():
            quiet()
            argv = subject("switch_subject", name)
            numbers.append(result(private(*argv) if name == "hand" else argv))
    least = {name: min(one["build"] for one in numbers) for name, numbers in found.items()}
    more = least["ours"] - least["bridge"]
    yield Row(
        "`vethlab up`, 2 nodes on Open vSwitch", milliseconds(least["ours"]), f"{milliseconds(least['bridge'])} on a Linux bridge",
        more * 1000, "ms more", 150,
    )
    yield Row(
        "the same by hand, `ovs-vsctl` and `ip`", milliseconds(least["ours"]), f"{milliseconds(least['hand'])} by hand",
        least["hand"] / least["ours"], "times as fast",
    )
    ports = min(one["together"] for one in found["ours"])
    for name, words in (("together", "one `ovs-vsctl` of 50 `add-port`"), ("one by one", "50 times `ovs-vsctl add-port`")):
        theirs = min(one[name] for one in found["hand"])
        yield Row("50 ports in one transaction", milliseconds(ports), f"{milliseconds(theirs)} {words}", theirs / ports, "times as fast")
    rates = {name: statistics.median(one["rate"] for one in numbers) for name, numbers in found.items()}
    yield Row(
        "TCP over Open vSwitch in user space", f"{rates['ours']:.2f} Gbit/s", f"{rates['hand']:.2f} Gbit/s by hand, userspace-tso-enable",
        rates["ours"] / rates["hand"], "of it", 0.95, at_least=True,
    )
    yield Row(
        "TCP over Open vSwitch in user space", f"{rates['ours']:.2f} Gbit/s", f"{rates['bridge']:.2f} Gbit/s on a Linux bridge",
        rates["ours"] / rates["bridge"], "of it",
    )
