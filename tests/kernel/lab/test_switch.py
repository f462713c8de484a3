"""Labs on Open vSwitch: daemons of their own, ports by transaction, TCP and not only ping, drift and its repair."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from vethlab import Lab
from vethlab.lab.node import Node

pytestmark = pytest.mark.kernel
BULK = 8 << 20


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three nodes on one switch, two of them in one VLAN, and the switch with an address."""
    lab = Lab("switched")
    lab.node("c", run="python3 -m http.server 80")
    lab.bridge("sw0", type="ovs", subnet="10.1.0.0/24", gateway=1, nodes={"a": 11, "b": 12, "c": 13}, datapath="userspace")
    with lab:
        yield lab


def vsctl(lab: Lab, words: str) -> str:
    """What ovs-vsctl says in the lab's host, where it finds the lab's own database."""
    done = lab["host"].exec(f"ovs-vsctl {words}")
    assert done, done.stderr
    return done.stdout.strip()


def send_all(client: socket.socket) -> None:
    """Send the bulk, and that it is over."""
    client.sendall(bytes(BULK))
    client.shutdown(socket.SHUT_WR)


def carries(source: Node, target: Node, address: str) -> bool:
    """Whether a bulk transfer arrives whole."""
    with target.socket() as server, source.socket() as client:
        server.bind((address, 7000))
        server.listen()
        server.settimeout(5)
        client.settimeout(5)
        client.connect((address, 7000))
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(send_all, client)
            connection, _ = server.accept()
            connection.settimeout(5)
            got = 0
            while part := connection.recv(1 << 20):
                got += len(part)
            sent.result()
            connection.close()
        return got == BULK


def test_tcp_passes_the_switch_and_its_own_interface(lab: Lab) -> None:
    """Checksums that user space would leave out are there: http, and bulk, between nodes and with the switch's own address."""
    assert lab.check(["ping all -> all", "http a -> c:80", "ping a -> host"]).ok
    assert carries(lab["a"], lab["b"], "10.1.0.12")
    assert carries(lab["a"], lab["host"], "10.1.0.1")
    assert carries(lab["host"], lab["b"], "10.1.0.12")


def test_the_database_holds_what_the_lab_file_says(lab: Lab) -> None:
    """ovs-vsctl is the witness: ports in file order, our mark, the hardware address, a datapath in user space."""
    assert "sw0" == vsctl(lab, "list-br")
    assert {"p-a", "p-b", "p-c"} == set(vsctl(lab, "list-ports sw0").split())
    assert ["1", "2", "3"] == [vsctl(lab, f"get Interface p-{name} ofport") for name in "abc"]
    assert "netdev switched" == f"{vsctl(lab, 'get Bridge sw0 datapath_type')} {vsctl(lab, 'get Bridge sw0 external_ids:vethlab')}"
    assert "true" == vsctl(lab, "get Open_vSwitch . other_config:userspace-tso-enable").strip('"')
    assert () == lab.plan()
    assert [] == [one for one in lab.processes() if one.netns == "host"]


@pytest.mark.parametrize(
    ("commands", "told"),
    [
        (["ovs-vsctl del-port sw0 p-a"], "add port host:p-a of sw0"),
        (["ovs-vsctl set Port p-b tag=7"], "change port host:p-b of sw0"),
        (["ovs-vsctl set Port p-b protected=true"], "change port host:p-b of sw0"),
        (["ovs-vsctl del-br sw0"], "add switch host:sw0"),
        (["ovs-ofctl add-flow sw0 priority=5,icmp,actions=drop"], "change flows of host:sw0"),
        (["ip link delete dev p-a"], "add port host:p-a of sw0"),
        (["ip link set dev sw0 down"], "change interface host:sw0"),
        (["ovs-vsctl set Interface sw0 mtu_request=1400"], "change interface host:sw0"),
        (["ip address delete 10.1.0.1/24 dev sw0"], "add address 10.1.0.1/24 on host:sw0"),
        (["pkill --full ^ovs-vswitchd"], "add Open vSwitch of host"),
        (["pkill --full ^ovsdb-server"], "add Open vSwitch of host"),
    ],
)
def test_a_change_by_hand_is_told_and_repaired(lab: Lab, commands: list[str], told: str) -> None:
    """The plan names the object, `up` mends it, and then nothing differs and packets pass."""
    for command in commands:
        done = lab["host"].exec(command)
        assert done, done.stderr
    end = monotonic() + 5
    while told not in (found := [f"{one.action} {one.object}" for one in lab.plan()]) and monotonic() < end:
        continue  # a daemon that was killed takes a moment to die
    assert told in found
    lab.up()
    assert () == lab.plan()
    assert lab.check(["http a -> c:80", "ping b -> host"]).ok
