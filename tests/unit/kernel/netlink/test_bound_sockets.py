"""Who listens, from sock_diag messages as include/uapi/linux/inet_diag.h lays them out."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from tests.unit.kernel.netlink.scripted import scripted

from vethlab.kernel.netlink.message import u8
from vethlab.kernel.netlink.sock_diag import INET_DIAG_SKV6ONLY, bound
from vethlab.model.snapshot import Listener


def told(family: int, port: int, address: str, *parts: bytes) -> bytes:
    """The payload about one socket."""
    packed = ip_address(address).packed.ljust(16, b"\0")
    return bytes([family, 10, 0, 0]) + port.to_bytes(2, "big") + bytes(2) + packed + bytes(48) + b"".join(parts)


def test_sockets_of_all_protocols() -> None:
    """TCP and UDP of both IP versions are asked for; `::` without IPV6_V6ONLY is told as `0.0.0.0` too, and nothing twice."""
    connection, kernel = scripted(
        [told(socket.AF_INET, 80, "10.0.0.1"), told(socket.AF_INET, 80, "10.0.0.1")],
        [told(socket.AF_INET6, 81, "::", u8(INET_DIAG_SKV6ONLY, 0)), told(socket.AF_INET6, 82, "::", u8(INET_DIAG_SKV6ONLY, 1))],
        [told(socket.AF_INET, 53, "0.0.0.0")],  # noqa: S104 - nothing is bound here
        [
            told(socket.AF_INET6, 54, "::ffff:10.0.0.1", u8(INET_DIAG_SKV6ONLY, 0)), told(socket.AF_INET6, 55, "fe80::1"),
            told(socket.AF_INET6, 56, "::"),
        ],
    )
    expected = [
        ("tcp", 80, "10.0.0.1"), ("tcp", 81, "::"), ("tcp", 81, "0.0.0.0"), ("tcp", 82, "::"), ("udp", 53, "0.0.0.0"),  # noqa: S104
        ("udp", 54, "10.0.0.1"), ("udp", 55, "fe80::1"), ("udp", 56, "::"), ("udp", 56, "0.0.0.0"),  # noqa: S104
    ]
    assert tuple(Listener(protocol, port, ip_address(address)) for protocol, port, address in expected) == bound(connection)
    assert [(2, 6), (10, 6), (2, 17), (10, 17)] == [(body[0], body[1]) for _kind, body in kernel.asked]


def test_a_kernel_that_cannot_tell() -> None:
    """Without its diag module a protocol has no listeners to tell of, and the others are still asked."""
    connection, _kernel = scripted(errno.ENOENT, errno.ENOENT, [told(socket.AF_INET, 53, "10.0.0.1")], errno.ENOENT)
    assert (Listener("udp", 53, ip_address("10.0.0.1")),) == bound(connection)
