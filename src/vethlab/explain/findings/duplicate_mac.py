"""Two interfaces of one segment have the same MAC, and the bridge sends to whichever spoke last."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "duplicate-mac",
    group="address",
    sentence="Two interfaces of one segment have the same MAC, and the bridge sends to whichever spoke last.",
    means=(
        "A bridge learns from the source of every frame which port a MAC is behind (br_fdb_update() in net/bridge/br_fdb.c). "
        "With two owners its one entry moves to the port that spoke last, and all frames for that MAC go there. "
        "So who speaks gets through, and who is only spoken to does not."
    ),
    decided_by="The MAC on two interfaces of one segment, and a forwarding entry that moves between their ports.",
    mended_by=("Give one of the two another MAC: `ip link set dev eth0 address 02:00:00:00:00:03`.",),
    lab="""\
name: duplicate-mac
ipv6: none
networks:
  br0:
    subnet: 10.0.0.0/24
    nodes: {a: 1, b: {address: 2, mac: "02:00:00:00:00:02"}, c: 3}
""",
    breaks=("c: ip link set dev eth0 address 02:00:00:00:00:02",),
    asks=("a", "b"),
    where="c:eth0",
    passes=True,
)
