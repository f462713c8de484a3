"""A rule translates the packet, and into the wrong thing; or it is for another interface."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "nat-wrong",
    group="firewall",
    sentence="A rule translates the packet into an address that nobody has, or that is not meant; or it is for another interface.",
    means=(
        "Of all chains of a hook the one with the lowest priority that has a rule for the packet decides (nf_nat_inet_fn() in "
        "net/netfilter/nf_nat_core.c), whoever loaded it: a table beside the lab's may be asked first. `dnat` to an address that nobody "
        "has ends in a question that nobody answers, `snat` to one ends so on the way back; and a `masquerade` that names another "
        "interface does nothing for this packet."
    ),
    decided_by=(
        "The rule that decides, by table, chain and handle; the lab file, where it says what a published port should lead to; and that "
        "nobody in the lab has the address."
    ),
    mended_by=(
        "Bring the lab's own table back: `vethlab up`.",
        "Delete the rule, or let it `masquerade`, which takes the address of the interface that the packet leaves by.",
    ),
    lab="""\
name: nat-wrong
networks:
  br0: {subnet: 10.0.0.0/24, gateway: 1, nat: masquerade, nodes: [a]}
""",
    breaks=(
        "host: nft add table ip other",
        "host: nft 'add chain ip other out { type nat hook postrouting priority 90; }'",
        "host: nft add rule ip other out oifname p-world snat to 198.51.100.99",
    ),
    asks=("a", "world"),
    where="host:p-world",
)
