"""nftables over netlink: what Linux 6.18 really said is read right, what we say is read right by pyroute2."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.nfnetlink import nfgen_msg
from pyroute2.netlink.nfnetlink.nftsocket import nft_chain_msg, nft_rule_msg, nft_table_msg

from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.message import HEADER, Request, attribute, frame, messages, nested, text
from vethlab.kernel.netlink.nftables import (
    Chain,
    Place,
    Table,
    TraceEvent,
    chains,
    places,
    removing,
    tables,
    trace_events,
    tracing,
)

WITNESSES: dict[int, Any] = {0xA00: nft_table_msg, 0xA02: nft_table_msg, 0xA03: nft_chain_msg, 0xA06: nft_rule_msg}

# Recorded from Linux 6.18: a netdev table with a chain on eth0 and eth1, an inet table with a base chain and one to jump into, and a table
# that is dormant.
TABLES = bytes.fromhex(
    "38000000000a020001000000432b000005000002060001006e00000008000300000000010c000400000000000000000108000200000000003800"
    "0000000a020001000000432b000001000002060001007400000008000300000000020c0004000000000000000002080002000000000038000000"
    "000a020001000000432b000002000002060001006400000008000300000000000c00040000000000000000030800020000000001"
    "140000000300020001000000432b000000000000",
)
CHAINS = bytes.fromhex(
    "84000000030a020001000000432b000005000002060001006e00000006000300690000000c0002000000000000000001300004000800010000000000"
    "08000200000000051c00040009000100657468310000000009000100657468300000000008000500000000010b00070066696c746572000008000a00"
    "00000001080006000000000068000000030a020001000000432b000001000002060001007400000006000300690000000c0002000000000000000001"
    "14000400080001000000000108000200fffffff608000500000000000b00070066696c746572000008000a000000000108000600000000013c000000"
    "030a020001000000432b00000100000206000100740000000900030064656570000000000c00020000000000000000020800060000000002"
    "140000000300020001000000432b000000000000",
)
# An echo request: a rule sets mark 5 and jumps, the chain it jumped into ends, so does the base chain, its policy drops.
JUMP = bytes.fromhex(
    "bc000000110a000000000000000000000100000008000f0000000002080004000000000308000600f74fd121060002006900000006000100740000000c00"
    "030000000000000000031800050008000100fffffffd09000200646565700000000008000e000000000508000a000000000306000b0000010000180008"
    "004500005405054000400121a20a0000010a0000021800090008000c91000300013325066b00000000f207010012000700020fb06fcf8c0289241d6122"
    "08000000",
)
ENDED = bytes.fromhex(
    "54000000110a000000000000000000000100000008000f0000000002080004000000000308000600f74fd1210900020064656570000000000600010074"
    "0000000c00050008000100ffffffff08000e0000000005",
)
POLICY = bytes.fromhex(
    "4c000000110a000000000000000000000100000008000f0000000002080004000000000108000600f74fd121060002006900000006000100740000000800"
    "10000000000008000e0000000005",
)


class Scripted:
    """A socket that gives recorded answers."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)

    def setsockopt(self, *_: object) -> None:
        """Accept any option."""

    def send(self, data: bytes) -> None:
        """Accept any request."""

    def recv(self, _: int, flags: int = 0) -> bytes:
        """The next answer."""
        if not self.answers and flags & socket.MSG_DONTWAIT:
            raise BlockingIOError
        return self.answers.pop(0)


def scripted(*answers: bytes) -> Connection:
    """A connection to a kernel that says this."""
    return Connection(Scripted(*answers))  # type: ignore[arg-type]


def told(request: Request) -> Any:
    """What pyroute2 reads in one of our requests."""
    message = WITNESSES.get(request.type, nfgen_msg)(frame(request, 1))
    message.decode()
    return message


def named(request: Request) -> tuple[int, str, int | None]:
    """Family, name and flags in a message about a table."""
    message = told(request)
    return message["nfgen_family"], message.get_attr("NFTA_TABLE_NAME"), message.get_attr("NFTA_TABLE_FLAGS")


