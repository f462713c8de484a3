"""Two nodes on one data plane: made by vethlab, or by hand with ip(8), and measured alike.

What enters: `ours` or `hand`, and the name of a plane. What leaves: its round trip (us) and the seconds that a gigabit of TCP takes, as
JSON. Rule of the file: by hand is what a tutorial would type, nothing left out that helps; run in namespaces of its own (measure.private).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from threading import Thread
from typing import Any, cast

from vethlab.kernel.syscalls import CLONE_NEWNET, setns
from vethlab.lab import benching
from vethlab.probe.speed import End, Figures, measure

SECONDS = 1.0
ONE, TWO = "10.0.0.1", "10.0.0.2"
UP = "-n {0} address add {1}/24 dev eth0; -n {0} link set dev eth0 up"
BOTH = f"{UP.format('a', ONE)}; {UP.format('b', TWO)}"
PORTS = "; ".join(f"link add name p{one} type veth peer name eth0 netns {one}; link set dev p{one} master br0 up" for one in "ab")
MACVLANS = "; ".join(f"link add link q1 name eth0 netns {one} type macvlan mode bridge" for one in "ab")
ROUTED = "; ".join([
    "netns add r", "link add name eth0 netns a type veth peer name x netns r", "link add name eth0 netns b type veth peer name y netns r",
    "-n a address add 10.0.1.2/24 dev eth0", "-n b address add 10.0.2.2/24 dev eth0", "-n r address add 10.0.1.1/24 dev x",
    "-n r address add 10.0.2.1/24 dev y",
    *[f"-n {place} link set dev {name} up" for place, name in (("a", "eth0"), ("b", "eth0"), ("r", "x"), ("r", "y"))],
    "netns exec r sysctl -qw net.ipv4.ip_forward=1", "-n a route add 10.0.2.0/24 via 10.0.1.1", "-n b route add 10.0.1.0/24 via 10.0.2.1",
])
PLANES = {
    "direct": (f"link add name eth0 netns a type veth peer name eth0 netns b; {BOTH}", ONE, TWO),
    "bridge": (f"link add name br0 type bridge; link set dev br0 up; {PORTS}; {BOTH}", ONE, TWO),
    "macvlan": (f"link add name q0 type veth peer name q1; link set dev q0 up; link set dev q1 up; {MACVLANS}; {BOTH}", ONE, TWO),
    "routed": (ROUTED, "10.0.1.2", "10.0.2.2"),
}


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


def by_hand(plane: str) -> Figures:
    """Built by ip(8), one command after the other."""
    lines, near, far = PLANES[plane]
    for line in ["netns add a", "netns add b", *lines.split("; ")]:
        subprocess.run(["ip", *line.split()], check=True)
    return measure(cast("Any", Named()), End("a", ip_address(near)), End("b", ip_address(far)), seconds=SECONDS)


def ours(plane: str) -> Figures:
    """Built by vethlab."""
    rows = list(benching.planes([plane], seconds=SECONDS, tuned=[False]))
    found = rows[-1].figures
    if found is None:
        raise SystemExit(rows[-1].refused)
    return found


if __name__ == "__main__":
    side, name = sys.argv[1:]
    figures = ours(name) if side == "ours" else by_hand(name)
    print(json.dumps({"rtt": figures.rtt_us, "tcp": 1e9 / figures.tcp}))
