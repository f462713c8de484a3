"""The request arrives, and the answer finds no way back."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "no-return-route",
    group="route",
    sentence="The request arrives, and the answer finds no way back.",
    means=(
        "Every node chooses the way by its own table, so a pair needs a route in both directions. "
        "The target makes its answer (icmp_reply() in net/ipv4/icmp.c, for TCP the SYN-ACK) and looks the sender's address up. "
        "Without a route the answer ends there: no interface sees it and no drop event tells of it."
    ),
    decided_by=(
        "The request is seen coming in and no reply leaves; the route oracle of the target answers `Network is unreachable` for the "
        "sender."
    ),
    mended_by=("Add the route back at the target, or a default route.",),
    lab="""\
name: no-return-route
links:
  - a 10.0.1.2/24 -- r 10.0.1.1/24
  - r 10.0.2.1/24 -- b 10.0.2.2/24
nodes:
  a: {routes: [default via 10.0.1.1]}
  r: {forward: true}
  b: {routes: [default via 10.0.2.1]}
""",
    breaks=("b: ip route delete default",),
    asks=("a", "b"),
    where="b",
)
