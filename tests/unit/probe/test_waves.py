"""How work is cut into waves, with a double in place of the kernel's table."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Self

import pytest
from tests.unit.probe.surveys import star

from vethlab.kernel.netlink.neighbour_table import Fill
from vethlab.model.path import Path
from vethlab.probe import waves
from vethlab.probe.outcome import Outcome
from vethlab.probe.segments import Member, Pair
from vethlab.probe.waves import Waves

NAMES = tuple("abcdef")


def all_pairs() -> dict[int, Path]:
    """Every ordered pair of the six."""
    addresses = {name: ip_address(f"10.0.0.{place}") for place, name in enumerate(NAMES, 1)}
    return dict(enumerate(Path("ping", a, addresses[b], b, b) for a in NAMES for b in NAMES if a != b))


class Table:
    """The machine's table and everything that is done to it, noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, room: int, refusing: int = 0) -> None:
        self.did: list[str] = []
        self.limit, self.refusing, self.refused = room * 2, refusing, 0
        self.unconfirmed: set[int] = set()
        monkeypatch.setattr(Waves, "_fill", self._fill)
        monkeypatch.setattr(waves, "asking", lambda _namespaces, _names: iter(()))
        monkeypatch.setattr(waves, "learn", self._learn)
        monkeypatch.setattr(waves, "unanswered", lambda _namespaces, _pairs: self.unconfirmed)
        monkeypatch.setattr(waves, "sleep", lambda _span: self.did.append("sleep"))
        for name in ("forget", "forget_all"):
            monkeypatch.setattr(waves, name, lambda *_arguments: None)
        table = self

        class Loans:
            def __init__(self, _namespaces: Any, _survey: Any, macs: Mapping[Member, bytes]) -> None:
                self.macs = macs

            def lend(self, pairs: Mapping[int, Pair], _also: Any) -> int:
                table.did.append(f"lend {len(pairs)}")
                return len(pairs)

            def before(self, _netns: str, _positions: Any) -> None:
                """Not called: the probe is a double."""

            def unconfirmed(self, positions: Any) -> set[int]:
                return table.unconfirmed & set(positions)

            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None:
                table.did.append("take back")

        monkeypatch.setattr(waves, "Loans", Loans)

    def _fill(self) -> dict[int, Fill]:
        self.refused += self.refusing
        return {2: Fill(0, self.limit, self.refused)}

    def _learn(self, _namespaces: Any, _survey: Any, asks: list[Pair], **_keys: Any) -> dict[Member, bytes]:
        self.did.append(f"ask {len(asks)}")
        return {ask.target: bytes(6) for ask in asks}

    def probe(self, failing: Mapping[int, str] = {}) -> waves.Probe:
        """A probe that notes how many paths it got and fails those given."""

        def run(paths: Mapping[int, Path], before: Any) -> dict[int, Outcome]:
            self.did.append(f"probe {len(paths)}{' on loan' if before else ''}")
            return {position: Outcome(ok=position not in failing, reason=failing.get(position, "")) for position in paths}

        return run


def run(table: Table, failing: Mapping[int, str] = {}) -> tuple[dict[int, Outcome], list[str]]:
    """All pairs of six nodes."""
    some = Waves(None, star(*NAMES), timeout=1.0)  # type: ignore[arg-type]
    return some.run(all_pairs(), table.probe(failing)), some.notes


def test_a_small_lab_is_simply_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the entries fit into the table nothing is lent, and there is nothing to say."""
    table = Table(monkeypatch, room=60)
    outcomes, notes = run(table)
    assert (["probe 30"], []) == (table.did, notes)
    assert all(outcome.ok for outcome in outcomes.values())


def test_a_large_one_is_probed_on_loan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they do not fit: one ring of ARP, entries lent for all pairs, taken back; the notes tell."""
    table = Table(monkeypatch, room=10)
    _outcomes, notes = run(table)
    assert ["ask 6", "lend 30", "probe 30 on loan", "take back"] == table.did
    lent = "30 entries lent outside the machine's limit, each asked again by unicast ARP, all taken back"
    assert [f"neighbours: 6 learned by ARP, {lent}"] == notes


def test_waves_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more entries are lent at a time than a wave may hold."""
    table = Table(monkeypatch, room=10)
    monkeypatch.setattr(waves, "WAVE", 12)
    run(table)
    assert ["lend 12", "lend 12", "lend 6"] == [did for did in table.did if did.startswith("lend")]


def test_what_fails_on_loan_is_probed_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure, and a success that nobody confirmed, count only once they were probed with ARP of their own."""
    table = Table(monkeypatch, room=10)
    table.unconfirmed = {5}
    outcomes, notes = run(table, {3: "no"})
    assert ["probe 30 on loan", "take back", "probe 2"] == table.did[-3:]
    assert [3] == [position for position, outcome in outcomes.items() if not outcome.ok]
    assert "2 paths were probed again, each with its own ARP" == notes[-1]


def test_an_unanswered_neighbour_is_probed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a small lab too, a path whose neighbour does not answer ARP now is probed again from nothing."""
    table = Table(monkeypatch, room=60)
    table.unconfirmed = {1, 2}
    run(table)
    assert ["probe 30", "probe 2"] == table.did


def test_a_full_table_is_ruled_out_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the kernel refuses entries a failing path is probed three times, with pauses, and then the table is blamed, not the lab."""
    table = Table(monkeypatch, room=60, refusing=1)
    outcomes, _notes = run(table, {7: "no reply"})
    assert ["probe 30", "probe 1", "sleep", "probe 1", "sleep", "probe 1"] == table.did
    assert "neighbour-table-full" == outcomes[7].finding


def test_an_honest_failure_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the table had room, a failing path in a small lab has failed."""
    table = Table(monkeypatch, room=60)
    outcomes, _notes = run(table, {7: "no reply"})
    assert ["probe 30"] == table.did
    assert Outcome(ok=False, reason="no reply") == outcomes[7]