def test_tables_are_read() -> None:
    """Family, name and flags of every table."""
    assert [Table("netdev", "n", 0), Table("inet", "t", 0), Table("ip", "d", 1)] == tables(scripted(TABLES))


def test_base_chains_are_read() -> None:
    """Hook, priority (negative too), policy and every device; a chain without a hook is none."""
    ingress = Chain("netdev", "n", "i", "filter", "ingress", 5, "accept", ("eth1", "eth0"))
    expected = [ingress, Chain("inet", "t", "i", "filter", "input", -10, "drop", ())]
    assert expected == chains(scripted(CHAINS))


def chain_message(family: int, hook: bytes) -> bytes:
    """A dump of one base chain, as a kernel of any age might tell it."""
    body = bytes([family, 0, 0, 0]) + text(1, "t") + text(3, "c") + nested(4, hook)
    return HEADER.pack(16 + len(body), 0xA03, 2, 1, 0) + body + HEADER.pack(20, 3, 2, 1, 0) + bytes(4)


def test_devices_of_old_and_new_kernels_are_read() -> None:
    """One device by itself (before Linux 5.5), a prefix (since 6.17), a hook that we do not know."""
    number, priority = attribute(1, bytes([0, 0, 0, 9])), attribute(2, bytes(4))
    old = chains(scripted(chain_message(5, number + priority + text(3, "eth7"))))
    new = chains(scripted(chain_message(5, number + priority + nested(4, text(1, "lo"), text(2, "eth")))))
    assert [("eth7",), ("lo", "eth*")] == [one.devices for one in (*old, *new)]
    unknown = chains(scripted(chain_message(77, number + priority)))
    assert [("netdev", "9"), ("77", "9")] == [(one.family, one.hook) for one in (*old, *unknown)]


def test_places_follow_the_families() -> None:
    """One inet table for ip, ip6 and inet; a device is marked once a hook however many chains it has, those of inet tables included."""
    hooked = [
        Chain(family, "t", "c", "filter", hook, 0, "accept", devices) for family, hook, devices in (
            ("netdev", "ingress", ("eth0", "eth1")), ("inet", "ingress", ("eth0",)), ("netdev", "egress", ("eth*",)), ("inet", "input", ()),
        )
    ]
    both = [Place("inet", "prerouting"), Place("inet", "output")]
    assert both == places([Table("ip", "a", 0), Table("ip6", "b", 0)], [])
    assert [Place("bridge", "prerouting"), Place("bridge", "output")] == places([Table("bridge", "a", 0)], [])
    assert [Place("arp", "input"), Place("arp", "output")] == places([Table("arp", "a", 0)], [])
    devices = [Place("netdev", "egress", "eth*"), Place("netdev", "ingress", "eth0"), Place("netdev", "ingress", "eth1")]
    assert [*both, *devices] == places([Table("netdev", "n", 0), Table("inet", "t", 0)], hooked)


def test_our_table_is_one_transaction_owned_by_its_socket() -> None:
    """Begin and end name the subsystem; each family has one table with the flag `owner`."""
    requests = tracing("ours", [Place("inet", "prerouting"), Place("inet", "output"), Place("arp", "input")])
    assert [0x10, 0xA00, 0xA00, 0xA03, 0xA06, 0xA03, 0xA06, 0xA03, 0xA06, 0x11] == [one.type for one in requests]
    assert [10, 10] == [told(requests[end])["res_id"] for end in (0, -1)]
    assert [(1, "ours", 2), (3, "ours", 2)] == [named(one) for one in requests[1:3]]


