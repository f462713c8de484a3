"""A machine that has networks of its own, of the same names: nothing of them is touched, and nodes inherit none of its settings."""

import os
import re

import pytest
from tests.kernel.survival.machine import Machine, until

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
SETTINGS = (
    "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.default.rp_filter=1", "net.ipv4.conf.all.arp_ignore=1",
    "net.ipv4.conf.default.arp_ignore=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.accept_local=1",
)
OWN_NETWORKS = f"""
set -e
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0
ip link add br0 type bridge
ip link add name veth0 type veth peer name veth1
ip link add name eth0 type veth peer name p-a
ip link set p-a master br0
for one in lo br0 veth0 veth1 eth0 p-a; do ip link set $one up; done
ip addr add 10.1.0.1/24 dev br0
ip addr add 10.0.0.1/24 dev veth0
ip route add 10.99.0.0/16 via 10.1.0.77
ip neigh add 10.1.0.77 lladdr 02:00:00:00:00:77 dev br0 nud permanent
for one in a b host foreign-a; do ip netns add $one; ip -n $one link set lo up; done
ip -n a link add name eth0 type veth peer name eth1
nft 'add table inet vethlab; add chain inet vethlab c {{ type filter hook forward priority 0; policy drop; }}'
nft 'add table ip nat; add chain ip nat post {{ type nat hook postrouting priority 100; }}; add rule ip nat post masquerade'
sysctl -qw {' '.join(SETTINGS)}
mkdir -p /run/vethlab-foreign; echo mine > /run/vethlab-foreign/file
"""
LOOKS = (
    "ip -d link", "ip addr", "ip route show table all", "ip -6 route show table all", "ip rule", "ip neigh", "bridge fdb",
    "nft list ruleset", "sysctl -a -r ^net", "ip netns", "ip -d -n a link", "ip -n b addr", "ip -n host route", "find /run -xdev",
    "grep -c . /proc/self/mountinfo", "ls -i /run/netns",
)
# What moves by itself: timers of bridges, counts of connections, lifetimes and states of neighbours
MOVING = re.compile(
    r"\w+_timer +[\d.]+|^net.netfilter.nf_conntrack_count.*$|^.*\b(?:STALE|DELAY|REACHABLE|FAILED)\b.*$|expires \w+", re.MULTILINE,
)
LAB = """\
nodes: {a: {forward: true}, b: {run: sleep 1000}, c: {nft: "table inet vethlab { }"}, d: {sysctl: {net.ipv4.conf.all.rp_filter: 2}}}
links: ["a:veth0 10.5.0.1/24 -- b:veth0 10.5.0.2/24"]
networks:
  br0: {subnet: 10.1.0.0/24, gateway: 1, nodes: [a, b, c, d]}
"""


def furnish(here: Machine) -> dict[str, str]:
    """Give the machine networks of its own; how it looks once IPv6 has come to rest there."""
    here.run("sh", "-c", OWN_NETWORKS)
    seen = [look(here)]

    def rests() -> bool:
        seen.append(look(here))
        return seen[-1] == seen[-2]

    until(rests, "the machine does not come to rest", step=0.3)
    return seen[-1]


def look(here: Machine) -> dict[str, str]:
    """Everything about the machine's own networks, as its own tools tell it."""
    return {words: MOVING.sub("", here.run(*words.split())) for words in LOOKS}


def test_the_machine_is_the_same_before_during_and_after(here: Machine) -> None:
    """br0, veth0, eth0, namespaces a and b, nft tables and sysctls of the machine do not change by up, check, converge, kill and down."""
    before = furnish(here)
    here.write("foreign", LAB)
    here.ok("up")
    assert before == look(here)
    assert here.json("check")["ok"]
    here.write("foreign", LAB.replace(", d]", "]"))
    here.ok("up")
    assert before == look(here)
    here.kill(here.labs()["foreign"])
    here.must_be_empty("by a killed keeper")
    here.ok("clean")
    assert before == look(here)
    here.ok("up")
    here.ok("down", "foreign", "--wait")
    assert before == look(here)
    here.must_be_empty("by down")


def test_names_go_beside_those_of_the_machine(here: Machine) -> None:
    """`up --names` refuses a lab whose name would be taken by a foreign one, and adds and removes exactly its own else."""
    if here.flags:
        pytest.skip("names need root")
    before = furnish(here)
    here.write("foreign", LAB)
    refused = here.vethlab("up", "--names")
    assert (2, True) == (refused.returncode, "/run/netns/foreign-a exists already" in refused.stderr)
    assert before == look(here)
    (here.directory / "foreign.lab.yaml").unlink()
    here.write("named", LAB)
    here.ok("up", "--names")
    assert {"a", "b", "host", "foreign-a", *(f"named-{node}" for node in ("host", "a", "b", "c", "d"))} == here.names()
    here.ok("down", "named", "--wait")
    assert before == look(here)


@pytest.mark.parametrize("key", ["rp_filter", "arp_ignore", "accept_local", "forwarding"])
def test_nodes_have_the_kernels_defaults(here: Machine, key: str) -> None:
    """A node's settings are 0 as in a fresh kernel, unless its file says otherwise; the machine's own stay."""
    here.run("sh", "-c", OWN_NETWORKS)
    here.write("foreign", LAB)
    here.ok("up")
    read = " ".join(f"/proc/sys/net/ipv4/conf/{one}/{key}" for one in ("all", "default", "eth0"))
    assert ["0"] * 3 == here.ok("exec", "c", "--", "sh", "-c", f"cat {read}").split()
    router = ["0"] * 3 if key != "forwarding" else ["1"] * 3
    assert router == here.ok("exec", "a", "--", "sh", "-c", f"cat {read}").split()
    here.ok("down", "foreign")
