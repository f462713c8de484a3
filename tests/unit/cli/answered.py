"""Answers as the engine gives them: a tutorial's case that fails and is mended, a reply that dies, an obstacle far from the death."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from vethlab.lab.explaining import Answer, Offer
from vethlab.model.finding import Command, Evidence, Explanation, Finding, PathHop, Where
from vethlab.model.flow import Flow, Side

VA, VB = ip_address("10.0.0.1"), ip_address("10.0.0.2")
LOOPY = "name: loopy\nlinks:\n  - box:va 10.0.0.1/24 -- box:vb 10.0.0.2/24\n"
LOOP = Flow("ping", Side("box", "va", VA), Side("box", "vb", VB))
PAIR_FLOW = Flow("ping", Side("a", None, VA), Side("b", None, VB))

ACCEPT = Command("box", ("sysctl", "-w", "net.ipv4.conf.vb.accept_local=1"), (("sysctl", "-w", "net.ipv4.conf.vb.accept_local=0"),))
LOOSE = Command("box", ("sysctl", "-w", "net.ipv4.conf.vb.rp_filter=2"))
RULE = Command("b", ("nft", "delete", "rule", "ip", "f", "c", "handle", "2"))
OFFER = Offer("let box take its own addresses on vb", (ACCEPT,), (1, 1))

REFUSED = Finding(
    "local-source", Where("box", "vb", "input"), "box refuses its own address coming in from outside", grade="proven",
    evidence=(
        Evidence("route-oracle", "route get 10.0.0.2 from 10.0.0.1 iif vb: Invalid argument"),
        Evidence("neighbour-table", "10.0.0.2 dev va INCOMPLETE"),
    ),
    ruled_out=("rp-filter", "nft-drop"), last_seen=Where("box", "vb", "ingress"),
)
DEAD = Answer(
    LOOP,
    Explanation(
        ok=False, verdict=REFUSED, request=(
            PathHop("box", "va", "out", 0, "ARP who-has 10.0.0.2"), PathHop("box", "vb", "in", 4_000, "ARP who-has 10.0.0.2"),
        ),
        expected=("box:va", "box:vb", "box:lo"), reason="no reply in 1 s",
    ),
    fixes=(OFFER,), seconds=0.25, notes=("`ping 10.0.0.2` without an interface proves nothing: it goes over lo",), lab="loopy",
)
MENDED = Answer(
    LOOP,
    Explanation(
        ok=True, rtt_us=50.0,
        request=(PathHop("box", "va", "out", 0, "request"), PathHop("box", "vb", "in", 4_000, "request")),
        reply=(PathHop("box", "lo", "out", 9_000, "reply"), PathHop("box", "lo", "in", 10_000, "reply")),
        notes=("the reply goes over lo: 10.0.0.1 is local there, and the local table is asked first",),
    ),
    notes=("the reply goes over lo: 10.0.0.1 is local there, and the local table is asked first",),
    seconds=0.02, lab="loopy",
)
NO_WAY_BACK = Answer(
    PAIR_FLOW,
    Explanation(
        ok=False,
        verdict=Finding(
            "no-return-route", Where("b", None, "route"), "b has no route to 10.0.0.1", direction="reply", grade="inferred",
            evidence=(Evidence("configuration", "no route of b matches 10.0.0.1", kernel=False),), last_seen=Where("b", "eth0", "input"),
        ),
        request=(PathHop("a", "eth0", "out", 0, "request"), PathHop("b", "eth0", "in", 3_000, "request")),
        expected=("a:eth0", "b:eth0"),
    ),
    seconds=1.0,
)
FAR_END_DOWN = Answer(
    PAIR_FLOW,
    Explanation(
        ok=False,
        verdict=Finding(
            "link-down", Where("b", "eth0", "link"), "b:eth0 is down", grade="proven", last_seen=Where("host", "p-a", "ingress"),
        ),
        also=(replace(REFUSED, slug="rp-filter", summary="strict filtering drops it next", evidence=(), ruled_out=()),),
        warnings=(Finding("duplicate-mac", Where("c", "eth0"), "c:eth0 has the MAC of a:eth0"),),
        request=(PathHop("a", "eth0", "out", 0, "request"), PathHop("host", "p-a", "in", 2_000, "request")),
        expected=("a:eth0", "host:p-a", "host:p-b", "b:eth0"),
    ),
    fixes=(
        Offer("set b:eth0 up", (Command("b", ("ip", "link", "set", "dev", "eth0", "up")),), (1, 2)),
        Offer("drop the rule", (RULE,), None, "conntrack has no copy", policy=True),
    ),
)
