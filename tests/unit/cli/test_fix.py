"""`fix` as people and programs see it: what will change, who agreed, the answer before and after, and the way back."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.cli.answered import ACCEPT, DEAD, FAR_END_DOWN, LOOP, LOOPY, MENDED, OFFER
from tests.unit.cli.double import PAIR, Cli, FakeLab, World

from vethlab.errors import BuildError
from vethlab.lab.fixing import Mended, Undone
from vethlab.model.finding import Command

BACK = Command("box", ("sysctl", "-w", "net.ipv4.conf.vb.accept_local=0"))
DONE = Mended(OFFER, DEAD, MENDED, (BACK,))
BEFORE = "✗ box:va cannot ping box:vb: box refuses its own address coming in from outside\n"
CHANGE = "  ~ box  net.ipv4.conf.vb.accept_local  0 → 1\n"
AFTER = (
    "✓ applied                               undo: vethlab fix --undo\n"
    "✓ box:va → box:vb                                        0.05 ms\n"
    "request   box:va tx 1 · box:vb rx 1\n"
    "reply     over lo: box:lo tx 1 · box:lo rx 1\n"
    "note      the reply goes over lo: 10.0.0.1 is local there, and the local table is asked first\n"
)


class Typed(io.StringIO):
    """Standard input with somebody who answers."""

    def isatty(self) -> bool:
        """It is a terminal."""
        return True


@pytest.fixture
def loopy(world: World) -> FakeLab:
    """A lab in which a question failed, and whose fix works."""
    return world.start(LOOPY, answers={("box:va", "box:vb"): DEAD}, question=LOOP, mended=DONE)


def test_yes_applies_and_shows_before_and_after(cli: Cli, loopy: FakeLab) -> None:
    """Without ends it is the last failing question, which the lab itself remembers."""
    ran = cli("fix", "--yes")
    assert (0, BEFORE + CHANGE + AFTER, "") == (ran.status, ran.out, ran.err)
    assert ["fix - - choose=0 write=False"] == loopy.calls


@pytest.mark.parametrize("words", [(), ("box:va", "box:vb"), ("--write",)])
def test_where_nobody_can_be_asked_yes_is_needed(cli: Cli, loopy: FakeLab, words: tuple[str, ...]) -> None:
    """Without a terminal nothing is asked, sent or changed."""
    ran = cli("fix", *words)
    assert (2, "", []) == (ran.status, ran.out, loopy.calls)
    assert ("error[needs-yes]" in ran.err, "--yes" in ran.err) == (True, True)


def test_json_asks_nobody(cli: Cli, loopy: FakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document and a question do not go together, on a terminal neither."""
    monkeypatch.setattr(sys, "stdin", Typed("y\n"))
    ran = cli("fix", "-o", "json")
    assert (2, "needs-yes", []) == (ran.status, ran.json()["slug"], loopy.calls)


