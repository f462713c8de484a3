"""Every live change of a link on every plane, and back: afterwards the system's tools see what they saw before."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.rehearse.looking import lasting
from tests.kernel.survival.corpus import LONG
from tests.kernel.survival.machine import until
from tests.kernel.why.portrait import portrait

from vethlab import Lab
from vethlab.errors import UsageError
from vethlab.lab.linking import LinkWish

pytestmark = [pytest.mark.kernel, pytest.mark.long]

BRIDGE = 'networks:\n  net: {subnet: [10.1.0.0/24, "fd01::/64"], gateway: 254, nodes: {a: 1, b: 2, c: 3}, isolated: [c]}\n'
PLANES = {
    "direct": ("""\
nodes:
  a: {routes: [10.9.0.0/16 via 10.0.0.2, "fd09::/64 via fd00::2"], sysctl: {net.ipv4.conf.eth0.rp_filter: 2}}
  b: {forward: true}
  c: {}
addressing: {loopbacks: 10.99.0.0/24}
links:
  - {ends: a 10.0.0.1/24 fd00::1/64 -- b 10.0.0.2/24 fd00::2/64, rate: 50mbit}
  - b 10.0.1.1/24 -- c 10.0.1.2/24
checks: [ping a -> b, ping all -> all]
""", "a", "b"),
    "bridge": (BRIDGE, "a", "net"),
    "ovs": ("networks:\n  net: {type: ovs, subnet: 10.1.0.0/24, nodes: [a, b, c], tags: {c: 3}, flows: [priority=0 actions=NORMAL]}\n",
            "a", "net"),
    "vxlan": ("""\
nodes: {h1: {role: host}, h2: {role: host}}
networks:
  under: {subnet: 10.0.0.0/24, nodes: [h1, h2]}
  net: {type: vxlan, vni: 42, subnet: 10.2.0.0/24, nodes: [h1/a, h2/b]}
""", "h1/a", "net"),
    "macvlan": (BRIDGE.replace("net: {", "net: {type: macvlan, ").replace(", isolated: [c]", ""), "a", "net"),
    "nat": ("""\
nodes: {a: {publish: [8080:80]}, b: {}, c: {}}
networks:
  net: {subnet: 10.4.0.0/24, gateway: 1, nat: masquerade, nodes: {a: 2, b: 3}}
  br1: {subnet: 10.5.0.0/24, gateway: 1, nodes: [c, b]}
checks: [tcp c -> host:8080, ping b -> world]
""", "a", "net"),
}
CHOSEN = PLANES if LONG else ["direct", "macvlan"]
PASSING = {"sockets", "unanswered"}
CHOSEN_BY_KERNEL = {"handle", "link", "ifindex", "link_index"}  # of queues, and of interfaces that are made anew


@pytest.fixture(params=[one for one in CHOSEN if one != "ovs" or shutil.which("ovs-vswitchd")])
def plane(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Lab, Path, str, str]]:
    """A lab on one plane, its file, a node and the other end of its link."""
    text, node, other = PLANES[request.param]
    file = tmp_path / "back.lab.yaml"
    file.write_text(f"name: back-{os.getpid()}\n{text}")
    lab = Lab.load(file)
    lab.up()
    try:
        yield lab, file, node, other
    finally:
        lab.down()


def asked(node: str, other: str) -> list[LinkWish]:
    """What is done to a link, to all of a network, and to a node."""
    said = (node, other) if other != "net" else (other,)
    more = [LinkWish(said, said={"rate": "5mbit"}), LinkWish((node, other), remove=True)] if LONG else []
    large = "9000" if other != "net" or node != "h1/a" else "1440"  # of an overlay the underlay is the limit
    return [
        LinkWish((node, other), up=False), LinkWish(said, said={"mtu": "1400"}), LinkWish(said, said={"mtu": large}), *more,
        LinkWish((node,), remove=True), LinkWish(add=f"{node}2 -- {other}" if other == "net" else f"{node} -- d"),
    ]


def look(lab: Lab) -> dict[str, Any]:
    """The lab as the system's tools see it, at rest, without what the kernel chooses anew for what is made anew."""
    names = sorted(lab.namespaces.names())

    def inside(node: str, script: str) -> str:
        return lab.namespaces.run(node, ["sh", "-c", script]).stdout

    def rests() -> bool:
        links = [one for node in names for one in json.loads(inside(node, "ip -j address"))]
        late = any("LOWER_UP" in one["flags"] and one["operstate"] == "DOWN" for one in links)
        return not late and not any(held.get("tentative") for one in links for held in one["addr_info"])

    until(rests, "the lab does not come to rest", step=0.05)
    views = lasting(portrait(inside, names))
    return {node: {view: _plain(found) for view, found in one.items() if view not in PASSING} for node, one in views.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    if isinstance(value, dict):
        port = str(value.get("ifname", value.get("dev", value.get("link", "")))).startswith("p-")
        passing = CHOSEN_BY_KERNEL | ({"address", "mac", "lladdr"} if port else set())
        return {key: _plain(one) for key, one in value.items() if key not in passing}
    return value


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What is there now and was not, and what was and is not, in each view."""
    assert [*before] == [*after]
    return [
        (node, view, [one for one in now if one not in before[node][view]], [one for one in before[node][view] if one not in now])
        for node, views in after.items() for view, now in views.items() if before[node][view] != now
    ]


def test_a_live_change_and_back(plane: tuple[Lab, Path, str, str]) -> None:
    """Done and undone, and for a link that was down done and raised: nothing differs, and the lab is as its file says."""
    lab, _, node, other = plane
    before = look(lab)
    for wish in asked(node, other):
        assert lab.change_link(wish).changes, wish
        lab.undo()
        assert [] == differences(before, look(lab)), wish
        if wish.up is False:
            lab.change_link(wish)
            lab.change_link(LinkWish(wish.ends, up=True))
            assert [] == differences(before, look(lab)), wish
        assert ((), lab.topology) == (lab.plan(), lab.current), wish


def test_a_change_that_is_written_and_back(plane: tuple[Lab, Path, str, str]) -> None:
    """The file says it and `plan` is content; refused, it has touched neither; undone, the lab is what the file said before."""
    lab, file, node, other = plane
    text, before = file.read_text(), look(lab)
    for wish in asked(node, other)[1:]:
        try:
            lab.change_link(LinkWish(wish.ends, said=wish.said, add=wish.add, remove=wish.remove, write=True))
        except UsageError:
            assert (text, ()) == (file.read_text(), lab.plan()), wish
            continue
        assert (True, ()) == (text != file.read_text(), lab.plan()), wish
        lab.undo()
        assert [] == differences(before, look(lab)), wish
        file.write_text(text)
        lab = Lab.load(file)
        lab.up()


@pytest.mark.parametrize("plane", ["vxlan"], indirect=True)
def test_what_would_be_no_lab_is_refused(plane: tuple[Lab, Path, str, str]) -> None:
    """An underlay that its overlay does not fit into: it stays, and the lab can still be asked and changed."""
    lab, _, _, _ = plane
    with pytest.raises(UsageError, match="does not fit into its underlay"):
        lab.change_link(LinkWish(("under",), said={"mtu": "1400"}))
    assert ((), lab.topology) == (lab.plan(), lab.current)
