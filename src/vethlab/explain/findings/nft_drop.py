"""A rule of nftables, or the policy of a chain, drops the packet."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "nft-drop",
    group="firewall",
    sentence="A rule of nftables, or the policy of a chain, drops the packet.",
    means=(
        "nft_do_chain() (net/netfilter/nf_tables_core.c) runs the base chains of a hook in the order of their priority. "
        "A drop is final wherever it happens, while an accept ends only its own chain: a later chain may still drop the packet. "
        "With br_netfilter, which is on in every new namespace, frames that only cross a bridge pass the ip and inet chains of the "
        "bridge's namespace as well."
    ),
    decided_by="An nft trace of the probe names table, chain, rule and handle; a rule with a counter has counted it.",
    mended_by=(
        "Add a rule above it that accepts just this traffic.",
        "Delete the rule, or change the policy, if it is not meant: `nft delete rule inet fw in handle N`.",
    ),
    lab="""\
name: nft-drop
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    breaks=(
        "b: nft add table inet fw",
        "b: nft 'add chain inet fw in { type filter hook input priority 0; }'",
        "b: nft add rule inet fw in icmp type echo-request counter drop",
    ),
    asks=("a", "b"),
    where="b",
    sysctls=("bridge-nf-call-iptables", "bridge-nf-call-ip6tables"),
    reasons=("NETFILTER_DROP",),
)
