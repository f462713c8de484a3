"""What Open vSwitch writes, read without one: traces, listings, messages, rows."""

from __future__ import annotations

import json
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from vethlab import change as ops
from vethlab.errors import KernelError
from vethlab.kernel import openflow, openflow_ports, ovs_rows, switch_trace
from vethlab.kernel.jsonrpc import Peer
from vethlab.kernel.ovsdb import read_set, trouble_of
from vethlab.model.link import Link
from vethlab.model.switch import SwitchBridge, SwitchPort


def _port(name: bytes, configuration: int) -> bytes:
    """One ofp_phy_port of OpenFlow 1.0 (openflow-spec-v1.0.0, 5.2.1)."""
    return struct.pack("!H6s16sI20x", 1, bytes(6), name, configuration)


def test_flags_of_ports_come_in_pieces(tmp_path: Path) -> None:
    """Only ports with flags are told; what the switch says in between is passed over; an error, or a switch that hangs up, tells none."""
    hello, echo = struct.pack("!BBHI", 6, 0, 8, 9), struct.pack("!BBHI", 1, 2, 8, 9)
    parts = [_port(b"p-a", 0b100) + _port(b"p-b", 1), _port(b"p-c", 0b110000)]
    told = [struct.pack("!BBHIHH", 1, 17, 12 + len(one), 2, 13, last) + one for one, last in zip(parts, (1, 0), strict=True)]
    answers = {
        "whole": hello + told[0] + echo + told[1], "error": hello + struct.pack("!BBHI4x", 1, 1, 12, 2), "short": hello + told[0][:20],
    }
    expected = {"p-a": frozenset({"no-receive"}), "p-c": frozenset({"no-forward", "no-flood"})}
    for name, answer in answers.items():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as served, ThreadPoolExecutor() as pool:
            served.bind(str(tmp_path / name))
            served.listen()
            read = pool.submit(openflow_ports.read, str(tmp_path / name))
            peer, _ = served.accept()
            with peer:
                assert 20 == len(peer.recv(20, socket.MSG_WAITALL))
                peer.sendall(answer)
            assert (expected if name == "whole" else {}) == read.result()
    assert {} == openflow_ports.read(str(tmp_path / "nobody"))


TRACE = """\
Flow: tcp,in_port="p-b",vlan_tci=0x0000,nw_src=10.1.0.12,nw_dst=10.1.0.11,tp_src=0,tp_dst=80

bridge("sw0")
-------------
 0. tcp, priority 8
    output:"p-a"
    mod_nw_dst:1.2.3.4
    resubmit(,1)
 1. {}

Final flow: unchanged
Megaflow: recirc_id=0,eth,tcp,in_port="p-b",nw_frag=no
Datapath actions: {}
"""


@pytest.mark.parametrize(
    ("rule", "actions", "outputs", "plain", "remove"),
    [
        ("No match.\n    drop", "p-a", ("p-a",), False, ()),
        ("priority 0\n    NORMAL\n     -> no learned MAC for destination, flooding", "p-a,sw0", ("p-a", "sw0"), True, ()),
        ("in_port=3, priority 7\n    drop", "drop", (), False, ("table=1,priority=7,in_port=3",)),
        ("icmp\n    drop", "drop", (), False, ("table=1,icmp",)),
        ("priority 0\n    NORMAL", "push_vlan(vid=10,pcp=0),sw0,pop_vlan,p-c", ("p-c",), True, ()),
        ("priority 0\n    NORMAL", 'set(ipv4(dst=1.2.3.4)),ct(commit,nat(src=1.1.1.1)),"p-x"', ("p-x",), True, ()),
    ],
)
def test_a_trace_is_read_as_people_read_it(
    rule: str, actions: str, outputs: tuple[str, ...], plain: bool, remove: tuple[str, ...],
) -> None:
    """The ports by which a frame leaves as it came, the rules, and the command that takes the last one away."""
    found = switch_trace.read(TRACE.format(rule, actions), "sw0")
    assert (outputs, plain) == (found.outputs, found.plain)
    assert ("ovs-ofctl", "--strict", "del-flows", "sw0", *remove) == (found.remove or ("ovs-ofctl", "--strict", "del-flows", "sw0"))
    assert 'table 0: tcp, priority 8: output:"p-a" mod_nw_dst:1.2.3.4 resubmit(,1)' == found.rules[0]


@pytest.mark.parametrize(
    ("rule", "actions", "failed"),
    [
        ("priority 0", "drop", "no rule acts on the frame"), ("priority 0\n    dec_ttl\n    NORMAL", "p-a", ""),
        ("ct_state=+new\n    drop\n\nrecirc(0x1) - resume conntrack with default ct_state=trk|new", "drop", "connection tracking decides"),
    ],
)
def test_what_a_trace_cannot_tell(rule: str, actions: str, failed: str) -> None:
    """A port or a mirror that stops the frame, and connections that the kernel knows, are no rule's doing; NORMAL may come after others."""
    found = switch_trace.read(TRACE.format(rule, actions), "sw0")
    assert (failed, "NORMAL" in rule) == (found.failed, found.plain)


