"""Packets explained through NAT in a real lab: the way there and back, what is missing, what is wrong, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab import Lab
from vethlab.errors import UsageError

pytestmark = pytest.mark.kernel

EXAMPLE = Path(__file__).parents[3] / "examples/docker.lab.yaml"
TABLE = "inet vethlab-nat-dockerlike"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The example, with everything that listens in it."""
    with Lab.load(EXAMPLE) as one:
        assert one.check().ok
        yield one


@pytest.fixture(autouse=True)
def mended(lab: Lab) -> Iterator[None]:
    """Each test leaves the lab as its file says."""
    yield
    lab["host"].exec("nft delete table ip other")
    lab.up(detach=False)


def test_localhost_leads_into_the_container(lab: Lab) -> None:
    """The way of `trace host localhost:8080`, with the rules that translate it and the answer that is turned back."""
    answer = lab.trace("host", "localhost:8080", truth=False)
    said = [f"{hop.node}:{hop.interface} {hop.note}" for hop in answer.explanation.request if "request" in hop.note]
    assert (True, ["host:docker0", "host:p-app", "app:eth0"]) == (answer.ok, [one.split()[0] for one in said])
    assert f"→ 172.17.0.2:80: dnat by {TABLE} output handle" in said[0]
    assert f"masquerade by {TABLE} postrouting handle" in said[0]


def test_the_way_to_the_world_and_back(lab: Lab) -> None:
    """The source is another behind the host, and its own again on the way back."""
    explanation = lab.trace("worker", "world", truth=False).explanation
    sent = [hop.note for hop in explanation.request if hop.node == "world" and "request" in hop.note]
    got = [hop.note for hop in explanation.reply if hop.node == "worker" and "reply" in hop.note]
    assert (["request 198.51.100.2 → 203.0.113.1"], ["reply 203.0.113.1 → 172.17.0.3"]) == (sent, got)


def test_the_world_asks_for_a_published_port(lab: Lab) -> None:
    """The world is a node that can be asked from, of the host by the address that it knows; its localhost is nobody's of the lab."""
    answer = lab.trace("world", "host:8080", truth=False)
    first, last = answer.explanation.request[0], answer.explanation.request[-1]
    assert (True, "198.51.100.2", "world", "app") == (answer.ok, str(answer.flow.dst.address), first.node, last.node)
    with pytest.raises(UsageError, match="is the world's own"):
        lab.why("world", "localhost:8080")


def test_what_is_missing_is_named_and_mended(lab: Lab) -> None:
    """The table is flushed: the host is at fault, the fix brings the table back, and the same packet passes."""
    lab["host"].exec(f"nft flush chain {TABLE} postrouting")
    mended = lab.fix("worker", "world", truth=False)
    assert ("nat-missing at host:p-world", True, True) == (
        f"{mended.before.verdict.slug} at {mended.before.verdict.where}" if mended.before.verdict else "", mended.applied is not None,
        mended.after is not None and mended.after.ok,
    )
    assert () == lab.plan()


def test_a_rule_beside_ours_is_named(lab: Lab) -> None:
    """Somebody's own table, asked before ours, leads the port to nobody: that rule is told, and goes."""
    for words in ("table ip other", "chain ip other pre '{ type nat hook prerouting priority -110; }'",
                  "rule ip other pre tcp dport 8080 dnat to 172.17.0.99:80"):
        lab["host"].exec(["sh", "-c", f"nft add {words}"])
    answer = lab.why("worker", "host:8080", truth=False)
    assert answer.verdict is not None
    assert ("nat-wrong", "host", True) == (
        answer.verdict.slug, answer.verdict.where.node, any("ip other pre handle" in one.says for one in answer.verdict.evidence),
    )
    assert [("nft", "delete", "rule", "ip", "other", "pre")] == [one.argv[:6] for offer in answer.fixes for one in offer.commands]
