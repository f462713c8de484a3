"""`fix` and `fix --undo` where a fault was set up by hand otherwise than vethlab would: afterwards the tools see what they saw before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from tests.kernel.rehearse.looking import lasting
from tests.kernel.survival.corpus import LONG
from tests.kernel.why.portrait import at_rest, portrait

from vethlab import Lab
from vethlab.errors import UsageError

pytestmark = [pytest.mark.kernel, pytest.mark.long]

FILE = """\
name: {name}
nodes:
  a: {{routes: [default via 10.1.0.1, "::/0 via fd01::1"]}}
  b: {{routes: [default via 10.2.0.1, "::/0 via fd02::1"], run: exec python3 -m http.server 80}}
  r: {{forward: true}}
links:
  - a 10.1.0.2/24 fd01::2/64 -- r:west 10.1.0.1/24 fd01::1/64
  - r:east 10.2.0.1/24 fd02::1/64 -- b 10.2.0.2/24 fd02::2/64
"""
NODES = ["a", "b", "r"]
CASES = {  # finding, to where, what somebody did
    "one of two interfaces forwards": (
        "forwarding-off", "b", "r: sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.west.forwarding=1 net.ipv4.conf.all.accept_redirects=0",
    ),
    "one of two interfaces forwards IPv6": (
        "forwarding-off", "fd02::2", "r: sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv6.conf.west.forwarding=1",
    ),
    "one of two interfaces has IPv6": (
        "ipv6-disabled", "fd02::2",
        ("r: sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.west.disable_ipv6=0; ip address add fd01::1/64 dev west nodad;"
         " ip -6 route add fd09::/64 via fd01::2"),
    ),
    "a route that refuses": ("route-blackhole", "b", "r: ip route add blackhole 10.2.0.2/32 tos 0x10; ip route add blackhole 10.2.0.2"),
    "a route that refuses IPv6": ("route-blackhole", "fd02::2", "r: ip -6 route add prohibit fd02::2 metric 7"),
    "a route with all that one can have": (
        "wrong-gateway", "b", "a: ip route add 10.2.0.0/24 via 10.1.0.9 src 10.1.0.2 mtu lock 1400 advmss 1200 hoplimit 9 metric 5",
    ),
    "a route by a device, of another scope": ("wrong-gateway", "b", "a: ip route del default; ip route add 10.2.0.0/24 dev eth0 scope 10"),
    "a route by several hops": (
        "wrong-gateway", "b", "a: ip route add 10.2.0.0/24 nexthop via 10.1.0.9 dev eth0 weight 3 nexthop via 10.1.0.8 dev eth0",
    ),
    "a route of IPv6 with preference": (
        "wrong-gateway", "fd02::2", "a: ip -6 route add fd02::/64 via fd01::9 dev eth0 pref high mtu 1400 protocol static",
    ),
    "a default route somewhere else": ("wrong-gateway", "b", "a: ip route replace default via 10.1.0.9 hoplimit 20"),
    "a queue with a number": ("queue-drop", "b", "r: tc qdisc add dev east root handle 7: tbf rate 1mbit burst 60 limit 3000"),
    "an interface without IPv6": ("ipv6-disabled", "fd02::2", "b: sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1"),
}
CHOSEN = CASES if LONG else ["one of two interfaces forwards", "one of two interfaces has IPv6", "a queue with a number",
                             "a route with all that one can have"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two networks and their router, with both families."""
    file = tmp_path_factory.mktemp("lab") / "back.lab.yaml"
    file.write_text(FILE.format(name=f"back-{os.getpid()}"))
    running = Lab.load(file)
    running.up()
    try:
        yield running
    finally:
        running.down()


def look(lab: Lab) -> dict[str, Any]:
    """The lab as the system's tools see it, at rest."""
    def inside(node: str, script: str) -> str:
        return lab[node].exec(["sh", "-c", script]).stdout

    at_rest(inside, NODES, port="b:80")
    return {node: {view: _sorted(found) for view, found in views.items()} for node, views in lasting(portrait(inside, NODES)).items()}


def _sorted(found: Any) -> Any:
    return sorted(found, key=str) if isinstance(found, list) else found


@pytest.mark.parametrize("case", CHOSEN)
def test_what_was_done_by_hand_comes_back(lab: Lab, case: str) -> None:
    """The fix mends, its undo brings the fault back with everything around it, and `up` makes the lab whole."""
    finding, target, script = CASES[case]
    node, _, command = script.partition(": ")
    done = lab[node].exec(["sh", "-c", command])
    assert (0, "") == (done.rc, done.stderr)
    try:
        _there_and_back(lab, finding, target)
    finally:
        lab.up()
    assert () == lab.plan()


def _there_and_back(lab: Lab, finding: str, target: str) -> None:
    before, state = look(lab), lab.state()
    mended = lab.fix("a", target)
    assert (finding, True) == (mended.before.verdict.slug, mended.after is not None and mended.after.ok)  # type: ignore[union-attr]
    lab.undo()
    after = look(lab)
    assert [] == [
        (one, view, [line for line in now if line not in before[one][view]], [line for line in before[one][view] if line not in now])
        for one in NODES for view, now in after[one].items() if view != "unanswered" and before[one][view] != now
    ]
    assert state == lab.state()


def test_what_cannot_be_taken_back_is_said_before(lab: Lab) -> None:
    """A tree of queues is more than a line of tc(8): the offer says so, and nothing pretends to undo it."""
    tree = ("tc qdisc add dev east root handle 1: htb default 1; tc class add dev east parent 1: classid 1:1 htb rate 1mbit;"
            " tc qdisc add dev east parent 1:1 handle 9: tbf rate 1mbit burst 60 limit 3000")
    lab["r"].exec(["sh", "-c", tree])
    try:
        (offer,) = lab.why("a", "b").fixes
        assert ("the htb queue of r:east, with what hangs on it",) == offer.lost
        mended = lab.fix("a", "b")
        assert (True, ()) == (mended.after is not None and mended.after.ok, mended.undo)
        with pytest.raises(UsageError, match="no fix to take back"):
            lab.undo()
    finally:
        lab["r"].exec("tc qdisc del dev east root")
