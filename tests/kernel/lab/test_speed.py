"""Tuned links, and what `bench` measures."""

from __future__ import annotations

import json
from ipaddress import ip_address

import pytest
from click.testing import CliRunner

from vethlab import Lab
from vethlab.errors import LabError, UsageError
from vethlab.lab import benching
from vethlab.plan.tuning import SEGMENT
from vethlab.present.cli.commands.bench import command
from vethlab.probe.speed import End, measure

pytestmark = pytest.mark.kernel


def test_tuned_is_held_and_taken_back() -> None:
    """The kernel has the larger segments, nothing differs; a change by hand is mended, and without the key they are as small as any."""
    with Lab("fast") as lab:
        lab.link("a 10.0.0.1/24", "b 10.0.0.2/24", tuned=True)
        lab.bridge("net0", type="macvlan", subnet="10.1.0.0/24", nodes=["a", "b"], tuned=True)
        assert () == lab.plan()
        assert {SEGMENT} == {lab.state().netns[node].links[name].gso for node in ("a", "b") for name in ("eth0", "eth1")}
        assert lab["a"].exec("ip link set dev eth0 gso_max_size 65536")
        assert lab.check().ok
        lab.up()
        assert () == lab.plan()
        lab.bridge("net0", tuned=False)
        assert lab.state().netns["a"].links["eth1"].gso is None


def test_two_nodes_are_measured() -> None:
    """A round trip, a stream and datagrams, in IPv6 too; a way that leads nowhere is told, not waited for."""
    with Lab("measured") as lab:
        lab.link("a 10.0.0.1/24 fd00::1/64", "b 10.0.0.2/24 fd00::2/64")
        for near, far in (("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")):
            found = measure(lab.namespaces, End("a", ip_address(near)), End("b", ip_address(far)), seconds=0.1)
            assert (True, True, True) == (0 < found.rtt_us < 5000, found.tcp > 10**7, found.udp > 10**6)
        rows = list(benching.bench(lab, None, None, seconds=0.1))
        assert ["loopback", "a -> b"] == [row.plane for row in rows]
        with pytest.raises(LabError):
            list(benching.bench(lab, "a", "nobody", seconds=0.1))
        assert lab["a"].exec("ip address delete 10.0.0.1/24 dev eth0")
        with pytest.raises(LabError) as caught:
            list(benching.bench(lab, None, None, seconds=0.1))
        assert "a cannot send to 10.0.0.2: Cannot assign requested address" == caught.value.message


def test_planes_side_by_side() -> None:
    """Each is built, measured and gone; a plane that there is not is a mistake before anything is built."""
    done = CliRunner().invoke(command, ["--planes", "direct,bridge,routed,macvlan", "--with", "own", "--seconds", "0.1", "-o", "json"])
    told = json.loads(done.stdout)
    assert ("vethlab.bench/1", 0, "own", None, 0.1) == (
        told["schema"], done.exit_code, told["with"], told["version"], told["seconds"],
    )
    assert ["loopback", *[name for name in ("direct", "bridge", "routed", "macvlan") for _ in range(2)]] == [
        row["plane"] for row in told["rows"]
    ]
    assert all(row["ratio"]["tcp"] > 0.01 for row in told["rows"])
    with pytest.raises(UsageError):
        list(benching.planes(["string"], seconds=0.1))