def test_a_listing_is_without_statistics_and_without_the_switchs_own_rules() -> None:
    """What changes with every packet, and what the switch keeps for itself, is no part of the rules."""
    listing = """\
duration=3s, n_packets=7, n_bytes=98, priority=9,tcp,tp_dst=80,actions=drop
duration=3s, n_packets=0, n_bytes=0, priority=0,actions=NORMAL
table_id=254, duration=3s, n_packets=0, n_bytes=0, priority=2,recirc_id=0,actions=drop
duration=3s, n_packets=0, n_bytes=0, priority=180000,udp,in_port=LOCAL,actions=NORMAL
"""
    assert ("priority=0,actions=NORMAL", "priority=9,tcp,tp_dst=80,actions=drop") == openflow.rules(listing)


def served(path: Path, answers: list[bytes]) -> list[Any]:
    """Answer one client, a part for each request; what it said."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        path.with_suffix(".ready").touch()
        client, _ = server.accept()
        heard = []
        with client:
            for answer in answers:
                heard.append(json.loads(client.recv(65536)))
                client.sendall(answer)
        return heard


def test_an_echo_is_answered_and_a_message_may_come_in_parts(tmp_path: Path) -> None:
    """ovsdb-server asks whether we live in the middle of everything; messages follow each other without anything between."""
    path = tmp_path / "sock"
    echo = b'{"method":"echo","params":["x"],"id":"e"}{"id":9,"result":"old","error":null}{"id":1,"res'
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(served, path, [echo, b'ult":{"a":[1]},"error":null}', b'{"id":2,"error":"no such command"}'])
        while not path.with_suffix(".ready").exists():
            continue
        peer = Peer(str(path), "the other side")
        assert {"a": [1]} == peer.call("first", [])
        with pytest.raises(KernelError, match="no such command"):
            peer.call("second", ["x"])
        peer.close()
        assert [("first", None), (None, ["x"]), ("second", None)] == [(one.get("method"), one.get("result")) for one in heard.result()]


def test_nobody_there_is_a_kernel_error(tmp_path: Path) -> None:
    """A socket that is not there, and a side that goes away in the middle."""
    with pytest.raises(KernelError, match="connect to the other side"):
        Peer(str(tmp_path / "none"), "the other side")
    path = tmp_path / "sock"
    with ThreadPoolExecutor(1) as pool:
        pool.submit(served, path, [b"{"])
        while not path.with_suffix(".ready").exists():
            continue
        with pytest.raises(KernelError, match="ECONNRESET"):
            Peer(str(path), "the other side").call("first", [])


def test_changes_are_operations_of_one_transaction() -> None:
    """A bridge with its own interface, a port with its VLAN, a port that goes, all with our mark."""
    rows = ovs_rows.Rows([
        {"rows": [{"_uuid": ["uuid", "b"], "name": "sw0", "ports": ["set", [["uuid", "p"]]], "external_ids": ["map", []]}]},
        {"rows": [{"_uuid": ["uuid", "p"], "name": "p-a", "interfaces": ["uuid", "i"]}]},
        {"rows": [{"_uuid": ["uuid", "i"], "name": "p-a", "error": ["set", []], "ofport": 3}]},
        {"rows": [{"datapath_types": ["set", []], "other_config": ["map", []]}]},
    ], ovs_rows.Whose("lab"))
    made = ovs_rows.operations([
        ops.AddSwitchBridge("host", Link("sw1", "ovs", mac="02:00:00:00:00:01"), SwitchBridge()),
        ops.AddSwitchPort("host", "sw1", "p-b", SwitchPort(10, isolated=True), 1), ops.RemoveSwitchPort("host", "sw0", "p-a"),
        ops.RemoveSwitchPort("host", "gone", "p-a"), ops.RemoveSwitchBridge("host", "sw0"),
    ], rows, otherwise="userspace")
    told = [(one["op"], one["table"]) for one in made]
    assert [("insert", "Interface"), ("insert", "Port"), ("insert", "Bridge"), ("mutate", "Open_vSwitch")] == told[:4]
    assert [("insert", "Interface"), ("insert", "Port"), ("mutate", "Bridge"), ("mutate", "Bridge"), ("mutate", "Open_vSwitch")] == told[4:]
    assert {"tag": 10, "protected": True, "external_ids": ["map", [["vethlab", "lab"]]]}.items() <= made[5]["row"].items()
    assert "netdev" == made[2]["row"]["datapath_type"]


def test_sets_of_one_come_bare() -> None:
    """RFC 7047 section 5.1: a set of one element is written as that element; an interface in trouble says why, or has no number."""
    assert ([], [5], [1, 2]) == (read_set(["set", []]), read_set(5), read_set(["set", [1, 2]]))
    assert "no such device" == trouble_of({"error": "no such device", "ofport": -1})
    assert "ovs-vswitchd could not add it" == trouble_of({"error": ["set", []], "ofport": -1})
    assert not trouble_of({"error": ["set", []], "ofport": 4})
