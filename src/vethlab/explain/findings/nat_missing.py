"""A packet leaves, or arrives, with an address that should have been translated."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "nat-missing",
    group="firewall",
    sentence="A packet goes on with an address that should have been translated.",
    means=(
        "The first packet of a connection meets the chains of type nat (nf_nat_inet_fn() in net/netfilter/nf_nat_core.c); all later ones, "
        "and the answers, follow what was decided then. Without a rule that fits, a private source goes out as it is, and outside nobody "
        "knows the way back; a published port stays with the host, where nobody listens. What the host sends to its own 127.0.0.1 passes "
        "the output hook, and may leave by a bridge only if that one's route_localnet is 1 (__mkroute_output() in net/ipv4/route.c); its "
        "source has to be hidden as well, or the receiver takes the packet for one of its own."
    ),
    decided_by=(
        "The nat chains of the host, read with nft: none has a rule for this packet; and the kernel that gets it has no way back, or "
        "refuses the source."
    ),
    mended_by=(
        "Bring the lab's own table back: `vethlab up`.",
        "Add `masquerade` to a postrouting chain, for the subnet and the interface it leaves by.",
        "Set route_localnet to 1 on the bridge, where 127.0.0.1 is asked.",
    ),
    lab="""\
name: nat-missing
networks:
  br0: {subnet: 10.0.0.0/24, gateway: 1, nat: masquerade, nodes: [a]}
""",
    breaks=("host: nft flush chain inet vethlab-nat-nat-missing postrouting",),
    asks=("a", "world"),
    where="host:p-world",
    sysctls=("route_localnet",),
)
