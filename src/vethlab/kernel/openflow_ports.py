"""The flags of a switch's ports, which neither its database nor the kernel holds: they are asked for by OpenFlow.

Enters: the socket of a bridge; leaves: for each port that has any, its flags in the words of `ovs-ofctl mod-port`. Rule of the file:
reading only, in OpenFlow 1.0 (openflow-spec-v1.0.0, 5.2 and 5.3), because later versions have no word for no-flood. A switch that does
not speak it tells no flags.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing

from vethlab.model.switch import NO_FLOOD, NO_FORWARD, NO_RECEIVE

__all__ = ["flags", "read"]

_VERSION, _HELLO, _STATS_REQUEST, _STATS_REPLY, _PORT_DESC, _MORE = 1, 0, 16, 17, 13, 1
_HEADER = struct.Struct("!BBHI")  # version, type, length, transaction
_STATS = struct.Struct("!HH")  # type, flags
_PORT = struct.Struct("!H6s16sII16x")  # struct ofp_phy_port: number, address, name, configuration, state, features
_FLAGS = {1 << 2: NO_RECEIVE, 1 << 4: NO_FLOOD, 1 << 5: NO_FORWARD}  # enum ofp_port_config; `down` is the interface's own state
_SECONDS = 2.0


def read(path: str) -> dict[str, frozenset[str]]:
    """Of all ports of the bridge that speaks OpenFlow here."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as peer:
        peer.settimeout(_SECONDS)
        try:
            peer.connect(path)
            peer.sendall(_HEADER.pack(_VERSION, _HELLO, _HEADER.size, 1))
            length = _HEADER.size + _STATS.size
            peer.sendall(_HEADER.pack(_VERSION, _STATS_REQUEST, length, 2) + _STATS.pack(_PORT_DESC, 0))
            return dict(flags(b"".join(_replies(peer))))
        except OSError:
            return {}


def flags(ports: bytes) -> Iterator[tuple[str, frozenset[str]]]:
    """Of descriptions of ports, one behind the other."""
    for _, _, name, configuration, _ in _PORT.iter_unpack(ports):
        found = frozenset(word for bit, word in _FLAGS.items() if configuration & bit)
        if found:
            yield name.rstrip(b"\0").decode(errors="replace"), found


def _replies(peer: socket.socket) -> Iterator[bytes]:
    """What is told of ports, message by message; a greeting, and whatever else the switch says, is passed over."""
    more = _MORE
    while more:
        _, kind, length, transaction = _HEADER.unpack(_exactly(peer, _HEADER.size))
        body = _exactly(peer, length - _HEADER.size)
        if transaction == 2 and kind != _STATS_REPLY:
            return  # an error
        if kind == _STATS_REPLY:
            _, more = _STATS.unpack_from(body)
            yield body[_STATS.size :]


def _exactly(peer: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = peer.recv(size - len(found))
        if not part:
            raise ConnectionError("the switch hung up")
        found += part
    return found
