"""Findings, sysctls and drop reasons as they are declared: complete, and true to each other."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest

from vethlab import spec
from vethlab.explain.declaration import GROUPS, Declaration
from vethlab.explain.findings import declarations, declared, slugs
from vethlab.explain.reasons import PAIRS, Reason, candidates, find, finding_of, plain, reasons
from vethlab.explain.sysctls import RULES, Sysctl, leaves, sysctls
from vethlab.explain.sysctls import find as find_sysctl
from vethlab.plan.world import CABLE

# The words that the design promises, without those that wait for VXLAN.
PROMISED = {
    "link-down", "no-carrier", "lo-down", "mtu-exceeded", "mtu-blackhole", "queue-drop", "tc-drop", "xdp-drop",
    "no-address", "wrong-prefix", "duplicate-address", "duplicate-mac", "dad-failed", "ipv6-disabled",
    "neighbour-unresolved", "neighbour-wrong", "arp-suppressed", "neighbour-table-full",
    "no-route", "no-return-route", "route-blackhole", "wrong-gateway", "routing-loop", "ttl-expired", "asymmetric-path",
    "local-source", "rp-filter", "forwarding-off", "echo-ignored", "port-closed", "not-for-us",
    "nft-drop", "nft-reject", "nat-missing", "nat-wrong",
    "vxlan-no-fdb", "vxlan-vni-mismatch", "vxlan-port-mismatch", "underlay-broken",
    "port-detached", "port-down", "port-blocked", "port-isolated", "hairpin-off", "fdb-wrong", "bridge-down",
    "checksum-offload", "openflow-drop", "ovs-tag-mismatch", "ovs-port-missing",
    "unknown",
}
DECLARED = [pytest.param(one, id=slug) for slug, one in declarations().items()]
SYSCTLS = [pytest.param(one, id=one.key) for one in sysctls()]


def sentences(text: str) -> list[str]:
    """The sentences of a text."""
    return re.split(r"(?<=[.!?])\s+", text)


def test_every_promised_finding_is_declared() -> None:
    """Each word of the design that can be shown today has one declaration, in the file that is called like it."""
    assert {"declared": set(declarations()), "files": set(slugs())} == dict.fromkeys(("declared", "files"), PROMISED)
    assert list(slugs()) == [one.slug for slug in slugs() if (one := declared(slug)) is not None]


def test_findings_are_listed_along_the_way() -> None:
    """The order is that of the groups, and within a group of the alphabet."""
    found = [(GROUPS.index(one.group), one.slug) for one in declarations().values()]
    assert sorted(found) == found


@pytest.mark.parametrize("word", ["no-such-finding", "findings", "", "link_down"])
def test_other_words_are_no_finding(word: str) -> None:
    """A word that is no slug is nothing, whatever file there may be."""
    assert declared(word) is None


@pytest.mark.parametrize("one", DECLARED)
def test_a_finding_says_all_of_it(one: Declaration) -> None:
    """A headline of one sentence, two to four on the kernel with a function or an RFC, the evidence, and what mends it."""
    assert (1, True) == (len(sentences(one.sentence)), one.sentence.endswith("."))
    assert 2 <= len(sentences(one.means)) <= 4
    assert one.slug == "unknown" or re.search(r"(net|drivers|include)/[\w/]+\.[ch]\b|RFC \d", one.means)
    assert all(text.endswith(".") and "  " not in text for text in (one.means, one.decided_by, *one.mended_by))


@pytest.mark.parametrize("one", DECLARED)
def test_a_finding_points_to_what_is_declared(one: Declaration) -> None:
    """Its drop reasons are the kernel's, its sysctls are declared."""
    assert (set(), set()) == (set(one.reasons) - set(reasons()), set(one.sysctls) - set(leaves()))


@pytest.mark.parametrize("one", DECLARED)
def test_the_lab_of_a_finding_is_a_lab_file(one: Declaration) -> None:
    """It is short, it is called like the finding, and commands, question and place name nodes and interfaces that are there."""
    lab = spec.loads(one.lab, one.slug)
    assert (one.slug, True) == (lab.name, len(one.lab.splitlines()) <= 12)
    ends = {(end.node, end.interface) for cable in lab.cables for end in (cable.left, cable.right)}
    ends |= {(port.endpoint.node, port.endpoint.interface) for network in lab.networks for port in network.ports}
    ends |= {("host", port.name) for network in lab.networks for port in network.ports}
    ends |= {("host", network.name) for network in lab.networks} | {(node.name, "lo") for node in lab.nodes}
    ends |= {(vtep.host, vtep.interface) for network in lab.networks for vtep in network.vteps}
    made = {(line.split(":")[0], word) for line in one.breaks for word in re.findall(r"link add name (\S+)", line)}
    ends |= {(end.node, end.interface) for end in (CABLE.left, CABLE.right) if lab.has_world}
    nodes = set(lab.namespaces)
    assert set() == {line.split(": ")[0] for line in one.breaks} - nodes
    for place in (*one.asks[:1], one.where):
        node, _, interface = place.partition(":")
        assert not place or (node in nodes and (not interface or (node, interface) in ends | made)), place
    assert not one.asks or one.asks[1].split(":")[0] in nodes or ip_address(one.asks[1])


def test_what_cannot_be_shown_asks_nothing() -> None:
    """All but two findings have a question to ask, and those that are only warnings say so."""
    assert {"neighbour-table-full", "unknown"} == {slug for slug, one in declarations().items() if not one.asks}
    assert {"asymmetric-path", "duplicate-address", "duplicate-mac"} == {slug for slug, one in declarations().items() if one.passes}


