"""What looking on costs those who are looked at, and what rings lose.

What enters: `traffic FILE` or `rings FILE`, a lab of two nodes, `a` and `b`, at one bridge. What leaves: one JSON line of numbers.
Rule of the file: everybody looks on at the same lab in turns, so that a noisy moment of the machine is nobody's own.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from benchmarks.blaster import RATE
from benchmarks.measure import quiet
from benchmarks.onlookers import ONLOOKERS, capture, tcpdump
from vethlab import Lab
from vethlab.model.address import IP
from vethlab.model.flow import UDP, Flow, Side
from vethlab.observe.onlooker import look_on
from vethlab.probe.single import probe

ROUNDS = 9
ECHOES = 30_000
STREAM = 1  # seconds of iperf3 for each onlooker and round
SECONDS = 2.0  # of datagrams
PORT = 5201
BLASTER = str(Path(__file__).with_name("blaster.py"))


@contextmanager
def running(file: Path) -> Iterator[Lab]:
    """The lab, up for a while, with its keeper: `vethlab capture` has to find it."""
    lab = Lab.load(file)
    lab.up()
    try:
        yield lab
    finally:
        lab.down(wait=True)


def address(lab: Lab) -> IP:
    """Where `b` is."""
    found = (one.address.ip for one in lab.state().netns["b"].addresses)
    return next(ip for ip in found if ip.version == 4 and not ip.is_loopback)


def flood(lab: Lab, target: IP) -> float:
    """Seconds for one echo of a `ping -f`: the next request leaves as soon as the reply is there."""
    done = lab["a"].exec(["ping", "-f", "-q", "-c", str(ECHOES), str(target)], timeout=60)
    found = re.search(r"time (\d+)ms", done.stdout)
    if not done or found is None:
        raise SystemExit(f"ping: {done.stdout}{done.stderr}")
    return float(found[1]) / 1000 / ECHOES


def stream(lab: Lab, target: IP) -> float:
    """Seconds for a GiB through one TCP connection of iperf3."""
    with lab["b"].popen(["iperf3", "-s", "-1", "-p", str(PORT), "--forceflush"], stdout=subprocess.PIPE) as server:
        said: IO[str] = server.stdout  # type: ignore[assignment]  # it is a pipe
        for line in said:
            if "listening" in line:
                break
        done = lab["a"].exec(["iperf3", "-c", str(target), "-p", str(PORT), "-t", str(STREAM), "-J"], timeout=60)
        if not done:
            server.kill()
            raise SystemExit(f"iperf3: {done.stdout}{done.stderr}")
    return 8 * 2**30 / float(done.json()["end"]["sum_received"]["bits_per_second"])


def traffic(file: Path) -> dict[str, float]:
    """Of each kind of traffic under each onlooker's eyes what it took, and what share of the frames the onlooker dropped.

    Of floods the best round, of streams the median: where the scheduler puts iperf3's two ends is luck, and so is an onlooker that is not
    given the processor, drops, and so costs less than one that records.
    """
    kinds: dict[str, tuple[Callable[[Lab, IP], float], Callable[[list[float]], float]]] = {"flood": (flood, min)}
    if shutil.which("iperf3"):
        kinds["stream"] = stream, statistics.median
    took: dict[str, list[float]] = {}
    with running(file) as lab:
        target = address(lab)
        for _ in range(ROUNDS):
            for (kind, (send, _of)), (name, onlooker) in itertools.product(kinds.items(), ONLOOKERS.items()):
                quiet()
                with onlooker(lab) as saw:
                    took.setdefault(f"{kind} {name}", []).append(send(lab, target))
                took.setdefault(f"{kind} {name} dropped", []).append(saw.dropped / max(1, saw.seen))
    chosen = {key: max if key.endswith("dropped") and key.startswith("flood") else kinds[key.split()[0]][1] for key in took}
    return {key: chosen[key](values) for key, values in took.items()}


def blast(lab: Lab, target: IP) -> subprocess.Popen[str]:
    """Two seconds of datagrams to a port of `b`."""
    argv = [sys.executable, BLASTER, str(target), str(PORT), str(RATE), str(SECONDS)]
    return lab["a"].popen(argv, stdout=subprocess.PIPE)


def blasted(process: subprocess.Popen[str]) -> float:
    """Datagrams a second that were sent."""
    output, _ = process.communicate(timeout=60)
    sent = json.loads(output)
    return float(sent["sent"] / sent["seconds"])


def rings(file: Path) -> dict[str, float]:
    """What the rings of `capture` and of `why` drop while 100,000 datagrams a second pass, and what that costs."""
    with running(file) as lab, lab["b"].socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind((str(address(lab)), PORT))  # nobody reads: a full buffer costs the kernel less than an ICMP error
        target, numbers = address(lab), dict[str, float]()
        looking = {"one": partial(capture, lab, "b"), "all": partial(capture, lab), "tcpdump": partial(tcpdump, lab)}
        for name, look in looking.items():
            quiet()
            with look() as saw:
                numbers[f"{name} rate"] = blasted(blast(lab, target))
            numbers |= {f"{name} seen": saw.seen, f"{name} dropped": saw.dropped, f"{name} processor": saw.processor}
        return numbers | flow_rings(lab, target)


def flow_rings(lab: Lab, target: IP) -> dict[str, float]:
    """One probe after the other of the port that is blasted, each looked at by rings of its own."""
    flow = Flow(UDP, Side("a"), Side("b", address=target), port=PORT)
    names = sorted(lab.namespaces.names())
    process, began = blast(lab, target), time.process_time()
    asked = lost = seen = 0
    while process.poll() is None:
        observed = look_on(lab.namespaces, flow, names, probe=lambda mark: probe(lab.namespaces, flow, timeout=0.05, mark=mark))
        asked, lost, seen = asked + 1, lost + observed.lost, seen + len(observed.sightings)
    used = time.process_time() - began
    return {"flow rate": blasted(process), "flow asked": asked, "flow seen": seen, "flow dropped": lost, "flow processor": used}


VERBS: dict[str, Callable[..., dict[str, float]]] = {"traffic": traffic, "rings": rings}

if __name__ == "__main__":
    print(json.dumps(VERBS[sys.argv[1]](*map(Path, sys.argv[2:]))))
