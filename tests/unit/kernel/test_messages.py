"""Our netlink encoding against an independent decoder (pyroute2), and our decoding against its encoder."""

from __future__ import annotations

import errno
import socket
import struct
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from vethlab.kernel import bridge, veth
from vethlab.kernel.netlink import address, link, neighbour, route
from vethlab.kernel.netlink.connection import Connection, Refused
from vethlab.kernel.netlink.message import (
    HEADER,
    NLM_F_ACK_TLVS,
    NLM_F_CAPPED,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    Request,
    attribute,
    attributes,
    error_of,
    frame,
    messages,
)
from vethlab.model.link import Bridge, BridgePort, Link
from vethlab.model.neighbour import Neighbour
from vethlab.model.route import NextHop, Route, RouteType


def told(kind: Any, request: Request) -> Any:
    """What pyroute2 reads in one of our requests."""
    message = kind(frame(request, 1))
    message.decode()
    return message


def payload(message: Any) -> tuple[bytes, int, int]:
    """A message that pyroute2 encoded, as (data, start, end) of its payload."""
    message.encode()
    return bytes(message.data), 16, len(message.data)


def test_a_veth_pair_is_told_in_one_message() -> None:
    """Names, indexes, MACs, MTUs, queues, master and the peer's namespace all arrive."""
    left = Link("p-a", "veth", mtu=9000, mac="02:00:00:00:00:01", index=7, alias="port of a", port=BridgePort(isolated=True))
    right = Link("eth0", "veth", mtu=9000, mac="02:00:00:00:00:02", index=8)
    made, later = veth.encode(left, right, peer_netns=5, master=3)
    message = told(ifinfmsg, made)
    assert (7, 1) == (message["index"], message["flags"])
    assert ("p-a", 9000, "02:00:00:00:00:01", 3, 1) == tuple(
        message.get_attr(f"IFLA_{name}") for name in ("IFNAME", "MTU", "ADDRESS", "MASTER", "NUM_TX_QUEUES")
    )
    peer = message.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA").get_attr("VETH_INFO_PEER")
    assert (8, 0) == (peer["index"], peer["flags"])
    told_of_peer = tuple(peer.get_attr(f"IFLA_{name}") for name in ("IFNAME", "MTU", "ADDRESS", "NET_NS_FD"))
    assert ("eth0", 9000, "02:00:00:00:00:02", 5) == told_of_peer
    second = told(ifinfmsg, later)
    assert "port of a" == second.get_attr("IFLA_IFALIAS")
    assert 1 == second.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_SLAVE_DATA").get_attr("IFLA_BRPORT_ISOLATED")


def test_a_bridge_is_told_with_its_settings() -> None:
    """STP and multicast snooping go into the bridge's own attributes."""
    message = told(ifinfmsg, bridge.encode(Link("br0", "bridge", index=2, mac="02:00:00:00:00:09", bridge=Bridge(stp=True))))
    data = message.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA")
    assert (1, 0) == (data.get_attr("IFLA_BR_STP_STATE"), data.get_attr("IFLA_BR_MCAST_SNOOPING"))


def test_settings_of_an_existing_link_are_found_by_index_or_name() -> None:
    """With an index no name is sent; without one the name finds the link."""
    by_index = told(ifinfmsg, link.set_link(4, "eth0", up=True, parts=link.address_generation(link_local=False)))
    assert (4, None, 1, 1) == (by_index["index"], by_index.get_attr("IFLA_IFNAME"), by_index["flags"], by_index["change"])
    by_name = told(ifinfmsg, link.delete_link(0, "eth0"))
    assert (0, "eth0") == (by_name["index"], by_name.get_attr("IFLA_IFNAME"))


