"""`doctor` as a user sees it."""

from __future__ import annotations

import pytest
from tests.unit.cli.double import Cli

from vethlab.kernel import features
from vethlab.kernel.features import Feature

FACTS = [
    Feature("rootless", ok=False, says="restricted by AppArmor", costs="labs without root", help="sudo sysctl", needed=True),
    Feature("link-veth", ok=True, says="veth", group="links"), Feature("link-bridge", ok=True, says="bridge", group="links"),
    Feature("link-vlan", ok=False, says="the kernel cannot make vlan links", costs="802.1Q", help="modprobe 8021q", group="links"),
    Feature("neighbour-table", ok=False, says="1,024 entries", costs="traffic", help="sysctl", warning=True),
]


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> list[Feature]:
    """The facts that doctor is told."""
    told = list(FACTS)
    monkeypatch.setattr(features, "collect", lambda: told)
    return told


@pytest.mark.usefixtures("facts")
def test_a_lack_is_shown_with_cost_and_fix(cli: Cli) -> None:
    """Facts of a group that are fine share a line; what is lacking has its own, with what it costs and how to get it."""
    ran = cli("doctor")
    assert (
        "✗ rootless         restricted by AppArmor\n"
        "                   costs: labs without root\n"
        "                   fix:   sudo sysctl\n"
        "✓ links            veth bridge\n"
        "– links            the kernel cannot make vlan links\n"  # noqa: RUF001 - the mark
        "                   costs: 802.1Q\n"
        "                   fix:   modprobe 8021q\n"
        "! neighbour-table  1,024 entries\n"
        "                   costs: traffic\n"
        "                   fix:   sysctl\n"
        "1 thing to fix, 1 warning, 1 optional thing is not there\n"
    ) == ran.out
    assert 3 == ran.status


def test_without_a_needed_lack_it_is_exit_0(cli: Cli, facts: list[Feature]) -> None:
    """Warnings and optional things do not fail."""
    del facts[0]
    ran = cli("doctor")
    assert (0, "vethlab works here, 1 warning, 1 optional thing is not there") == (ran.status, ran.out.splitlines()[-1])


@pytest.mark.usefixtures("facts")
def test_json_has_the_documented_keys(cli: Cli) -> None:
    """doctor/1 is {items: [{name, ok, costs, help}]} and may only grow."""
    ran = cli("doctor", "-o", "json")
    found = ran.json()
    assert (3, "vethlab.doctor/1", False) == (ran.status, found["schema"], found["ok"])
    assert {"name": "rootless", "ok": False, "costs": "labs without root", "help": "sudo sysctl"}.items() <= found["items"][0].items()
