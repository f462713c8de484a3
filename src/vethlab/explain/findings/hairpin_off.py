"""A packet should go back out of the bridge port that it came in by, and the port does not do that."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "hairpin-off",
    group="bridge",
    sentence="A packet should go back out of the bridge port that it came in by, and the port does not do that.",
    means=(
        "should_deliver() (net/bridge/br_forward.c) sends no frame out of the port that it came in by, unless that port's hairpin is on. "
        "That is right between neighbours, and wrong for a node that asks for a port which it publishes itself: "
        "with br_netfilter the bridge translates the packet before it decides where it goes (br_nf_pre_routing_finish() in "
        "net/bridge/br_netfilter_hooks.c), and the node's own port is where it goes. "
        "Nothing is dropped in the kernel's sense, so no counter and no drop reason tells of it."
    ),
    decided_by="The flag hairpin of the port, and bridge-nf-call-iptables (for IPv6 bridge-nf-call-ip6tables).",
    mended_by=(
        "Let the port send back: `bridge link set dev p-a hairpin on`; `vethlab up` does so for nodes that publish ports.",
        "Ask for the node by its own address and port, not by the host's.",
    ),
    lab="""\
name: hairpin-off
networks:
  br0: {subnet: 10.0.0.0/24, gateway: 1, nodes: [a]}
nodes:
  a: {run: python3 -m http.server 80, publish: ["8080:80"]}
""",
    breaks=("host: bridge link set dev p-a hairpin off",),
    asks=("a", "10.0.0.1", "--tcp", "8080"),
    where="host:p-a",
    sysctls=("bridge-nf-call-iptables", "bridge-nf-call-ip6tables"),
)
