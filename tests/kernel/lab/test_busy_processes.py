"""A `run:` that changes interfaces at once: `up` is done with them by then, and takes nothing of it back."""

import time

import pytest

from vethlab import Lab

pytestmark = pytest.mark.kernel
BUSY = "ip link add name br9 type bridge; ip link set dev eth0 master br9; ip link set dev br9 up; exec sleep 1000"
NODES = [f"n{number}" for number in range(5)]


def test_up_is_done_before_processes_begin() -> None:
    """Five nodes that make bridges of their own at their start come up, each with its port in its bridge, again and again."""
    for turn in range(4):
        lab = Lab(f"busy-{turn}")
        for name in NODES:
            lab.node(name, run=BUSY)
        lab.bridge("br0", subnet="10.1.0.0/24", nodes=NODES)
        with lab:
            end = time.monotonic() + 10
            said: list[str] = []
            while time.monotonic() < end and not (said and all("master br9" in one for one in said)):
                said = [lab[name].exec("ip -o link show dev eth0").stdout for name in NODES]
            assert [True] * 5 == ["master br9" in one for one in said], said
