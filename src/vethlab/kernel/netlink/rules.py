"""RTM_GETRULE: policy rules, which say what table is looked at (ip-rule(8), include/uapi/linux/fib_rules.h).

Enters: RTM_NEWRULE payloads; leaves: FibRule values. Rule of the file: a rule that looks at something FibRule has no field for, an inverted
one among them, is marked `other`, so that nobody takes its word for more than it says.
"""

from __future__ import annotations

from struct import Struct

from vethlab.kernel.netlink.fib import network
from vethlab.kernel.netlink.message import attributes, get_text, get_u32
from vethlab.model.address import AF_INET, AF_INET6, IPNetwork
from vethlab.model.snapshot import FibRule

RTM_GETRULE = 34
MESSAGE = Struct("=BBBBBxxBI")  # family, dst len, src len, tos, table, action, flags
ALL = MESSAGE.pack(0, 0, 0, 0, 0, 0, 0)

_DST, _SRC, _IIF, _PRIORITY, _MARK, _TABLE, _MASK, _OIF = 1, 2, 3, 6, 10, 15, 16, 17  # FRA_*
_TUNNEL, _SUPPRESS_GROUP, _SUPPRESS_PREFIX, _L3MDEV = 12, 13, 14, 19
_OTHERS = (_L3MDEV, 20, 22, 23, 24, 25, 26)  # uid range, IP protocol, source and destination ports, DSCP, flow label
_INVERT = 0x2  # FIB_RULE_INVERT, `not` in ip-rule(8)
_NONE = 0xFFFFFFFF
_ACTIONS = {1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}  # FR_ACT_*


def decode(data: bytes, start: int, end: int) -> FibRule | None:
    """One RTM_NEWRULE payload; None for the rules of multicast routing."""
    family, dst_len, src_len, tos, table, action, flags = MESSAGE.unpack_from(data, start)
    if family not in {AF_INET, AF_INET6}:
        return None
    found = attributes(data, start + 12, end)

    def number(kind: int, default: int = 0) -> int:
        return get_u32(data, found[kind]) if kind in found else default

    def prefix(kind: int, length: int) -> IPNetwork | None:
        return network(data[found[kind][0] : found[kind][1]], length) if kind in found else None

    return FibRule(
        number(_PRIORITY), 4 if family == AF_INET else 6, _ACTIONS.get(action, str(action)), number(_TABLE, table),
        prefix(_SRC, src_len), prefix(_DST, dst_len),
        get_text(data, found[_IIF]) if _IIF in found else None, get_text(data, found[_OIF]) if _OIF in found else None, number(_MARK),
        bool(
            tos or flags & _INVERT or number(_SUPPRESS_PREFIX, _NONE) != _NONE or number(_SUPPRESS_GROUP, _NONE) != _NONE
            or _TUNNEL in found or any(kind in found for kind in _OTHERS) or (number(_MARK) and number(_MASK, _NONE) != _NONE),
        ),
    )
