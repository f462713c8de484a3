"""The route oracle's questions as an independent decoder (pyroute2) reads them, and its answers on kernels unlike this one."""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import ip_address
from struct import pack
from typing import Any

import pytest
from pyroute2.netlink.rtnl.rtmsg import rtmsg
from tests.unit.kernel.netlink.scripted import scripted

from vethlab.errors import KernelError
from vethlab.kernel.netlink.connection import Refused
from vethlab.kernel.netlink.lookup import lookup, request
from vethlab.kernel.netlink.message import Request, attribute, frame, nested, u32
from vethlab.kernel.netlink.route import MESSAGE
from vethlab.model.question import Route, Routed

INDEXES = {"lo": 1, "eth0": 2}
NAMES = {1: "lo", 2: "eth0"}
IN = Route("a", ip_address("10.1.0.2"), ip_address("10.0.0.2"), "eth0")
OUT = Route("a", ip_address("10.1.0.2"))
SIX = Route("a", ip_address("2001:db8::2"), ip_address("2001:db8::1"), oif="eth0")


def asked(question: Route) -> Any:
    """What pyroute2 reads in our message."""
    message = rtmsg(frame(request(question, INDEXES), 1))
    message.decode()
    return message


def test_a_question_about_the_input_path() -> None:
    """Source and incoming interface are there, whole addresses, and the flag that has IPv4 tell the table (RTM_F_LOOKUP_TABLE)."""
    message = asked(IN)
    assert (socket.AF_INET, 32, 32, 0x1000) == (message["family"], message["dst_len"], message["src_len"], message["flags"])
    assert ("10.1.0.2", "10.0.0.2", 2, None) == tuple(message.get_attr(f"RTA_{name}") for name in ("DST", "SRC", "IIF", "OIF"))


def test_a_question_about_ipv6() -> None:
    """IPv6 refuses that flag under strict checking, and tells the table without it."""
    message = asked(SIX)
    assert (socket.AF_INET6, 128, 128, 0) == (message["family"], message["dst_len"], message["src_len"], message["flags"])
    assert (2, None) == (message.get_attr("RTA_OIF"), message.get_attr("RTA_IIF"))


def answer(kind: int = 1, *parts: bytes, family: int = socket.AF_INET) -> bytes:
    """The payload of an answer."""
    return MESSAGE.pack(family, 32, 0, 0, 254, 2, 0, kind, 0) + b"".join(parts)


def test_an_answer() -> None:
    """Interface, gateway, source, table and the MTU of the route arrive; a source that was asked for is the one that counts."""
    parts = (
        u32(4, 2), attribute(5, bytes([10, 0, 0, 9])), attribute(7, bytes([10, 0, 0, 1])), u32(15, 1000), nested(8, u32(2, 1400)),
        attribute(12, bytes(32)),
    )
    expected = Routed(0, "", "unicast", "eth0", ip_address("10.0.0.9"), ip_address("10.0.0.1"), 1000, 1400)
    assert expected == lookup(scripted([answer(1, *parts)])[0], OUT, INDEXES, NAMES)
    assert IN.source == lookup(scripted([answer(1, *parts)])[0], IN, INDEXES, NAMES).source


def test_a_kernel_that_answers_with_the_refusing_line() -> None:
    """Older kernels answer an IPv6 question with the line itself and its error in RTA_CACHEINFO."""
    line = answer(8, u32(4, 1), attribute(12, pack("=3Ii4I", 0, 0, 0, -errno.EACCES, 0, 0, 0, 0)), family=socket.AF_INET6)
    found = lookup(scripted([line])[0], SIX, INDEXES, NAMES)
    assert (errno.EACCES, os.strerror(errno.EACCES), "prohibit") == (found.error, found.says, found.type)


@pytest.mark.parametrize(("code", "kind"), [
    (errno.EINVAL, "blackhole"), (errno.EHOSTUNREACH, "unreachable"), (errno.EACCES, "prohibit"), (errno.ENETUNREACH, ""),
])
def test_a_refusal_on_the_way_out(code: int, kind: str) -> None:
    """The errno tells the line that refuses (fib_props), and the words are those of ip-route(8)."""
    connection, kernel = scripted(code)
    assert Routed(code, f"RTNETLINK answers: {os.strerror(code)}", kind) == lookup(connection, OUT, INDEXES, NAMES)
    assert 1 == len(kernel.asked)


@pytest.mark.parametrize(("second", "kind"), [(errno.EINVAL, "blackhole"), (errno.ENETUNREACH, ""), ([answer()], "")])
def test_a_refusal_on_the_way_in(second: Any, kind: str) -> None:
    """EINVAL is a blackhole or a source that is not believed: the node's own way to the destination tells which."""
    connection, kernel = scripted(errno.EINVAL, second)
    assert Routed(errno.EINVAL, "RTNETLINK answers: Invalid argument", kind) == lookup(connection, IN, INDEXES, NAMES)
    assert [request(IN, INDEXES).body, request(OUT, INDEXES).body] == [body for _kind, body in kernel.asked]


def test_the_kernels_own_sentence_is_kept() -> None:
    """Where the kernel says more than an errno, ip-route(8) prints that, with a full stop."""
    found = lookup(scripted((errno.ENODEV, "Device not found"))[0], OUT, INDEXES, NAMES)
    assert (errno.ENODEV, "Error: Device not found.", "") == (found.error, found.says, found.type)
    assert "Error: No." == lookup(scripted((errno.ENODEV, "No."))[0], OUT, INDEXES, NAMES).says


def test_an_interface_that_is_not_there() -> None:
    """Nobody is asked, and the words are those of ip-route(8)."""
    connection, kernel = scripted()
    found = lookup(connection, Route("a", OUT.destination, oif="eth9"), INDEXES, NAMES)
    assert (Routed(errno.ENODEV, 'Cannot find device "eth9"', ""), []) == (found, kernel.asked)


def test_one_answer_to_one_request() -> None:
    """`ask` gives the answer to its own request, a refusal as Refused, and silence as an error."""
    connection, _kernel = scripted([b"one\0"], (errno.EPERM, "no"), ())
    data, start, end = connection.ask(Request(26, 0, b""))
    assert b"one\0" == data[start:end]
    with pytest.raises(Refused) as refused:
        connection.ask(Request(26, 0, b""))
    assert (errno.EPERM, "no") == (refused.value.code, refused.value.says)
    with pytest.raises(KernelError):
        connection.ask(Request(26, 0, b""))


def test_an_answer_to_somebody_else_is_passed_over() -> None:
    """What an interrupted dump left in the socket is no answer."""
    connection, kernel = scripted([b"mine"])
    kernel._queued.append(frame(Request(26, 0, b"old\0"), 0))
    data, start, end = connection.ask(Request(26, 0, b""))
    assert b"mine" == data[start:end]
