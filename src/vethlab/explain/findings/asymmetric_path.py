"""Request and reply go different ways."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "asymmetric-path",
    group="route",
    sentence="Request and reply go different ways.",
    means=(
        "Each node chooses the way by the destination alone, so nothing makes the reply come back the way the request went, and IP "
        "does not mind (RFC 3704 says where it is met). "
        "It works until something in between wants to see both: a strict rp_filter, a stateful firewall, NAT. "
        "Then only one direction dies."
    ),
    decided_by="The places that the request passed against those that the reply passed, as seen.",
    mended_by=("Nothing, if it is meant.", "Give the node a route back that leads the same way."),
    lab="""\
name: asymmetric-path
links:
  - a 10.0.1.1/24 -- b 10.0.1.2/24
  - a 10.0.2.1/24 -- b 10.0.2.2/24
""",
    breaks=("b: ip route add 10.0.1.1/32 via 10.0.2.1",),
    asks=("a", "10.0.1.2"),
    where="b",
    passes=True,
    sysctls=("rp_filter", "fib_multipath_hash_policy"),
)
