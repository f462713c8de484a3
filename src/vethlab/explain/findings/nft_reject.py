"""A rule of nftables refuses the packet and tells the sender."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "nft-reject",
    group="firewall",
    sentence="A rule of nftables refuses the packet and tells the sender.",
    means=(
        "`reject` drops the packet and answers it: nft_reject_ipv4_eval() (net/ipv4/netfilter/nft_reject_ipv4.c) or its like for "
        "another family sends the ICMP error that the rule names, or a TCP reset. "
        "A reset by a rule looks like a closed port, and an ICMP error like a missing route: only the ruleset tells them apart. "
        "To the kernel it is the same drop reason as `drop`."
    ),
    decided_by="An nft trace of the probe ends at a rule with `reject`; the answer comes from the node that holds the rule.",
    mended_by=("Add a rule above it that accepts just this traffic.", "Delete the rule, if it is not meant."),
    lab="""\
name: nft-reject
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=(
        "b: nft add table inet fw",
        "b: nft 'add chain inet fw in { type filter hook input priority 0; }'",
        "b: nft add rule inet fw in icmp type echo-request counter reject with icmp type admin-prohibited",
    ),
    asks=("a", "b"),
    where="b",
    sysctls=("bridge-nf-call-iptables", "bridge-nf-call-ip6tables"),
    reasons=("NETFILTER_DROP",),
)