@pytest.mark.parametrize("given_address", ["10.0.0.1/24", "fd00::1/64", "127.0.0.2/8"])
def test_addresses_arrive_with_prefix_scope_and_nodad(given_address: str) -> None:
    """IPv6 addresses skip duplicate address detection; loopback addresses have host scope."""
    value = ip_interface(given_address)
    message = told(ifaddrmsg, address.add(3, value))
    assert (3, value.network.prefixlen) == (message["index"], message["prefixlen"])
    assert str(value.ip) == message.get_attr("IFA_LOCAL")
    assert (address.IFA_F_NODAD if value.version == 6 else None) == message.get_attr("IFA_FLAGS")
    assert (254 if value.ip.is_loopback else 0) == message["scope"]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (Route(ip_network("0.0.0.0/0"), (NextHop(ip_address("10.0.0.1")),)), {"RTA_GATEWAY": "10.0.0.1", "RTA_DST": None}),
        (Route(ip_network("10.1.0.0/16"), (NextHop(None, "eth0"),)), {"RTA_OIF": 2, "RTA_DST": "10.1.0.0"}),
        (
            Route(ip_network("fd01::/64"), (NextHop(ip_address("fd00::1"), "eth0"),), metric=7),
            {"RTA_GATEWAY": "fd00::1", "RTA_PRIORITY": 7},
        ),
        (
            Route(ip_network("10.2.0.0/16"), (NextHop(ip_address("10.0.0.1")),), source=ip_address("10.0.0.9")),
            {"RTA_PREFSRC": "10.0.0.9"},
        ),
    ],
)
def test_routes_arrive(one: Route, expected: dict[str, object]) -> None:
    """Destination, gateway, device, metric and source are told; ours are marked static."""
    message = told(rtmsg, route.add(one, {"eth0": 2}))
    assert expected == {name: message.get_attr(name) for name in expected}
    assert (route.RTPROT_STATIC, 254, one.destination.prefixlen) == (message["proto"], message["table"], message["dst_len"])


def test_several_next_hops_are_one_multipath_route() -> None:
    """ECMP is told in one message."""
    hops = (NextHop(ip_address("10.0.0.1"), "eth0"), NextHop(ip_address("10.0.1.1"), "eth1", onlink=True))
    message = told(rtmsg, route.add(Route(ip_network("10.9.0.0/16"), hops), {"eth0": 2, "eth1": 3}))
    found = [(hop["oif"], hop.get_attr("RTA_GATEWAY"), hop["flags"]) for hop in message.get_attr("RTA_MULTIPATH")]
    assert [(2, "10.0.0.1", 0), (3, "10.0.1.1", 4)] == found


def test_a_blackhole_has_no_next_hop() -> None:
    """Types that end a packet are told by number, and removal matches any protocol."""
    message = told(rtmsg, route.delete(Route(ip_network("10.9.0.0/16"), (), RouteType.BLACKHOLE), {}))
    assert (6, 0, None) == (message["type"], message["proto"], message.get_attr("RTA_GATEWAY"))


def test_an_ipv4_route_over_an_ipv6_gateway_uses_rta_via() -> None:
    """RFC 8950 next hops are told by RTA_VIA, not RTA_GATEWAY, and read back."""
    one = Route(ip_network("10.9.0.0/16"), (NextHop(ip_address("fd00::1"), "eth0"),))
    request = route.add(one, {"eth0": 2})
    assert one == route.decode(request.body, 0, len(request.body), {2: "eth0"})


_HOPS = st.lists(
    st.builds(NextHop, st.ip_addresses(v=4), st.sampled_from(("eth0", "eth1")), onlink=st.booleans()), min_size=1, max_size=3, unique=True,
)


@given(st.ip_addresses(v=4), st.integers(1, 32), _HOPS.map(tuple), st.integers(0, 9))
def test_what_we_encode_we_decode(base: Any, length: int, hops: tuple[NextHop, ...], metric: int) -> None:
    """decode(encode(route)) is the route."""
    one = Route(ip_network((int(base) >> (32 - length) << (32 - length), length)), hops, metric=metric)
    body = route.add(one, {"eth0": 2, "eth1": 3}).body
    assert one == route.decode(body, 0, len(body), {2: "eth0", 3: "eth1"})


def test_routes_of_the_kernel_and_of_daemons_are_not_state() -> None:
    """Only protocols `boot` and `static` of the main table count."""
    body = route.add(Route(ip_network("10.0.0.0/8"), (NextHop(ip_address("10.0.0.1"), "eth0"),)), {"eth0": 2}).body
    for protocol, table, counts in ((4, 254, True), (3, 254, True), (2, 254, False), (186, 254, False), (4, 255, False)):
        changed = body[:4] + bytes((table, protocol)) + body[6:]
        assert counts == (route.decode(changed, 0, len(changed), {2: "eth0"}) is not None)


