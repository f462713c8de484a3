"""A forwarding entry of the bridge sends the frame to the wrong port."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "fdb-wrong",
    group="bridge",
    sentence="A forwarding entry of the bridge sends the frame to the wrong port.",
    means=(
        "br_handle_frame_finish() (net/bridge/br_input.c) looks the destination MAC up, and an entry sends the frame to that one port "
        "and nowhere else. "
        "A static entry moves to another port when its MAC speaks there, unless it is sticky (br_fdb_update() in "
        "net/bridge/br_fdb.c). "
        "ARP requests are broadcast and pass, so the sender does learn the right MAC. "
        "A port that does not flood is the other way to lose a frame: without an entry nothing goes there."
    ),
    decided_by="The entry of the bridge against the port that the owner of the MAC is behind.",
    mended_by=("Delete the entry, so that the bridge learns: `bridge fdb delete 02:00:00:00:00:02 dev p-c master`.",),
    lab="""\
name: fdb-wrong
networks:
  br0:
    subnet: 10.0.0.0/24
    nodes: {a: 1, b: {address: 2, mac: "02:00:00:00:00:02"}, c: 3}
""",
    breaks=("host: bridge fdb replace 02:00:00:00:00:02 dev p-c master static sticky",),
    asks=("a", "b"),
    where="host:p-c",
    reasons=("OTHERHOST", "NO_TX_TARGET"),
)
