"""Makes the kernel say at once what it knows of a link: whether it carries.

Enters: any socket inside the namespace and an interface; leaves: whether the link is up. Rule of the file: asked, the kernel first does
what it had put off. A carrier that comes (back) is told to queues, bridges and IPv6 up to a second later (net/core/link_watch.c), but
whoever asks by ethtool(8) gets the truth (linkwatch_sync_dev), and so does everybody else from then on. Anybody may ask.
"""

from __future__ import annotations

import errno
import fcntl
import socket
from array import array
from struct import Struct

_SIOCETHTOOL, _ETHTOOL_GLINK = 0x8946, 0xA
_REQUEST = Struct("16sP16x")  # struct ifreq: name, pointer to the question
_NOT_ASKED = frozenset({errno.EOPNOTSUPP, errno.ENODEV, errno.EPERM})


def link_is_up(sock: socket.socket, interface: str) -> bool | None:
    """Whether it carries; None if it cannot be asked."""
    question = array("I", [_ETHTOOL_GLINK, 0])  # struct ethtool_value: command, answer
    try:
        fcntl.ioctl(sock, _SIOCETHTOOL, _REQUEST.pack(interface.encode(), question.buffer_info()[0]))
    except OSError as error:
        if error.errno in _NOT_ASKED:
            return None
        raise
    return question[1] != 0