def test_neighbours_are_pinned_and_read_back() -> None:
    """A static entry goes out as permanent; only permanent entries come back."""
    entry = Neighbour("eth0", ip_address("10.0.0.2"), "02:00:00:00:00:05")
    message = told(ndmsg, neighbour.add(entry, {"eth0": 2}))
    assert (0x80, "10.0.0.2", "02:00:00:00:00:05") == (message["state"], message.get_attr("NDA_DST"), message.get_attr("NDA_LLADDR"))
    body = neighbour.add(entry, {"eth0": 2}).body
    assert entry == neighbour.decode(body, 0, len(body), {2: "eth0"})
    assert neighbour.decode(body, 0, len(body), {}) is None
    learned = body[:8] + struct.pack("=H", 2) + body[10:]
    assert neighbour.decode(learned, 0, len(learned), {2: "eth0"}) is None


def test_links_are_decoded() -> None:
    """Name, kind, MTU, MAC, peer, master, group and port settings come out of an independent encoder's message."""
    message = ifinfmsg()
    message["index"], message["flags"] = 9, 1
    message["attrs"] = [
        ("IFLA_IFNAME", "p-a"), ("IFLA_MTU", 1400), ("IFLA_ADDRESS", "02:00:00:00:00:01"), ("IFLA_LINK", 4), ("IFLA_MASTER", 3),
        ("IFLA_GROUP", link.OWNED_GROUP), ("IFLA_OPERSTATE", "UP"), ("IFLA_IFALIAS", "port of a"),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_SLAVE_KIND", "bridge"),
                                     ("IFLA_INFO_SLAVE_DATA", {"attrs": [("IFLA_BRPORT_STATE", 3), ("IFLA_BRPORT_ISOLATED", 1)]})]}),
    ]
    seen = link.decode(*payload(message))
    assert (9, "p-a", "veth", True, 1400, "02:00:00:00:00:01", 4, 3, link.OWNED_GROUP, 6, "port of a") == (
        seen.ifindex, seen.name, seen.kind, seen.up, seen.mtu, seen.mac, seen.peer_index, seen.master_index, seen.group, seen.operstate,
        seen.alias,
    )
    assert seen.port is not None
    assert BridgePort(isolated=True, state=3) == bridge.decode_port(*seen.port)


def test_addresses_the_kernel_made_are_left_out() -> None:
    """What lo or a router advertisement brought and temporary addresses are not state; a person's and link-local ones are."""
    cases = ((0x80, 0, True), (0x80, 3, True), (0x80, 2, False), (0x80, 1, False), (0x01, 0, False), (0x82, 0, True))
    for flags, protocol, counts in cases:
        message = ifaddrmsg()
        message["family"], message["prefixlen"], message["index"], message["scope"] = 10, 64, 3, 0
        made_by = [("IFA_PROTO", protocol)] if protocol else []
        message["attrs"] = [("IFA_ADDRESS", "fd00::1"), ("IFA_FLAGS", flags), *made_by]
        found = address.decode(*payload(message))
        assert ((3, ip_interface("fd00::1/64")) if counts else None) == found


def test_old_kernels_without_ifa_proto_are_understood() -> None:
    """127.0.0.1 and ::1 of lo were made by the kernel, even one that does not say so (before 5.18)."""
    for family, prefix, scope, name, value in ((2, 8, 254, "IFA_LOCAL", "127.0.0.1"), (10, 128, 254, "IFA_ADDRESS", "::1")):
        message = ifaddrmsg()
        message["family"], message["prefixlen"], message["index"], message["scope"] = family, prefix, 3, scope
        message["attrs"] = [(name, value), ("IFA_FLAGS", 0x80)]
        assert address.decode(*payload(message)) is None


@given(st.binary(max_size=200))
def test_garbage_never_raises(data: bytes) -> None:
    """Framing stops at nonsense instead of running over it."""
    list(messages(data))
    attributes(data, 0, len(data))


def test_attributes_are_padded_to_four_bytes() -> None:
    """Every attribute length is rounded up; the length field is not."""
    for size in range(9):
        assert (0, size + 4) == (len(attribute(1, bytes(size))) % 4, struct.unpack_from("=H", attribute(1, bytes(size)))[0])


