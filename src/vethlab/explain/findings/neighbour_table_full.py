"""The machine's neighbour table is full, so no further neighbour can be asked for."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "neighbour-table-full",
    group="neighbour",
    sentence="The machine's neighbour table is full, so no further neighbour can be asked for.",
    means=(
        "There is one table for all namespaces of the machine. "
        "neigh_alloc() (net/core/neighbour.c) counts every entry against gc_thresh3, 1,024 by default, and beyond it makes no new "
        "one. "
        "So a lab with many pairs breaks ARP in labs that have nothing to do with it: `No buffer space available`, or silence. "
        "Permanent entries are not counted."
    ),
    decided_by="The counter table_fulls of RTM_GETNEIGHTBL, read before and after the probe.",
    mended_by=(
        "Use fewer neighbours at once: fewer pairs, or wait until old entries are collected.",
        "On the machine itself, outside of every lab: `sysctl -w net.ipv4.neigh.default.gc_thresh3=16384`.",
    ),
    lab="""\
name: neighbour-table-full
networks:
  br0: {subnet: 10.0.0.0/24, nodes: [h1..40]}
""",
    sysctls=("gc_thresh3",),
    reasons=("NEIGH_CREATEFAIL",),
)
