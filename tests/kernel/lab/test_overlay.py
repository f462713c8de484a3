"""Overlays with real packets: hosts inside a lab, nodes inside hosts, VXLAN between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from vethlab import Lab

pytestmark = pytest.mark.kernel
TWO = """
name: two
nodes: {{h1: {{role: host, routes: [10.77.0.0/24 via 10.43.0.2]}}, h2: {{role: host}}}}
links: [h1 {first} -- h2 {second}]
networks:
  pods: {{type: vxlan, vni: 42, fdb: {fdb}, subnet: [10.42.0.0/16, "fd00:42::/64"], nodes: [h1/pod1, h1/pod2, h2/pod3]}}
  back: {{type: vxlan, udp_port: 8472, on: h2, gateway: 1, nodes: [h1/pod1, h2/pod3]}}
  br0: {{on: h1, subnet: 10.43.0.0/24, gateway: 1, nodes: [h1/pod1, h1/pod2]}}
checks: [ping all -> all, "ping h1/pod1:eth1 -> h2:back", "ping h1/pod2:eth1 -> h1:br0", "ping h1 -> h2"]
"""
THREE = """
name: three
routing: shortest-path
nodes: {h1..3: {role: host}, r: {forward: true}}
links: ["h1 192.168.1.1/24 -- r 192.168.1.254/24", "h2 192.168.2.1/24 -- r 192.168.2.254/24", "h3 192.168.3.1/24 -- r 192.168.3.254/24"]
networks: {pods: {type: vxlan, nodes: [h1..3/a]}}
checks: [ping h1..3/a -> h1..3/a]
"""


def load(tmp_path: Path, text: str) -> Lab:
    """A lab from the text of a file."""
    file = tmp_path / "x.lab.yaml"
    file.write_text(text)
    return Lab.load(file)


@pytest.mark.parametrize("fdb", ["static", "learning", "multicast"])
@pytest.mark.parametrize(("first", "second", "mtu"), [("10.0.0.1/24", "10.0.0.2/24", 1450), ("fd00::1/64", "fd00::2/64", 1430)])
def test_every_pod_reaches_every_other(tmp_path: Path, fdb: str, first: str, second: str, mtu: int) -> None:
    """However the hosts learn of each other, over IPv4 and IPv6; the largest packet that `mtu: auto` allows passes uncut."""
    with load(tmp_path, TWO.format(fdb=fdb, first=first, second=second)) as lab:
        report = lab.check()
        assert [] == [f"{one.path.src} -> {one.path.target}: {one.reason}" for one in report.results if not one.passed]
        assert () == lab.plan()
        assert lab["h1/pod1"].exec(["ping", "-4", "-c1", "-W1", "-Mdo", f"-s{mtu - 28}", "pod3"])
        assert not lab["h1/pod1"].exec(["ping", "-4", "-c1", "-W0.1", "-Mdo", f"-s{mtu - 27}", "pod3"])


BY_HAND = {
    "bridge fdb delete 00:00:00:00:00:00 dev vx-pods dst 10.0.0.2 self": "add fdb 00:00:00:00:00:00 to 10.0.0.2 on h1:vx-pods",
    "bridge fdb append 00:00:00:00:00:00 dev vx-pods dst 10.0.0.9": "remove fdb 00:00:00:00:00:00 to 10.0.0.9 on h1:vx-pods",
    "bridge fdb replace 02:00:00:00:00:09 dev vx-pods dst 10.0.0.2 vni 9 port 99": "remove fdb 02:00:00:00:00:09 to 10.0.0.2 on h1:vx-pods",
    "ip link set dev vx-pods down": "change interface h1:vx-pods",
    "ip link set dev vx-pods nomaster": "change interface h1:vx-pods",
    "ip link set dev vx-pods type vxlan learning": "change interface h1:vx-pods",
    "ip link set dev vx-pods type vxlan local 10.0.0.77 ttl 3 df set": "change interface h1:vx-pods",
    "ip link set dev vx-pods type vxlan local 0.0.0.0 df inherit": "change interface h1:vx-pods",
    "ip link delete dev vx-pods": "add vxlan h1:vx-pods",
    "ip link delete dev eth0": "add link h1:eth0 -- h2:eth0",
}


def test_changes_by_hand_are_told_and_repaired(tmp_path: Path) -> None:
    """The plan names the object, `up` mends it, and then nothing differs and every path passes."""
    with load(tmp_path, TWO.format(fdb="static", first="10.0.0.1/24", second="10.0.0.2/24")) as lab:
        for command, told in BY_HAND.items():
            done = lab["h1"].exec(command)
            assert done, done.stderr
            assert told in [f"{one.action} {one.object}" for one in lab.plan()]
            lab.up()
            assert () == lab.plan()
            assert lab.check().ok


def test_a_lab_grows_and_changes_while_it_runs(tmp_path: Path) -> None:
    """A pod more is known on all hosts; another vni makes the devices anew; a network more and one less come and go."""
    with load(tmp_path, THREE) as lab:
        assert lab.check().ok
        for text in (
            THREE.replace("[h1..3/a]", "[h1..3/a, h3/b]").replace("-> h1..3/a", "-> h3/b"),
            THREE.replace("type: vxlan", "type: vxlan, vni: 77, fdb: learning"),
            THREE.replace("networks: {", "networks: {more: {type: vxlan, nodes: [h1/a, h3/a]}, "),
            THREE,
        ):
            other = load(tmp_path, text).topology
            session = lab._engine()
            session.converge(other, text)
            assert () == session.plan(other)
            lab._topology = other
            assert lab.check().ok
