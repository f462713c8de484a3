"""vethlab in process, as a test suite uses it: parse, build with the record kept and the state read back, check, take down.

What enters: `build FILE`, `check FILE` or `ping FILE` (all pairs of a star whose neighbours are given, as `floor mesh` has them).
What leaves: one JSON line of seconds. A small lab is built and dropped first: the helper process that holds in-process labs is started
once per Python process, and what that costs is told apart (`first`).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks import floor
from vethlab import Lab
from vethlab.plan.paths import expand
from vethlab.probe.ping import Pinger


def first() -> float:
    """Seconds from nothing to the first pair: imports done, helper process included."""
    began = time.perf_counter()
    with Lab("first") as lab:
        lab.link("a", "b")
        took = time.perf_counter() - began
    floor.settle()
    return took


def ping_known(lab: Lab) -> dict[str, float]:
    """Seconds for all pairs of a star with permanent neighbour entries, and how many got no answer."""
    hosts = [node.name for node in lab.topology.nodes]
    state = lab.state()
    lines = {
        name: f"neighbour add {address.address.ip} lladdr {state.netns[name].links['eth0'].mac} dev eth0 nud permanent\n"
        for name in hosts for address in state.netns[name].addresses if address.address.version == 4
    }
    for name in hosts:
        lab[name].exec("ip -batch -", input="".join(line for other, line in lines.items() if other != name))
    paths = dict(enumerate(expand(lab.topology)))
    t0 = time.perf_counter()
    outcomes = Pinger(lab.namespaces, timeout=1).run(paths)
    return {"ping": time.perf_counter() - t0, "paths": float(len(paths)), "lost": float(sum(not one.ok for one in outcomes.values()))}


def main(verb: str, file: Path) -> None:
    """Build, perhaps check, take down, wait; print what each took."""
    warm = first()
    t0 = time.perf_counter()
    lab = Lab.load(file)
    topology = lab.topology
    t1 = time.perf_counter()
    lab.up(detach=False)
    t2 = time.perf_counter()
    numbers = {"first": warm, "load": t1 - t0, "build": t2 - t1, "nodes": float(len(topology.nodes))}
    if verb == "check":
        t2 = time.perf_counter()
        report = lab.check()
        t3 = time.perf_counter()
        numbers |= {"check": t3 - t2, "paths": float(len(report.results)), "lost": float(sum(not one.ok for one in report.results))}
    if verb == "ping":
        numbers |= ping_known(lab)
    t4 = time.perf_counter()
    lab.down()
    t5 = time.perf_counter()
    floor.settle()
    print(json.dumps(numbers | {"down": t5 - t4, "freed": time.perf_counter() - t4}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