@pytest.mark.parametrize("one", SYSCTLS)
def test_a_sysctl_says_all_of_it(one: Sysctl) -> None:
    """What it is in one or two sentences, a rule, a finding that is declared or none, and a lab file whose last word is it."""
    assert len(sentences(one.what)) <= 2
    assert (True, True) == (one.rule in RULES, one.finding in {"", *slugs()})
    assert spec.loads(one.lab, one.key).nodes
    assert (one.rule in {"one", "machine"}) != one.each
    assert bool(one.check) != bool(one.look)


def test_sysctls_and_findings_point_to_each_other() -> None:
    """A finding names at least one of the sysctls that lead to it."""
    led = {one.finding for one in sysctls() if one.finding}
    assert set() == {slug for slug in led if not set(declarations()[slug].sysctls) & {one.leaf for one in sysctls() if one.finding == slug}}


@pytest.mark.parametrize(
    ("word", "keys"),
    [
        ("rp_filter", ["net.ipv4.conf.IF.rp_filter"]),
        ("net.ipv4.conf.all.rp_filter", ["net.ipv4.conf.IF.rp_filter"]),
        ("net/ipv4/conf/eth0.5/rp_filter", ["net.ipv4.conf.IF.rp_filter"]),
        ("net.ipv4.conf.eth0/5.rp_filter", ["net.ipv4.conf.IF.rp_filter"]),
        ("forwarding", ["net.ipv4.conf.IF.forwarding", "net.ipv6.conf.IF.forwarding"]),
        ("net.ipv6.conf.all.forwarding", ["net.ipv6.conf.IF.forwarding"]),
        ("NET.IPV4.IP_FORWARD", ["net.ipv4.ip_forward"]),
        ("net.ipv4.conf.all.nothing", []),
        ("nothing", []),
    ],
)
def test_sysctls_are_found(word: str, keys: list[str]) -> None:
    """By leaf, by full key with any interface, and by the way under /proc/sys."""
    assert keys == [one.key for one in find_sysctl(word)]


@pytest.mark.parametrize(
    ("leaf", "effective"),
    [("rp_filter", (2, 1, 1)), ("accept_local", (1, 1, 1)), ("disable_ipv6", (0, 1, 1)), ("ip_forward", (0, 1, 1))],
)
def test_values_combine_by_their_rule(leaf: str, effective: tuple[int, int, int]) -> None:
    """The larger one, either, or the interface's own: for (2, 0), (0, 1) and (1, 1) of all and the interface."""
    one = find_sysctl(leaf)[0]
    assert effective == (one.effective(2, 0), one.effective(0, 1), one.effective(1, 1))


def test_ipv6_forwards_by_all_alone() -> None:
    """For IPv6 the interface's forwarding does not count, and its key names the interface, dots and all."""
    one = find_sysctl("net.ipv6.conf.all.forwarding")[0]
    assert (1, "net.ipv6.conf.eth0/5.forwarding") == (one.effective(1, 0), one.of("eth0.5"))


def test_reasons_lead_to_declared_findings() -> None:
    """Whatever a reason leads to is declared and names the reason; a benign one has a finding only to look at."""
    wrong = {one.name for one in reasons().values() if one.finding and one.name not in declarations()[one.finding].reasons}
    assert (set(), set()) == (wrong, {slug for slugs_ in PAIRS.values() for slug in slugs_} - set(slugs()))
    assert set() == {name for name, _function in PAIRS} - set(reasons())


@pytest.mark.parametrize(
    ("reason", "function", "finding"),
    [
        ("IP_RPFILTER", "ip_rcv_finish_core", "rp-filter"),
        ("SKB_DROP_REASON_IP_LOCAL_SOURCE", "ip_rcv_finish_core+0x1f0/0x4e0", "local-source"),
        ("NO_SOCKET", "ping_rcv", None),
        ("NO_SOCKET", "tcp_v4_rcv", "port-closed"),
        ("NOT_SPECIFIED", "ip_error", "route-blackhole"),
        ("NOT_SPECIFIED", "__dev_forward_skb2", "mtu-blackhole"),
        ("NOT_SPECIFIED", "anything_else", None),
        ("IP_INADDRERRORS", "ip_error", "forwarding-off"),
        ("IP_INHDR", "ip_forward", "ttl-expired"),
        ("IP_INHDR", "ip_rcv_core.isra.0", None),
        ("TC_INGRESS", "__netif_receive_skb_core.constprop.0", "tc-drop"),
        ("NETFILTER_DROP", "nft_do_chain [nf_tables]", "nft-drop"),
        ("OTHERHOST", "ip_rcv_core", None),
        ("TCP_CSUM", "tcp_v4_rcv", None),
        ("NEVER_HEARD_OF", "", None),
    ],
)
def test_a_drop_leads_to_a_finding(reason: str, function: str, finding: str | None) -> None:
    """The pair of reason and function decides; what ends good packets too leads nowhere."""
    assert finding == finding_of(reason, function)


def test_a_drop_may_mean_several() -> None:
    """Where one pair has several causes the likeliest stands first, and the configuration chooses."""
    assert ("forwarding-off", "not-for-us", "no-address") == candidates("IP_INADDRERRORS", "ip_error")


@pytest.mark.parametrize("word", ["IP_RPFILTER", "ip_rpfilter", "SKB_DROP_REASON_IP_RPFILTER", " skb_drop_reason_Ip_RpFilter"])
def test_reasons_are_found_in_any_spelling(word: str) -> None:
    """With the kernel's prefix or without, in any case."""
    found = find(word)
    assert ("IP_RPFILTER", reasons()["IP_RPFILTER"]) == (plain(word), found)


def test_an_unknown_reason_is_none() -> None:
    """A name that the table does not have is not invented; one that it has is a value."""
    assert (None, True) == (find("IP_NEVER"), isinstance(find("XDP"), Reason))