def test_the_kernels_sentence_is_found_capped_or_not() -> None:
    """The extended ACK follows the header of the refused message, or the whole message where it is not capped."""
    sentence = attribute(1, b"Device is busy\0")
    head = HEADER.pack(40, 16, 1, 5, 0)
    capped = struct.pack("=i", -errno.EBUSY) + head + sentence
    assert (errno.EBUSY, "Device is busy") == error_of(capped, NLM_F_ACK_TLVS | NLM_F_CAPPED, 0, len(capped))
    whole = struct.pack("=i", -errno.EBUSY) + head + bytes(24) + sentence
    assert (errno.EBUSY, "Device is busy") == error_of(whole, NLM_F_ACK_TLVS, 0, len(whole))
    assert (errno.EBUSY, "") == error_of(whole, 0, 0, len(whole))


class ScriptedSocket:
    """A socket that answers from a script."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.sent = list(answers), b""

    def setsockopt(self, *_: object) -> None:
        """Accept any option."""

    def send(self, data: bytes) -> None:
        """Remember what was sent."""
        self.sent = data

    def recv(self, _: int, flags: int = 0) -> bytes:
        """The next answer; with MSG_DONTWAIT, nothing more to say is EAGAIN."""
        if not self.answers and flags & socket.MSG_DONTWAIT:
            raise BlockingIOError
        return self.answers.pop(0)


def refusal(sequence: int, code: int) -> bytes:
    """An NLMSG_ERROR."""
    body = struct.pack("=i", -code) + bytes(16)
    return HEADER.pack(16 + len(body), NLMSG_ERROR, 0, sequence, 0) + body


def scripted(*answers: bytes) -> Connection:
    """A connection to a script."""
    return Connection(ScriptedSocket(*answers))  # type: ignore[arg-type]


def test_the_first_refusal_of_a_batch_is_told() -> None:
    """Errors are queued in any number; the one of the earliest request counts."""
    with pytest.raises(Refused) as caught:
        scripted(refusal(3, errno.ENOENT), refusal(2, errno.EEXIST)).send([Request(16, 0, b"")] * 3)
    assert (1, errno.EEXIST) == (caught.value.position, caught.value.code)


def test_an_interrupted_dump_is_asked_again() -> None:
    """NLM_F_DUMP_INTR means that the answer may be inconsistent (netlink(7)); the second, clean one is used."""
    def answer(sequence: int, flags: int, name: bytes) -> bytes:
        return HEADER.pack(20, 16, flags, sequence, 0) + name + HEADER.pack(20, NLMSG_DONE, flags, sequence, 0) + bytes(4)

    parts = list(scripted(answer(1, NLM_F_DUMP_INTR, b"old\0"), answer(2, 0, b"new\0")).dump(18, b""))
    assert [b"new\0"] == [data[start:end] for data, start, end in parts]


def test_a_refused_dump_is_an_error() -> None:
    """A dump the kernel refuses raises with its errno; stray answers to older requests are passed over."""
    from vethlab.errors import KernelError

    with pytest.raises(KernelError) as caught:
        scripted(refusal(99, errno.EIO) + refusal(1, errno.EPERM)).dump(18, b"")
    assert errno.EPERM == caught.value.errno


def test_a_dump_that_never_settles_gives_up() -> None:
    """Twenty interrupted dumps in a row are an error, not an endless loop."""
    from vethlab.errors import KernelError

    answers = [HEADER.pack(20, NLMSG_DONE, NLM_F_DUMP_INTR, sequence, 0) + bytes(4) for sequence in range(1, 30)]
    with pytest.raises(KernelError, match="kept changing"):
        scripted(*answers).dump(18, b"")


class InterruptedSocket(ScriptedSocket):
    """Raises KeyboardInterrupt where the script says None."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """The next answer, or an interrupt."""
        if self.answers and self.answers[0] == b"":
            self.answers.pop(0)
            raise KeyboardInterrupt
        return super().recv(size, flags)


def test_a_dump_that_was_interrupted_is_read_to_its_end_before_the_next() -> None:
    """After Ctrl-C in the middle of a dump the roll-back can read again: the kernel allows one dump at a time (EBUSY)."""
    part = HEADER.pack(20, 16, 0, 1, 0) + b"old\0"
    end = HEADER.pack(20, NLMSG_DONE, 0, 1, 0) + bytes(4)
    fresh = HEADER.pack(20, 16, 0, 2, 0) + b"new\0" + HEADER.pack(20, NLMSG_DONE, 0, 2, 0) + bytes(4)
    connection = Connection(InterruptedSocket(part, b"", part, end, fresh))  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        connection.dump(18, b"")
    assert [b"new\0"] == [data[start:stop] for data, start, stop in connection.dump(18, b"")]