@pytest.mark.parametrize(
    ("place", "number", "device"),
    [
        (Place("inet", "output"), 3, []), (Place("bridge", "prerouting"), 0, []), (Place("arp", "output"), 1, []),
        (Place("netdev", "egress", "eth0"), 1, [("NFTA_DEVICE_NAME", "eth0")]),
    ],
)
def test_each_chain_goes_first_and_marks_everything(place: Place, number: int, device: list[tuple[str, str]]) -> None:
    """The chain hooks in where it was told, before every other, and its one rule is `meta nftrace set 1 accept`."""
    _begin, _table, chain, rule, _end = tracing("ours", [place])
    hook = told(chain).get_attr("NFTA_CHAIN_HOOK")
    devices = hook.get_attr("NFTA_HOOK_DEVS")
    assert (number, -(2**31)) == (hook.get_attr("NFTA_HOOK_HOOKNUM"), hook.get_attr("NFTA_HOOK_PRIORITY"))
    assert device == [tuple(one) for one in (devices["attrs"] if devices else [])]
    load, mark, accept = (one.get_attr("NFTA_EXPR_DATA") for one in told(rule).get_attr("NFTA_RULE_EXPRESSIONS"))
    assert ("NFT_REG_1", b"\1") == (load.get_attr("NFTA_IMMEDIATE_DREG"), load.get_attr("NFTA_IMMEDIATE_DATA").get_attr("NFTA_DATA_VALUE"))
    assert ("NFT_META_NFTRACE", "NFT_REG_1") == (mark.get_attr("NFTA_META_KEY"), mark.get_attr("NFTA_META_SREG"))
    verdict = accept.get_attr("NFTA_IMMEDIATE_DATA").get_attr("NFTA_DATA_VERDICT")
    assert ("NFT_REG_VERDICT", "NF_ACCEPT") == (accept.get_attr("NFTA_IMMEDIATE_DREG"), verdict.get_attr("NFTA_VERDICT_CODE"))


def test_our_table_is_taken_away_in_every_family() -> None:
    """One deletion a family, by name."""
    _begin, inet, arp, _end = removing("ours", [Place("inet", "prerouting"), Place("inet", "output"), Place("arp", "input")])
    assert [(0xA02, (1, "ours", None)), (0xA02, (3, "ours", None))] == [(one.type, named(one)) for one in (inet, arp)]


def test_a_jump_is_read_with_everything() -> None:
    """Rule, target, interfaces, headers and mark of the first event of a chain."""
    expected = TraceEvent(
        node="b", id=0x21D14FF7, family="inet", table="t", chain="i", kind="rule", handle=3, verdict="jump", jump_target="deep", policy="",
        iif=3, oif=0, link_header=bytes.fromhex("020fb06fcf8c0289241d61220800"),
        network_header=bytes.fromhex("4500005405054000400121a20a0000010a000002"),
        transport_header=bytes.fromhex("08000c91000300013325066b00000000f2070100"), mark=5,
    )
    assert [expected] == trace_events("b", JUMP)


def test_the_end_of_a_chain_and_a_policy_are_read() -> None:
    """The end of a chain is `return` without a handle; a policy is its own verdict; other messages are passed over."""
    ended, policy = trace_events("b", ENDED + TABLES + POLICY)
    assert ("deep", "return", None, "continue", b"") == (ended.chain, ended.kind, ended.handle, ended.verdict, ended.network_header)
    assert ("i", "policy", None, "drop", "drop") == (policy.chain, policy.kind, policy.handle, policy.verdict, policy.policy)


@pytest.mark.parametrize(
    ("code", "word"), [(0, "drop"), (1, "accept"), (0x10003, "queue"), (0x10000, "drop"), (0xFFFFFFFC, "goto"), (9, "9")],
)
def test_verdicts_are_words(code: int, word: str) -> None:
    """What stands above the lowest byte (a queue's number, an errno) is no part of the verdict; an unknown one stays a number."""
    verdict = nested(5, attribute(1, code.to_bytes(4, "big")))
    body = bytes(4) + text(1, "t") + text(2, "c") + attribute(4, bytes([0, 0, 0, 2])) + verdict + attribute(6, bytes(4))
    event, = trace_events("b", HEADER.pack(16 + len(body), 0xA11, 0, 0, 0) + body)
    assert ("return", word) == (event.kind, event.verdict)


@given(st.integers(16, len(JUMP) - 1))
def test_a_cut_message_is_no_event(length: int) -> None:
    """A datagram that was cut short is passed over, whole messages in front of it are read."""
    assert [3] == [event.handle for event in trace_events("b", JUMP + JUMP[:length])]
    assert 1 == len(list(messages(JUMP + JUMP[:length])))
