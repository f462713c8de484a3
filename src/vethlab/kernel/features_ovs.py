"""Whether the kernel has Open vSwitch's datapath (the module openvswitch).

Enters: nothing; leaves: yes or no. Rule of the file: asked of the kernel by generic netlink (net/openvswitch/datapath.c registers the
family ovs_datapath), which loads the module where that is allowed; asked once a process.
"""

from __future__ import annotations

import functools
import socket
import struct

NETLINK_GENERIC, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME = 16, 16, 3, 2
NLM_F_REQUEST, NLMSG_ERROR = 1, 2
FAMILY = b"ovs_datapath\0"


@functools.cache
def kernel_datapath() -> bool:
    """True where bridges can be switched by the kernel."""
    size = 4 + len(FAMILY)
    name = struct.pack("=HH", size, CTRL_ATTR_FAMILY_NAME) + FAMILY + bytes(-size % 4)
    body = struct.pack("=BBH", CTRL_CMD_GETFAMILY, 1, 0) + name
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC) as sock:
            sock.settimeout(2)
            sock.send(struct.pack("=IHHII", 16 + len(body), GENL_ID_CTRL, NLM_F_REQUEST, 1, 0) + body)
            answer = sock.recv(4096)
    except OSError:
        return False
    kind: int = struct.unpack_from("=H", answer, 4)[0]
    return kind != NLMSG_ERROR
