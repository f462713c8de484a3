"""Whatever a person changes behind the lab's back is shown by `plan` and repaired by `up`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.kernel.drifting import told_and_repaired

from vethlab import Lab
from vethlab.errors import BuildError, LabError

pytestmark = pytest.mark.kernel
GUARD = """
table inet guard {
  chain input {
    type filter hook input priority 0
    icmp type echo-request counter drop
  }
}
"""
ROUTED = Path(__file__).parents[3] / "examples" / "routed.lab.yaml"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The campus: three hosts and a router on a bridge, one host behind the router."""
    with Lab.load(ROUTED) as running:
        yield running


@pytest.mark.parametrize(
    ("node", "command", "told"),
    [
        ("a", "ip address delete 10.9.1.11/24 dev eth0", "add address 10.9.1.11/24 on a:eth0"),
        ("a", "ip address add 10.9.1.99/24 dev eth0", "remove address 10.9.1.99/24 on a:eth0"),
        ("b", "ip link set dev eth0 down", "change interface b:eth0"),
        ("b", "ip link set dev eth0 mtu 1400", "change interface b:eth0"),
        ("b", "ip link set dev eth0 address 02:00:00:00:00:77", "change interface b:eth0"),
        ("a", "ip route delete default", "add route default via 10.9.1.1 in a"),
        ("r", "ip route add blackhole 10.9.2.14/32", "remove route blackhole 10.9.2.14/32 in r"),
        ("a", "ip neigh replace 10.9.1.12 lladdr 02:00:00:00:00:99 dev eth0 nud permanent", "remove neighbour 10.9.1.12 on a:eth0"),
        ("host", "ip link set dev p-b nomaster", "change interface host:p-b"),
        ("host", "ip link set dev br0 down", "change interface host:br0"),
        ("host", "bridge link set dev p-a isolated on", "change interface host:p-a"),
        ("r", "sysctl -qw net.ipv4.ip_forward=0", "change sysctl net.ipv4.ip_forward in r"),
        ("b", "sysctl -qw net.ipv4.conf.all.arp_ignore=8", "change sysctl net.ipv4.conf.all.arp_ignore in b"),
        ("b", "sysctl -qw net.ipv4.conf.eth0.rp_filter=1", "change sysctl net.ipv4.conf.eth0.rp_filter in b"),
        ("b", "sysctl -qw net.ipv4.icmp_echo_ignore_all=1", "change sysctl net.ipv4.icmp_echo_ignore_all in b"),
        ("d", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1", "change sysctl net.ipv6.conf.all.disable_ipv6 in d"),
        ("c", "ip link delete dev eth0", "add link host:p-c -- c:eth0"),
        ("host", "ip link delete dev br0", "add bridge host:br0"),
        ("d", "ip link set dev lo down", "change interface d:lo"),
    ],
)
def test_a_change_by_hand_is_told_and_repaired(lab: Lab, node: str, command: str, told: str) -> None:
    """The plan names the object, `up` mends it, and then nothing differs and every path passes."""
    told_and_repaired(lab, node, command, told)


def test_a_link_that_was_down_gets_its_routes_back(lab: Lab) -> None:
    """Setting a link down loses its routes and IPv6 addresses; both come back with it."""
    lab["a"].exec("ip link set dev eth0 down")
    told = [f"{one.action} {one.object}" for one in lab.plan()]
    assert "add route default via 10.9.1.1 in a" in told
    assert any(text.startswith("add address fe80::") for text in told)
    lab.up()
    assert lab.check(["ping a -> d"]).ok


def test_what_somebody_else_made_in_a_node_is_left_alone(lab: Lab) -> None:
    """An interface that vethlab did not make, with its address, survives `up`."""
    assert lab["a"].exec("ip link add name mine type veth peer name mine2")
    assert lab["a"].exec("ip address add 192.0.2.1/24 dev mine")
    assert () == lab.plan()
    lab.up()
    assert "192.0.2.1/24" in lab["a"].exec("ip -brief address show dev mine").stdout


def test_repairing_one_node_loses_no_packet_between_others(lab: Lab) -> None:
    """A flow between two untouched nodes goes on while a third is rebuilt."""
    with lab["a"].popen(["ping", "-c", "150", "-i", "0.01", "-q", "10.9.1.12"], stdout=-1) as flow:
        for _ in range(5):
            lab["c"].exec("ip link delete dev eth0")
            lab.up()
        out, _ = flow.communicate(timeout=20)
    assert " 0% packet loss" in out
    assert () == lab.plan()


def test_a_change_that_the_kernel_refuses_half_way_is_rolled_back(lab: Lab) -> None:
    """A second declaration that cannot be carried out leaves the first lab as it was, and packets flow."""
    before = lab.state()
    with pytest.raises(BuildError) as caught:
        lab.node("e", sysctl={"net.ipv4.ip_default_ttl": "999"})
    assert "ip_default_ttl" in str(caught.value)
    assert before.netns.keys() == lab.namespaces.names()
    assert lab["a"].exec("ping -c 1 -W 1 10.9.2.14")


def test_rulesets_are_loaded_compared_and_reloaded() -> None:
    """A declared nft ruleset blocks what it says; flushing it by hand is drift, and a counter that counts is not."""
    with Lab("guarded") as lab:
        lab.node("b", nft=GUARD)
        lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
        assert not lab.check(["ping a -> b"], timeout=0.3).ok
        assert () == lab.plan()
        lab["b"].exec("nft flush ruleset")
        assert ["nft ruleset in b"] == [one.object for one in lab.plan()]
        assert lab.check(["ping a -> b"]).ok
        lab.up()
        assert () == lab.plan()
        assert not lab.check(["ping a -> b"], timeout=0.3).ok


def test_a_run_process_that_failed_is_started_again() -> None:
    """A `run:` that ended with an error is drift; one that did its work and ended well is not."""
    with Lab("workers") as lab:
        lab.node("a", run="exit 3")
        lab.node("b", run="true")
        lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
        import time

        deadline = time.monotonic() + 5
        while any(status.exited is None for status in lab.processes()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ["process of a"] == [one.object for one in lab.plan()]


def test_a_sysctl_that_leaves_the_file_goes_back() -> None:
    """What is no longer declared has a fresh namespace's value again, as in a lab that is made anew."""
    with Lab("returns") as lab:
        lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
        lab.node("a", sysctl={"net.ipv4.tcp_syncookies": "0", "net.ipv4.conf.eth0.log_martians": "1"})
        assert "0" == lab["a"].exec("sysctl -n net.ipv4.tcp_syncookies").stdout.strip()
        lab.node("a", sysctl={})
        read = lab["a"].exec("sysctl -n net.ipv4.tcp_syncookies net.ipv4.conf.eth0.log_martians").stdout.split()
        assert lab["host"].exec("sysctl -n net.ipv4.tcp_syncookies net.ipv4.conf.default.log_martians").stdout.split() == read


def test_a_failed_change_leaves_the_names_as_they_were(lab: Lab) -> None:
    """/etc/hosts of the nodes is part of what comes back."""
    with pytest.raises(BuildError):
        lab.node("e", sysctl={"net.ipv4.ip_default_ttl": "999"})
    assert 2 == lab["a"].exec("getent hosts e").rc


def test_a_private_directory_that_is_not_there_is_refused_before_anything_is_touched(lab: Lab) -> None:
    """The lab stays as it was, and so does its declaration."""
    with pytest.raises(LabError, match="no such directory"):
        lab.node("b", private=["/no/such/place"])
    assert () == lab.plan()


def test_threads_may_declare_on_one_lab() -> None:
    """Declarations of four threads are carried out one after another; none is lost."""
    with Lab("threads") as lab, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: lab.link(f"a{n} 10.0.{n}.1/24", f"b{n} 10.0.{n}.2/24"), range(4)))
        assert {"host", *[f"{side}{n}" for side in "ab" for n in range(4)]} == lab.namespaces.names()
        assert () == lab.plan()


def test_a_running_lab_does_not_change_hands(tmp_path: Path) -> None:
    """Asking for the other mode by name is an error; the lab stays as it is."""
    file = tmp_path / "hands.lab.yaml"
    file.write_text("name: hands\nlinks: [a 10.0.0.1/24 -- b 10.0.0.2/24]\n")
    Lab.load(file, mode="rootless").up()
    try:
        Lab.load(file, mode="rootless").up()
        if os.geteuid() == 0:
            with pytest.raises(LabError, match="running rootless, not as root"):
                Lab.load(file, mode="root").up()
    finally:
        Lab.running("hands").down()
