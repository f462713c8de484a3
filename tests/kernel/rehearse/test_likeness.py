"""A copy is like the lab it was made of, whatever was done to that: other tools cannot tell them apart."""

from __future__ import annotations

import re

import pytest
from tests.kernel.rehearse.looking import NODES, namespaces, ping, rehearsal, seen, settle, spoil, state

from vethlab import Lab
from vethlab.kernel.port import Namespaces
from vethlab.model.finding import Command

pytestmark = pytest.mark.kernel

FAULTS = [
    ("a", ""),
    ("a", "ip address delete 10.9.1.11/24 dev eth0"),
    ("a", "ip route delete 10.9.1.0/24"),
    ("a", "ip route delete local 10.9.1.11 dev eth0 table local"),
    ("a", "ip neigh replace 10.9.1.12 lladdr 02:00:00:00:00:99 dev eth0 nud permanent"),
    ("a", "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1"),
    ("b", "ip link set dev eth0 down"),
    ("b", "ip link set dev eth0 mtu 1200"),
    ("b", "ip link set dev eth0 arp off multicast off txqueuelen 33 alias hello"),
    ("b", "sysctl -qw net.ipv4.conf.all.arp_ignore=8 net.ipv4.conf.eth0.rp_filter=1 net.ipv4.icmp_echo_ignore_all=1"),
    ("b", "sysctl -qw net.ipv4.ip_default_ttl=1 net.ipv4.conf.default.rp_filter=2"),
    ("c", "ip link delete dev eth0"),
    ("d", "ip link set dev lo down"),
    ("d", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1"),
    ("d", "ip address delete 127.0.0.1/8 dev lo; ip -6 address flush dev eth0; ip link set eth0 addrgenmode none"),
    ("d", "ip address add 10.9.2.99/24 dev eth0 label eth0:x; ip address add 10.50.0.1 peer 10.50.0.2/32 dev eth0"),
    ("d", "ip address add 2001:db8::1/64 dev eth0 nodad; ip address add 2001:db8::2/64 dev eth0 nodad preferred_lft 0"),
    ("d", "ip address add 10.9.2.98/24 dev eth0 noprefixroute; ip link set dev eth0 address 02:00:00:00:00:77"),
    ("d", (
        "ip link add x0 type veth peer name x1; ip address add 30.1.1.10/24 dev x0; ip address add 30.1.1.11/24 dev x1; "
        "ip link set x0 up"
    )),
    ("d", "tc qdisc add dev eth0 root tbf rate 1mbit burst 32kbit latency 400ms"),
    ("d", (
        "tc qdisc add dev eth0 root handle 1: htb default 10; tc class add dev eth0 parent 1: classid 1:10 htb rate 1mbit ceil 2mbit; "
        "tc qdisc add dev eth0 parent 1:10 handle 20: pfifo limit 5"
    )),
    ("d", 'tc qdisc add dev eth0 clsact; tc filter add dev eth0 ingress bpf bytecode "1,6 0 0 0," flowid 1:1'),
    ("host", "ip link set dev p-b nomaster"),
    ("host", "ip link set dev br0 down"),
    ("host", "ip link delete dev br0"),
    ("host", "bridge link set dev p-a isolated on learning off flood off mcast_flood off bcast_flood off hairpin on neigh_suppress on"),
    ("host", "bridge link set dev p-c state 0"),
    ("host", "bridge link set dev p-c state 1"),
    ("host", "bridge fdb replace 02:00:00:00:00:99 dev p-c master static sticky; bridge fdb add 02:00:00:00:00:98 dev br0 self local"),
    ("host", "ip link set br0 type bridge ageing_time 1000 mcast_snooping 1 group_fwd_mask 8 nf_call_iptables 1"),
    ("r", "sysctl -qw net.ipv4.ip_forward=0"),
    ("r", "sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv6.conf.wan.accept_ra=2 net.ipv6.conf.wan.hop_limit=3"),
    ("r", "ip route add blackhole 10.9.2.14/32; ip route add unreachable 2001:db8::/32 metric 7; ip route add throw 10.90.0.0/16 table 9"),
    ("r", "ip route add 10.77.0.0/16 nexthop via 10.9.1.11 dev eth0 weight 3 nexthop via 10.9.2.14 dev wan"),
    ("r", "ip route add 10.77.0.0/16 nexthop via 10.9.1.11 dev eth0 nexthop via 10.9.2.14 dev wan; ip link set wan down"),
    ("r", (
        "ip route add 10.78.0.0/16 via 10.9.2.14 table 77 mtu 1300 src 10.9.2.1; ip rule add from 10.9.1.0/24 lookup 77 priority 100; "
        "ip rule add fwmark 0x5/0xff iif eth0 prohibit priority 90; ip -6 rule add to 2001:db8::/32 unreachable priority 91"
    )),
    ("r", "ip rule delete from all lookup default; ip rule add iif nosuch ipproto tcp dport 80 lookup 9 priority 3"),
    ("r", (
        "ip address add 2001:db8:1::1/64 dev eth0 nodad; ip -6 route add default via 2001:db8:1::9 dev eth0; "
        "ip -6 route add 2001:db8:9::/48 nexthop via 2001:db8:1::5 dev eth0 nexthop via fe80::5 dev wan; "
        "ip address delete 2001:db8:1::1/64 dev eth0"
    )),
    ("r", "ip route add 10.89.0.0/24 via 10.200.0.1 dev wan onlink; ip route add 10.88.0.0/24 via inet6 fe80::1 dev wan"),
    ("r", (
        "ip route append 10.9.2.0/24 dev eth0 proto kernel scope link src 10.9.2.1; ip route delete 10.9.2.0/24 dev wan; "
        "ip route append 10.9.2.0/24 dev wan proto kernel scope link src 10.9.2.1"
    )),
    ("r", "ip neigh add proxy 10.9.1.77 dev eth0"),
]


@pytest.mark.parametrize(("node", "command"), FAULTS, ids=[f"{node}: {command[:60]}" for node, command in FAULTS])
def test_the_copy_is_like_the_lab(lab: Lab, node: str, command: str) -> None:
    """Whatever was done to a node, other tools and our own reading see the same in the copy, and the lab is not touched."""
    spoil(lab, node, command)
    settle(lab)
    before = state(lab, namespaces(lab))
    with rehearsal(lab) as copy:
        assert "" == copy.refused
        for one in NODES:
            there, here = seen(namespaces(lab), one), seen(copy.namespaces, one)
            assert [] == [(one, name, there[name], here[name]) for name in there if there[name] != here[name]]
        assert before == state(lab, copy.namespaces)
    assert before == state(lab, namespaces(lab))


RULES = """
table inet guard {
  set bad { type ipv4_addr; flags interval; elements = { 10.1.0.0/16, 10.3.0.1 }; }
  set seen { type ipv4_addr; flags dynamic,timeout; timeout 1m; }
  map ports { type inet_service : verdict; elements = { 22 : accept, 23 : drop }; }
  counter hits { }
  quota most { over 10 mbytes }
  chain other {
    ip saddr { 1.2.3.4, 5.6.7.8 } drop
    return
  }
  chain input {
    type filter hook input priority 0; policy accept;
    icmp type echo-request counter drop
    ct state established,related accept
    ip saddr @bad counter drop comment "hello"
    tcp dport vmap @ports
    iifname "eth0" meta mark set 0x5 jump other
    meta l4proto tcp jump {
      ip saddr 9.9.9.9 accept
    }
    limit rate 5/second burst 7 packets accept
    counter name hits quota name most
    update @seen { ip saddr timeout 10s }
    ip saddr . tcp dport { 1.1.1.1 . 80, 2.2.2.2 . 90 } log prefix "x" reject with icmpx type port-unreachable
  }
}
table ip nat {
  chain post {
    type nat hook postrouting priority 100;
    oifname "eth0" masquerade
    ip saddr 10.0.0.0/8 snat to 1.2.3.4-1.2.3.9
  }
}
table ip6 sleeps {
  flags dormant;
  chain x {
    type filter hook forward priority -5;
  }
}
table bridge between {
  chain x {
    type filter hook forward priority 0;
    ether saddr 02:00:00:00:00:01 drop
  }
}
table netdev early {
  chain x {
    type filter hook ingress device "lo" priority 0;
    counter
  }
}
"""
CHURN = (
    "nft add chain ip nat gone", "nft delete chain ip nat gone", "nft insert rule inet guard input tcp dport 9 accept",
    "nft add rule inet guard input index 2 tcp dport 10 accept", "nft insert rule inet guard input index 3 tcp dport 11 accept",
    "nft delete rule inet guard other handle HANDLE", "nft add chain inet guard late",
    "nft add element inet guard ports { 99 : jump late }",
)


def first_handle(spaces: Namespaces, node: str, chain: str, text: str = "") -> str:
    """The handle of the first rule of a chain that has a text in it."""
    listed = spaces.run(node, ["nft", "-a", "list", "chain", "inet", "guard", chain]).stdout.splitlines()
    return next(found[1] for line in listed[2:] if text in line and (found := re.search(r"# handle (\d+)$", line)))


def churned(lab: Lab) -> None:
    """A ruleset that was changed now and then."""
    spaces = namespaces(lab)
    assert 0 == spaces.run("d", ["nft", "-f", "-"], RULES).status
    for command in CHURN:
        done = spaces.run("d", command.replace("HANDLE", first_handle(spaces, "d", "other")).split())
        assert (0, "") == (done.status, done.stderr)


def test_a_ruleset_is_copied_with_its_handles(lab: Lab) -> None:
    """Sets, maps, unnamed chains, rules put in and taken out: the listing is the same to the last handle."""
    churned(lab)
    listing = ["nft", "-s", "-a", "list", "ruleset"]
    with rehearsal(lab, ("d", "r")) as copy:
        assert "" == copy.refused
        there, here = (one.run("d", listing).stdout for one in (namespaces(lab), copy.namespaces))
        assert there == here


def test_a_rule_is_meant_by_its_handle_in_both(lab: Lab) -> None:
    """The command that deletes the rule that drops lets the probe pass in the copy; in the lab the rule is still there."""
    churned(lab)
    handle = first_handle(namespaces(lab), "d", "input", "echo-request")
    with rehearsal(lab) as copy:
        assert 1 == ping(copy.namespaces, "a", "10.9.2.14")
        copy.run([Command("d", ("nft", "delete", "rule", "inet", "guard", "input", "handle", handle))])
        assert 0 == ping(copy.namespaces, "a", "10.9.2.14")
    assert handle == first_handle(namespaces(lab), "d", "input", "echo-request")
