"""Rules that should have translated a packet, and packets that were seen behind them as they were."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from tests.unit.explain.scenes import sighting

from vethlab.explain.compare import verdict
from vethlab.explain.untranslated import kept
from vethlab.explain.way import Binding, Way
from vethlab.model.journey import IN, OUT, REPLY, FirewallDrop, IcmpError, Observed, Sighting

ASKER, MASK, ASKED, SERVER = (ip_address(text) for text in ("10.0.0.3", "198.51.100.2", "10.0.0.1", "10.0.0.2"))


def told(bound: Binding, *seen: Sighting, refused: bool = False) -> str:
    """The verdict of a way with one binding, as `slug at place`."""
    found = kept(Way(bindings=[bound]), Observed(ok=False, refused=refused, sightings=seen), 0)
    return "" if found is None else f"{found.finding.slug} at {found.finding.where} {found.finding.where.stage}"


def test_a_source_that_was_seen_unmasked() -> None:
    """It left as it came, and came so to somebody else; on a bridge it may be masked between the two."""
    bound = Binding("r", ASKER, ASKED, None, MASK, ASKED, None, "out", 3)
    plain, before = sighting("r:out", OUT, sender=ASKER, ns=5), sighting("q:in", IN, sender=ASKER, ns=2)
    far, masked = (sighting("b:eth0", IN, sender=one, ns=9) for one in (ASKER, MASK))
    assert ["nat-missing at r:out postrouting", "", "", ""] == [
        told(bound, before, plain, far), told(bound, before, plain), told(bound, plain, masked), told(bound, before, far),
    ]


def test_a_target_that_the_node_kept() -> None:
    """The node refuses by itself what it should lead on; one that led it on, or says nothing, did not keep it."""
    bound = Binding("r", ASKER, ASKED, 8080, ASKER, SERVER, 80, "br0", 3)
    error = Observed(ok=False, refused=True, errors=(IcmpError(3, 3, ASKED),))
    assert kept(Way(bindings=[bound]), error, 0) is not None
    drop = FirewallDrop("r", "inet", "fw", "in", "input", "request", "in", handle=4, target=ASKED)
    for rule, found in ((drop, True), (replace(drop, hook="forward"), False)):
        assert found == (kept(Way(bindings=[bound]), Observed(ok=False, firewall=(rule,)), 0) is not None)
    refused = Observed(ok=False, refused=True, errors=(IcmpError(3, 3, ASKED),), firewall=(replace(drop, hook="forward", rejects=True),))
    assert kept(Way(bindings=[bound]), refused, 0) is None
    reset, sent = sighting("r:in", OUT, REPLY, sender=ASKED), sighting("r:br0", OUT, sender=ASKER)
    assert ["nat-missing at r prerouting", "", "", ""] == [
        told(bound, reset, refused=True), told(bound, reset), told(bound, reset, sent, refused=True), told(bound, refused=True),
    ]


def test_the_rule_that_was_seen_to_keep_it_from_tracking_can_go() -> None:
    """Another node's rule, or one for the reply, is none of it."""
    bound = Binding("r", ASKER, ASKED, 8080, ASKER, SERVER, 80, "br0", 3)
    rule = FirewallDrop("r", "inet", "raw", "c", "prerouting", "request", "in", handle=2, text="tcp dport 8080 notrack")
    seen = Observed(ok=False, refused=True, errors=(IcmpError(3, 3, ASKED),))
    for others, expected in (((rule,), [("nft", "delete"), ("nft", "insert")]), ((replace(rule, node="q"), replace(rule, what=REPLY)), [])):
        found = kept(Way(bindings=[bound]), replace(seen, untracked=others), 0)
        assert found is not None
        assert expected == [one.commands[0].argv[:2] for one in found.finding.fixes]


def test_what_was_seen_untranslated_is_the_verdict() -> None:
    """Before any obstacle behind it, for the packet met that as somebody else."""
    way = Way(bindings=[Binding("r", ASKER, ASKED, None, MASK, ASKED, None, "out", 0)])
    seen = sighting("r:out", OUT, sender=ASKER, ns=5), sighting("b:eth0", IN, sender=ASKER, ns=9)
    found, _ = verdict(way, Observed(ok=False, sightings=seen), [])
    assert ("nat-missing", "proven") == (found.slug, found.grade)
