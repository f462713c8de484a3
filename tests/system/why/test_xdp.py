"""An XDP program that drops: no capture shows the frame, no counter counts it; `why` names the interface, and `fix` takes it off."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from struct import pack

import pytest

from vethlab import Lab
from vethlab.kernel.bpf import program
from vethlab.kernel.bpf.assembler import R0, Assembler
from vethlab.kernel.bpf.tracer import available
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import Request, attribute, nested, u32

pytestmark = [pytest.mark.system, pytest.mark.skipif(bool(available()), reason=available() or "BPF works here")]

XDP_DROP = 1
RTM_SETLINK, IFLA_XDP, IFLA_XDP_FD, IFLA_XDP_FLAGS = 19, 43, 1, 3
MODES = {"generic": 2, "in the driver": 4}  # XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE
ROUTED = {"routes": ["default via 10.9.1.1"]}


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A host on a bridge, a router behind it, a host behind that."""
    lab = Lab(f"xdp-{os.getpid()}")
    lab.node("a", **ROUTED)
    lab.node("r", forward=True)
    lab.node("d", routes=["default via 10.9.2.1"])
    lab.bridge("br0", subnet="10.9.1.0/24", nodes={"a": 11, "r": 1})
    lab.link("r:wan 10.9.2.1/24", "d 10.9.2.14/24")
    with lab:
        yield lab


def drop_all(lab: Lab, node: str, interface: str, mode: str) -> None:
    """Attach a program of two instructions. It lives as long as it is attached."""
    code = Assembler()
    code.set(R0, XDP_DROP)
    code.exit()
    loaded = program.load(program.XDP, code.code())
    index = lab[node].exec(["ip", "-j", "link", "show", interface]).json()[0]["ifindex"]
    sock = lab[node].socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    try:
        given = nested(IFLA_XDP, attribute(IFLA_XDP_FD, pack("=i", loaded)), u32(IFLA_XDP_FLAGS, MODES[mode]))
        Connection(sock).send([Request(RTM_SETLINK, 0, pack("=BxHiII", 0, 0, index, 0, 0) + given)])
    finally:
        sock.close()
        os.close(loaded)


@pytest.mark.parametrize(
    ("node", "interface", "mode", "truth"),
    [
        ("d", "eth0", "generic", True), ("d", "eth0", "generic", False), ("d", "eth0", "in the driver", True),
        ("d", "eth0", "in the driver", False), ("r", "eth0", "generic", False), ("host", "p-a", "in the driver", True),
    ],
)
def test_a_program_that_drops(lab: Lab, node: str, interface: str, mode: str, truth: bool) -> None:
    """The verdict names the interface on which the program sits; nothing is rehearsed, and the fix takes the program off."""
    drop_all(lab, node, interface, mode)
    answer = lab.why("a", "d", truth=truth)
    verdict = answer.explanation.verdict
    assert verdict is not None
    assert ("xdp-drop", node, interface) == (verdict.slug, verdict.where.node, verdict.where.interface)
    (offer,) = answer.fixes
    assert (True, None, True) == (offer.policy, offer.rehearsed, bool(offer.why_not))
    done = lab.fix("a", "d", truth=truth)
    assert done.after is not None
    assert None is done.after.explanation.verdict
    assert "xdp" not in lab[node].exec(["ip", "link", "show", interface]).stdout


def test_a_program_elsewhere_is_not_blamed(lab: Lab) -> None:
    """A program that no packet of the question meets has nothing to do with its death."""
    lab["r"].exec("sysctl -qw net.ipv4.ip_forward=0")
    drop_all(lab, "d", "lo", "generic")
    verdict = lab.why("a", "d").explanation.verdict
    assert "forwarding-off" == (verdict.slug if verdict else None)
