"""RTM_GETNEIGH of AF_BRIDGE: what bridges know of who is behind which port (bridge(8) fdb, net/bridge/br_fdb.c fdb_fill_info).

Enters: RTM_NEWNEIGH payloads and interface names by index; leaves: FdbEntry values. Rule of the file: only what a bridge forwards by: the
kernel lists the multicast filters of every card in the same dump, which name no bridge.
"""

from __future__ import annotations

from collections.abc import Mapping

from vethlab.kernel.netlink.message import attributes, get_u32
from vethlab.kernel.netlink.neighbour import AF_BRIDGE, MESSAGE, NDA_LLADDR
from vethlab.model.snapshot import FdbEntry

NDA_MASTER = 9
NTF_STICKY = 0x40
NUD_NOARP, NUD_PERMANENT = 0x40, 0x80


def decode(data: bytes, start: int, end: int, names: Mapping[int, str]) -> FdbEntry | None:
    """One RTM_NEWNEIGH payload. A local entry is NUD_PERMANENT, a static one NUD_NOARP; what was learned is neither."""
    family, index, state, flags, _type = MESSAGE.unpack_from(data, start)
    found = attributes(data, start + 12, end)
    if family != AF_BRIDGE or NDA_MASTER not in found or NDA_LLADDR not in found:
        return None
    bridge, port = names.get(get_u32(data, found[NDA_MASTER])), names.get(index)
    if bridge is None or port is None:
        return None
    return FdbEntry(
        bridge, port, data[found[NDA_LLADDR][0] : found[NDA_LLADDR][1]].hex(":"), static=bool(state & NUD_NOARP),
        local=bool(state & NUD_PERMANENT), sticky=bool(flags & NTF_STICKY),
    )
