"""Two nodes on one data plane: made by vethlab, or by hand, and measured alike.

What enters: `ours` or `hand`, and the name of a plane. What leaves: figures of loopback and of the plane, as JSON: round trip (us), TCP and
UDP (bit/s received). Rule of the file: the same code measures both, as `vethlab bench` does, by iperf3.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from threading import Thread
from typing import Any, cast

from benchmarks.by_hand import PLANES, built
from vethlab.kernel.syscalls import CLONE_NEWNET, setns
from vethlab.lab import benching
from vethlab.probe.iperf3 import Iperf3
from vethlab.probe.speed import End, Figures, measure

SECONDS = 1.0


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


def by_hand(name: str) -> Iterator[Figures]:
    """Loopback and the plane, built by ip(8) and ovs-vsctl(8)."""
    plane, named = PLANES[name], cast("Any", Named())
    tool = Iperf3(named, start, benching.streams("iperf3").program)
    with built(plane):
        for near, far in (("127.0.0.1", "127.0.0.1"), (plane.near, plane.far)):
            there = "a" if near == far else "b"
            yield measure(named, End("a", ip_address(near)), End(there, ip_address(far)), seconds=SECONDS, tool=tool)


def ours(name: str) -> Iterator[Figures]:
    """The same, built by vethlab."""
    for row in benching.planes([name], seconds=SECONDS, tuned=[False], by=benching.streams("iperf3")):
        if row.figures is None:
            raise SystemExit(row.refused)
        yield row.figures


if __name__ == "__main__":
    side, which = sys.argv[1:]
    base, plane = ours(which) if side == "ours" else by_hand(which)
    print(json.dumps({
        "rtt": plane.rtt_us, "tcp": plane.tcp, "udp": plane.udp, "rtt lo": base.rtt_us, "tcp lo": base.tcp, "udp lo": base.udp,
    }))
