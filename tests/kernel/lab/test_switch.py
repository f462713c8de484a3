"""Labs on Open vSwitch: daemons of their own, ports by transaction, TCP and not only ping, drift and its repair."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from vethlab import Lab, spec
from vethlab.errors import BuildError, HostError, SpecErrors
from vethlab.kernel import ovs_daemons
from vethlab.kernel.ovsdb import Database, Operation
from vethlab.lab.linking import LinkWish
from vethlab.lab.node import Node
from vethlab.lab.switching import require_switch

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


OVERLAY = """
name: carried
nodes: {h1: {role: host}, h2: {role: host}}
networks:
  sw0: {type: ovs, datapath: userspace, subnet: 192.168.50.0/24, nodes: {h1: 1, h2: 2}}
  pods: {type: vxlan, subnet: [10.42.0.0/16, "fd42::/64"], nodes: [h1/a, h2/b]}
  more: {type: vxlan, vni: 9, fdb: learning, nodes: [h1/a, h2/b]}
checks: [ping all -> all]
"""


def test_an_overlay_over_a_switch_carries_bulk(tmp_path: Path) -> None:
    """A switch in user space fills in no checksum inside, so the devices leave none open to it; devices without that are drift."""
    file = tmp_path / "x.lab.yaml"
    file.write_text(OVERLAY)
    with Lab.load(file) as lab:
        assert ((), True) == (lab.plan(), lab.check().ok)
        assert carries(lab["h1/a"], lab["h2/b"], "10.42.0.2")
        again = "ip link delete dev vx-more; ip link add name vx-more type vxlan id 9 dstport 4790 local 192.168.50.1"
        assert lab["h1"].exec(["sh", "-c", again])
        assert any("remote_sum off → on" in one.reason for one in lab.plan())
        lab.up()
        assert ((), True) == (lab.plan(), lab.check().ok)


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
        (["ovs-vsctl set Port p-b tag=7 trunks=7,8 vlan_mode=native-tagged"], "change port host:p-b of sw0"),
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


def test_vlans_rules_and_isolation_hold() -> None:
    """Nodes of one VLAN reach each other and nobody else; a rule drops; isolated ports do not meet; nothing leaks past the switch."""
    lab = Lab("ruled")
    nodes = {"a": 11, "b": 12, "c": 13, "d": 14}
    rules = ["priority=9,in_port=p-c,icmp,actions=drop", "priority=0,actions=normal"]
    lab.bridge("sw0", type="ovs", subnet="10.1.0.0/24", gateway=1, nodes=nodes, tags={"a": 10, "b": 10}, flows=rules)
    with lab:
        fine, shut = ["ping a -> b", "ping d -> host", "tcp c -> d:80"], ["ping a -> d", "ping a -> host", "ping c -> d", "ping b -> c"]
        lab.node("d", run="python3 -m http.server 80")
        assert lab.check(fine).ok
        assert [False] * 4 == [one.ok for one in lab.check(shut, timeout=0.2).results]
        assert () == lab.plan()
        lab.bridge("sw0", tags={}, flows=[], isolated=["a", "b"])
        assert lab.check(["ping c -> d", "ping a -> c", "ping b -> host"]).ok
        assert not lab.check(["ping a -> b"], timeout=0.2).ok


def test_fifty_ports_are_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ports a plan adds, ovsdb-server is told once for the bridge and once for all of them."""
    told: list[int] = []
    change = Database.change

    def counted(database: Database, operations: Sequence[Operation]) -> int:
        told.append(sum(one.get("table") == "Port" for one in operations))
        return change(database, operations)

    monkeypatch.setattr(Database, "change", counted)
    lab = Lab("many")
    lab.bridge("sw0", type="ovs", subnet="10.1.0.0/24", nodes=[f"n{number}" for number in range(1, 51)])
    with lab:
        assert [1, 50] == told
        assert lab.check(["ping n1 -> n50"]).ok


def test_a_node_joins_the_running_switch_and_leaves_it(lab: Lab) -> None:
    """One port more in the database and one less, both times in one transaction, and undone as any change."""
    lab.change_link(LinkWish(add="d 14 -- sw0"))
    assert ("p-d" in vsctl(lab, "list-ports sw0"), True) == (True, lab.check(["ping a -> d"]).ok)
    lab.change_link(LinkWish(("d",), remove=True))
    assert "p-d" not in vsctl(lab, "list-ports sw0")
    lab.undo()
    assert lab.check(["ping d -> b"]).ok
    lab.up()
    assert ([], ()) == ([port for port in vsctl(lab, "list-ports sw0").split() if port == "p-d"], lab.plan())


def test_what_the_switch_refuses_leaves_the_lab_as_it_was(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that the switch takes at no time, and an interface that it cannot open: rolled back, exit 5, and the lab still works."""
    rules = ["priority=1,in_port=p-a,actions=output:99999999"]
    monkeypatch.setattr("vethlab.lab.switching.require_switch", lambda *_: None)
    with pytest.raises(BuildError) as caught:
        lab.bridge("sw0", flows=rules)
    assert (5, True) == (caught.value.exit_code, "flows of host:sw0" in str(caught.value))
    assert () == lab.plan()
    assert lab.check(["http a -> c:80"]).ok


def test_what_the_machine_or_the_switch_cannot_do_is_told_before_anything_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Open vSwitch, no kernel module, no tun device: exit 3; a rule it does not understand: exit 2 with the line of the file."""
    text = "name: x\nnetworks:\n  sw0:\n    type: ovs\n    datapath: kernel\n    flows:\n      - priority=1,in_port=p-a,actions=normal\n"
    wrong = text.replace("kernel", "userspace") + "      - priority=1,tcp,tp_dts=80,actions=drop\n    nodes: [a, b]\n"
    with pytest.raises(SpecErrors) as refused:
        require_switch(spec.loads(wrong, "x.lab.yaml"))
    assert [("bad-flow", 8, 9)] == [(one.slug, one.line, one.column) for one in refused.value.errors]
    assert "unknown keyword tp_dts" in refused.value.message
    monkeypatch.setattr("vethlab.lab.switching.kernel_datapath", lambda: False)
    with pytest.raises(HostError) as caught:
        require_switch(spec.loads(text))
    assert (3, "no-ovs-module") == (caught.value.exit_code, caught.value.slug)
    monkeypatch.setattr(ovs_daemons, "TUN", "/dev/net/no-such-device")
    with pytest.raises(HostError) as caught:
        require_switch(spec.loads(text.replace("kernel", "auto")))
    assert (3, "no-tun") == (caught.value.exit_code, caught.value.slug)
    monkeypatch.setattr(ovs_daemons, "PROGRAMS", ("no-such-program",))
    with pytest.raises(HostError) as caught:
        require_switch(spec.loads(text))
    assert (3, "apt install openvswitch-switch") == (caught.value.exit_code, caught.value.help)


def test_the_first_database_is_one_that_open_vswitchs_own_tool_reads(lab: Lab) -> None:
    """What we write record for record is a database file: ovsdb-tool reads its schema, its log, and the one row that it begins with."""
    host = lab["host"]
    assert host.exec("ovsdb-tool db-version /run/openvswitch/conf.db").stdout.strip()
    assert "vethlab" in host.exec("ovsdb-tool show-log /run/openvswitch/conf.db").stdout
    assert "1" == host.exec('sh -c "ovs-vsctl --bare --columns=_uuid list Open_vSwitch | wc -l"').stdout.strip()
