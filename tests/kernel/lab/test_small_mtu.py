"""MTUs below 1280 bytes: the kernel takes IPv6 off such an interface, and a lab lives with that, there and back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab import Lab
from vethlab.errors import BuildError
from vethlab.lab.linking import LinkWish

pytestmark = pytest.mark.kernel
FILE = """\
name: NAME
ipv6: SIX
nodes: {r: {forward: true, sysctl: {SYSCTL}, nft: "NFT"}, a: , b: , c: }
links: [{ends: a 10.0.0.1/24 -- r 10.0.0.2/24, mtu: MTU}]
networks:
  br0: {subnet: [10.1.0.0/24, "fd01::/64"], gateway: 1, nodes: [r, b]}
  br1: {subnet: 10.2.0.0/24, gateway: 1, mtu: MTU, nodes: [b, c]}
  lan: {type: macvlan, subnet: 10.3.0.0/24, mtu: MTU, nodes: [a, c]}
routing: shortest-path
checks: [ping a -> b, ping b -> c, "ping r -> fd01::3"]
"""
TOLD = "net.ipv6.conf.eth0.accept_ra"


class Narrow:
    """A lab whose file is written anew, and brought up so."""

    def __init__(self, directory: Path) -> None:
        self.path, self.name = directory / "narrow.lab.yaml", f"narrow-{os.getpid()}"

    def up(self, mtu: int, *, sysctl: str = "", nft: str = "table ip x {}", ipv6: str = "link-local") -> Lab:
        """As the file says with these."""
        said = {"NAME": self.name, "MTU": str(mtu), "SYSCTL": sysctl, "NFT": nft, "SIX": ipv6}
        text = FILE
        for word, value in said.items():
            text = text.replace(word, value)
        self.path.write_text(text, encoding="utf-8")
        lab = Lab.load(self.path)
        lab.up()
        return lab


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Narrow]:
    """It is gone afterwards."""
    one = Narrow(tmp_path)
    yield one
    Lab.running(one.name).down()


def six(lab: Lab, *ends: str) -> list[bool]:
    """Whether interfaces have IPv6 addresses, on ip(8)'s word."""
    found = []
    for node, _, interface in (end.partition(":") for end in ends):
        shown = json.loads(lab[node].exec(f"ip -6 -json address show dev {interface}").stdout or "[]")
        found.append(any(one.get("addr_info") for one in shown))
    return found


def test_up_there_and_back(narrow: Narrow) -> None:
    """Made so, raised, lowered, and lowered in vain: each time the lab is as declared, with IPv6 where there is room for it."""
    ends = ("a:eth0", "r:eth0", "b:eth1", "host:br1", "host:br0", "b:eth0")
    for mtu, told in ((900, ""), (1500, f"{TOLD}: 0"), (1279, ""), (1280, "")):
        lab = narrow.up(mtu, sysctl=told)
        assert ((), True) == (lab.plan(), lab.check().ok)
        assert [mtu >= 1280] * 4 + [True] * 2 == six(lab, *ends)
        assert not told or "0" == lab["r"].exec(f"sysctl -n {TOLD}").stdout.strip()
    with pytest.raises(BuildError) as refused:
        narrow.up(900, nft="no ruleset")
    assert "rolled-back" == refused.value.slug
    lab = narrow.up(1280)
    assert ((), True, [True] * 6) == (lab.plan(), lab.check().ok, six(lab, *ends))


def test_a_live_change_and_what_is_done_by_hand(narrow: Narrow) -> None:
    """`link --mtu` both ways and taken back, and an MTU set by hand that `up` takes back."""
    lab = narrow.up(1500)
    for mtu, back in (("900", True), ("1500", False)):
        for ends in (("lan",), ("a", "r")):  # a macvlan in `a` comes before what it stands on, in `host`
            lab.change_link(LinkWish(ends, said={"mtu": mtu}))
        assert [not back] * 2 == six(lab, "a:eth0", "a:eth1")
        lab.undo()
        assert [back, not back] == six(lab, "r:eth0", "c:eth1")
        lab.up()
        assert ((), [back]) == (lab.plan(), six(lab, "c:eth1"))
        lab = narrow.up(900)
    lab = narrow.up(1500, ipv6="none")
    lab.change_link(LinkWish(("br1",), said={"mtu": "900"}))
    lab.undo()
    assert ((), [False] * 2) == (lab.plan(), six(lab, "b:eth1", "host:br1"))
    lab = narrow.up(1500)
    for command in ("a ip link set dev eth0 mtu 900", "host ip link set dev p-b-2 mtu 1000", "host ip link set dev br0 mtu 1200",
                    "c ip link set dev lo mtu 1000"):
        node, _, line = command.partition(" ")
        assert lab[node].exec(line)
    assert "change interface a:eth0" in [f"{one.action} {one.object}" for one in lab.plan()]
    lab.up()
    assert ((), True, [True] * 4) == (lab.plan(), lab.check().ok, six(lab, "a:eth0", "host:br0", "host:br1", "b:eth1"))
    assert lab["c"].exec("ping -c1 -W1 ::1")
