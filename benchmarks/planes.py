"""Two nodes on one data plane: made by vethlab, or by hand, and measured alike.

What enters: `ours` or `hand`, the name of a plane, and where its daemons are: `free`, or `apart` from the ends, on another processor, for
round trips only. What leaves: figures of loopback and of the plane, as JSON: round trip (us), TCP and UDP (bit/s received). Rule of the
file: the same code measures both sides in the same order, so at the same age: a switch in user space is a process that is woken twice
in a round trip, and where the scheduler puts it, and who yields to whom, makes half of what that takes; in the first second it is luck.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from statistics import median
from threading import Thread
from typing import NamedTuple, cast

from benchmarks.by_hand import PLANES, built
from vethlab.kernel.port import Namespaces
from vethlab.kernel.syscalls import CLONE_NEWNET, setns
from vethlab.lab import benching
from vethlab.probe.iperf3 import Iperf3
from vethlab.probe.speed import End, round_trips

SECONDS = 1.0
BLOCKS = 15  # of 400 round trips each
PROGRAM = benching.streams("iperf3").program
PROCESSORS = os.sched_getaffinity(0)


class Named:
    """Namespaces made by `ip netns add`, as far as measuring needs them."""

    def sockets(self, requests: Sequence[tuple[str, int, int, int]]) -> list[socket.socket]:
        """Each made by a thread that has stepped into the namespace."""
        made: list[socket.socket] = []

        def make(name: str, family: int, kind: int, protocol: int) -> None:
            descriptor = os.open(f"/run/netns/{name}", os.O_RDONLY)
            setns(descriptor, CLONE_NEWNET)
            os.close(descriptor)
            made.append(socket.socket(family, kind, protocol))

        for request in requests:
            thread = Thread(target=make, args=request)
            thread.start()
            thread.join()
        return made


def start(node: str, argv: Sequence[str]) -> subprocess.Popen[str]:
    """A command in a named namespace."""
    return subprocess.Popen(["ip", "netns", "exec", node, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Built(NamedTuple):
    """Two nodes on a plane, and how to measure them."""

    namespaces: Namespaces
    iperf3: Iperf3
    near: End
    far: End


@contextmanager
def by_hand(name: str) -> Iterator[Built]:
    """The plane, built by ip(8) and ovs-vsctl(8)."""
    plane, named = PLANES[name], cast("Namespaces", Named())
    with built(plane):
        yield Built(named, Iperf3(named, start, PROGRAM), End("a", ip_address(plane.near)), End("b", ip_address(plane.far)))


@contextmanager
def ours(name: str) -> Iterator[Built]:
    """The same, built by vethlab."""
    with benching.built(name) as (lab, near, far):
        yield Built(lab.namespaces, benching.iperf3(lab, PROGRAM), near, far)


def figures(two: Built) -> dict[str, float]:
    """Bit/s and microseconds of loopback and of the plane; what is just built has become old before its round trips are taken."""
    found: dict[str, float] = {}
    for key, src, dst in _ways(two):
        found |= {f"tcp{key}": two.iperf3.tcp(src, dst, SECONDS), f"udp{key}": two.iperf3.udp(src, dst, SECONDS)}
    return found | trips(two)


def trips(two: Built) -> dict[str, float]:
    """The round trips alone."""
    return {f"rtt{key}": median(round_trips(two.namespaces, src, dst) for _ in range(BLOCKS)) for key, src, dst in _ways(two)}


def _ways(two: Built) -> Iterator[tuple[str, End, End]]:
    here = End(two.near.node, ip_address("127.0.0.1"))
    yield from ((" lo", here, here), ("", two.near, two.far))


def main(side: str, name: str, where: str) -> None:
    """Build, measure, and print the figures. What is started while building stays on the processors of that time (sched(7))."""
    make, apart = ours if side == "ours" else by_hand, where == "apart"
    if apart:
        os.sched_setaffinity(0, {max(PROCESSORS)})
    with make(name) as two:
        if apart:
            os.sched_setaffinity(0, {min(PROCESSORS)})
        print(json.dumps(trips(two) if apart else figures(two)))


if __name__ == "__main__":
    main(*sys.argv[1:])