def test_a_terminal_is_asked(cli: Cli, loopy: FakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would change is shown before the question, and not again after the answer."""
    monkeypatch.setattr(sys, "stdin", Typed("y\n"))
    ran = cli("fix")
    assert (0, BEFORE + CHANGE + "rehearsed on a copy: 1 of 1 passes\n" + AFTER) == (ran.status, ran.out)
    assert ("Apply? [y/N]: " in ran.err, ["why box:va box:vb", "fix box:va box:vb choose=0 write=False"]) == (True, loopy.calls)


def test_no_changes_nothing(cli: Cli, loopy: FakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who declines has not mended: exit code 1."""
    monkeypatch.setattr(sys, "stdin", Typed("\n"))
    ran = cli("fix")
    assert (1, ["why box:va box:vb"], True) == (ran.status, loopy.calls, "nothing was changed" in ran.err)


def test_a_dry_run_shows_and_does_nothing(cli: Cli, loopy: FakeLab) -> None:
    """--dry-run says what would change, even beside --yes."""
    ran = cli("fix", "--dry-run", "--yes")
    assert (0, BEFORE + CHANGE + "rehearsed on a copy: 1 of 1 passes\n") == (ran.status, ran.out)
    assert ["why box:va box:vb"] == loopy.calls


def test_a_question_goes_on_as_it_was_asked(cli: Cli, loopy: FakeLab) -> None:
    """Ends, kind, choice and --write reach the lab; a file that was edited is named."""
    loopy.mended = replace(DONE, wrote="loopy.lab.yaml")
    out = cli("fix", "box:va", "box:vb", "--tcp", "80", "--choose", "2", "--write", "--yes", "-l", "loopy").out
    assert ["fix box:va box:vb kind=tcp port=80 choose=1 write=True"] == loopy.calls
    assert ("✓ loopy.lab.yaml says so too\n" in out, "undo: vethlab fix --undo -l loopy\n" in out) == (True, True)


def test_the_lab_by_its_name_and_the_flow_remembered(cli: Cli, loopy: FakeLab) -> None:
    """The remembered question keeps its kind."""
    loopy.question = replace(LOOP, kind="udp", port=53)
    cli("fix", "--dry-run")
    assert ["why box:va box:vb kind=udp port=53"] == loopy.calls


def test_no_question_is_said(cli: Cli, loopy: FakeLab) -> None:
    """Without ends and without a question that failed there is nothing to mend."""
    loopy.question = None
    ran = cli("fix", "--dry-run")
    assert (2, True) == (ran.status, "error[no-question]" in ran.err)


def test_a_fix_that_does_not_help_is_no_success(cli: Cli, loopy: FakeLab) -> None:
    """Exit code 1, and the answer after the change says what is the matter now."""
    loopy.mended = replace(DONE, after=replace(DEAD, fixes=()))
    ran = cli("fix", "--yes")
    assert (1, BEFORE.strip()) == (ran.status, ran.out.splitlines()[-1])


def test_a_file_that_was_not_touched_is_said(cli: Cli, loopy: FakeLab) -> None:
    """--write of what does not help: the reason stands between what was applied and what is the matter now."""
    loopy.mended = replace(DONE, after=replace(DEAD, fixes=()), unwritten="it does not mend")
    ran = cli("fix", "--yes", "--write")
    assert (1, "! the lab file was not touched: it does not mend") == (ran.status, ran.out.splitlines()[-2])
    assert "it does not mend" == cli("fix", "--yes", "--write", "-o", "json").json()["unwritten"]


@pytest.mark.parametrize(
    ("before", "choose", "status", "said"),
    [
        (replace(DEAD, fixes=()), "1", 1, "no fix is known; nothing was changed"),
        (DEAD, "2", 1, "there is 1 fix to choose from; nothing was changed"),
        (replace(DEAD, fixes=(OFFER, OFFER)), "3", 1, "there are 2 fixes to choose from; nothing was changed"),
        (MENDED, "1", 0, "nothing to mend"),
    ],
)
def test_nothing_to_apply_says_why(cli: Cli, loopy: FakeLab, before: Any, choose: str, status: int, said: str) -> None:
    """No fix, no such fix, and no fault are told apart, for --dry-run and --yes alike."""
    loopy.answers, loopy.mended = {("box:va", "box:vb"): before}, Mended(None, before)
    dry, real = cli("fix", "--dry-run", "--choose", choose), cli("fix", "--yes", "--choose", choose)
    assert [(status, said), (status, said)] == [(ran.status, ran.out.splitlines()[-1]) for ran in (dry, real)]


def test_a_command_that_is_no_sysctl_is_shown_as_it_is(cli: Cli, world: World) -> None:
    """And a change of what somebody decided is announced as one."""
    world.start(PAIR, answers={("a", "b"): FAR_END_DOWN})
    first, second = cli("fix", "a", "b", "--dry-run"), cli("fix", "a", "b", "--dry-run", "--choose", "2")
    assert ["  ~ b  ip link set dev eth0 up", "✗ rehearsed on a copy: 1 of 2 passes"] == first.out.splitlines()[1:]
    assert "! this changes what somebody decided, not what broke" == second.out.splitlines()[2]


def test_a_failure_that_was_rolled_back_is_exit_code_5(cli: Cli, loopy: FakeLab) -> None:
    """The facade's own error reaches the user."""
    loopy.error = BuildError("sysctl: no such key", help="rolled back: the lab is as it was before")
    ran = cli("fix", "--yes")
    assert (5, True) == (ran.status, "rolled back: the lab is as it was" in ran.err)


def test_undo_takes_back_and_asks_again(cli: Cli, loopy: FakeLab) -> None:
    """--undo needs no consent: it is one."""
    loopy.undone = Undone((BACK,), DEAD)
    ran = cli("fix", "--undo")
    assert (0, "  ~ box  net.ipv4.conf.vb.accept_local  → 0\n✓ taken back\n" + BEFORE) == (ran.status, ran.out)
    assert ["undo"] == loopy.calls


@pytest.mark.parametrize(
    "words", [("--undo", "a", "b"), ("--undo", "--dry-run"), ("--undo", "--write"), ("a",), ("a", "b", "--choose", "0")],
)
def test_what_contradicts_itself_is_refused(cli: Cli, loopy: FakeLab, words: tuple[str, ...]) -> None:
    """One end, or two wishes at once, touch nothing."""
    assert (2, []) == (cli("fix", *words, "--yes").status, loopy.calls)


def test_json_has_the_documented_keys(cli: Cli, loopy: FakeLab) -> None:
    """fix/1 is {applied, before, after, undo} and may only grow."""
    loopy.undone = Undone((BACK,), DEAD)
    found, dry, back = (cli("fix", *words, "-o", "json").json() for words in (("--yes",), ("--dry-run",), ("--undo",)))
    assert ("vethlab.fix/1", True, None, False) == tuple(found[key] for key in ("schema", "ok", "wrote", "dry_run"))
    assert ([{"node": "box", "argv": list(ACCEPT.argv)}], False, True) == (
        found["applied"]["commands"], found["before"]["ok"], found["after"]["ok"],
    )
    assert [{"node": "box", "argv": list(BACK.argv)}] == found["undo"] == back["undo"]
    assert (None, 1, None, True) == (dry["applied"], len(dry["before"]["fix"]), dry["after"], dry["dry_run"])
    assert ({*found}, False) == ({*dry}, back["ok"])
    assert {*found} == {*back}
