"""`tour`: what it shows, what it takes for a surprise, and that it leaves nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.cli.answered import DEAD, MENDED, OFFER
from tests.unit.cli.double import Cli, FakeLab, World, ping

from vethlab import spec
from vethlab.explain.findings import slugs
from vethlab.lab.explaining import Answer
from vethlab.lab.fixing import Mended
from vethlab.model.finding import PathHop
from vethlab.model.path import Report
from vethlab.present.cli.tour import CHAPTERS, Chapter

PASSES, FAILS = Report((ping("a", "b"),), 0.01), Report((ping("box", "box", None),), 1.0)


def seen_at(node: str, interface: str) -> Answer:
    """A path that works, whose packet passed this place both ways."""
    hop = PathHop(node, interface, "in", 0, "request")
    return replace(MENDED, explanation=replace(MENDED.explanation, request=(hop,), reply=(hop,)))


def as_told(lab: FakeLab) -> None:
    """The kernel at its defaults."""
    lab.report = FAILS if lab.topology.checks and len(lab.topology.nodes) == 1 else PASSES
    lab.answers = {
        ("why", "box:veth0", "box:veth1"): DEAD, ("trace", "box:veth0", "box:veth1"): seen_at("box", "lo"),
        ("a", "b"): seen_at("a", "veth0"), ("web", "db"): seen_at("host", "p-db"), ("ns5", "ns6"): seen_at("ns6", "eth0"),
        ("worker", "app"): seen_at("host", "p-app"), ("h1/pod1", "h2/pod3"): seen_at("h2", "eth0"),
    }
    lab.mended = Mended(OFFER, DEAD, MENDED)


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has what all chapters need."""
    monkeypatch.setattr("shutil.which", lambda program, **_: f"/usr/sbin/{program}")


class Pressed:
    """A terminal at which somebody presses Enter, and later Ctrl-C."""

    presses = 0
    patience = 99

    def isatty(self) -> bool:
        """It is a terminal."""
        return True

    def readline(self) -> str:
        """Enter, as long as there is patience."""
        self.presses += 1
        if self.presses > self.patience:
            raise KeyboardInterrupt
        return "\n"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Pressed:
    """Somebody sits there."""
    keyboard = Pressed()
    monkeypatch.setattr(sys, "stdin", keyboard)
    monkeypatch.setattr("vethlab.present.cli.commands.tour.at_a_terminal", lambda: True)
    return keyboard


def test_the_tour_runs_through_where_nobody_looks(cli: Cli, world: World, tmp_path: Path) -> None:
    """Every chapter's file, commands and reasons are shown; everything is gone afterwards; exit code 0."""
    world.prepare = as_told
    ran = cli("tour")
    assert (0, {}, []) == (ran.status, world.up, list(tmp_path.iterdir()))
    assert [f"{number} of 6  {chapter.title}" for number, chapter in enumerate(CHAPTERS, 1)] == [
        line for line in ran.out.splitlines() if " of 6  " in line
    ]
    assert sum(len(chapter.steps) for chapter in CHAPTERS) == sum(line.startswith("$ vethlab ") for line in ran.out.splitlines())
    assert "✓ all 20 steps went as told, and nothing of it is left" == ran.out.splitlines()[-1]


def test_commands_are_those_that_do_it(cli: Cli, world: World) -> None:
    """What is shown can be typed in another terminal: it names the tour's own lab."""
    names: list[str] = []

    def prepare(lab: FakeLab) -> None:
        names.append(lab.name)
        as_told(lab)

    world.prepare = prepare
    out = cli("tour").out
    assert (1, True) == (len({*names}), names[0].startswith("tour-"))
    assert f"$ vethlab why box:veth0 box:veth1 -l {names[0]}\n" in out
    assert f"    name: {names[0]}\n" in out


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda lab: setattr(lab, "report", PASSES), "1: check"),
        (lambda lab: lab.answers.update({("why", "box:veth0", "box:veth1"): MENDED}), "1: why"),
        (lambda lab: setattr(lab, "mended", Mended(None, DEAD)), "1: fix"),
        (lambda lab: lab.answers.update({("trace", "box:veth0", "box:veth1"): seen_at("box", "veth1")}), "1: trace"),
    ],
    ids=["check", "why", "fix", "trace"],
)
def test_a_surprise_is_exit_code_1(cli: Cli, world: World, spoilt: Callable[[FakeLab], None], said: str) -> None:
    """A step that does not go as told is named, its explanation is not printed, and the tour goes on."""

    def prepare(lab: FakeLab) -> None:
        as_told(lab)
        if "box" in {node.name for node in lab.topology.nodes}:
            spoilt(lab)

    world.prepare = prepare
    ran = cli("tour")
    assert (1, {}, f"✗ 1 of 20 steps did not go as told: {said}") == (ran.status, world.up, ran.out.splitlines()[-1])
    assert 1 == ran.out.count("! this is not what the tour expected")


def test_on_a_terminal_it_waits_after_each_step(cli: Cli, world: World, terminal: Pressed) -> None:
    """Enter goes on, and the hint says how to look around meanwhile."""
    world.prepare = as_told
    ran = cli("tour")
    assert (0, 20, 20) == (ran.status, terminal.presses, ran.err.count("In another terminal: vethlab sh -l tour-"))


def test_no_pause_runs_through(cli: Cli, world: World, terminal: Pressed) -> None:
    """--no-pause waits for nobody."""
    world.prepare = as_told
    assert (0, 0) == (cli("tour", "--no-pause").status, terminal.presses)


def test_leaving_early_takes_the_lab_away(cli: Cli, world: World, terminal: Pressed, tmp_path: Path) -> None:
    """Ctrl-C at a pause ends the tour as an interrupt, and neither lab nor file stays."""
    world.prepare = as_told
    terminal.patience = 2
    assert (130, {}, []) == (cli("tour").status, world.up, list(tmp_path.iterdir()))


def test_a_chapter_is_left_out_where_a_program_is_missing(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Open vSwitch there are five chapters, the package that is missing is named, and nothing has failed."""
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    world.prepare = as_told
    ran = cli("tour")
    assert (0, "✓ all 17 steps went as told, and nothing of it is left") == (ran.status, ran.out.splitlines()[-1])
    assert "! left out: it needs ovs-vswitchd (apt install openvswitch-switch)\n" in ran.out


def test_pictures_are_left_where_they_are_wanted(cli: Cli, world: World, tmp_path: Path) -> None:
    """One for each chapter, and each says what it shows."""
    world.prepare = as_told
    folder = tmp_path / "made" / "for it"
    assert 0 == cli("tour", "--pictures", str(folder)).status
    assert [f"{number}.svg" for number in range(1, 7)] == sorted(path.name for path in folder.iterdir())
    assert "docker0" in (folder / "5.svg").read_text()


@pytest.mark.usefixtures("world")
def test_a_folder_that_cannot_be_made_ends_the_tour_before_it_begins(cli: Cli, tmp_path: Path) -> None:
    """A file stands in the way."""
    (tmp_path / "file").write_text("")
    ran = cli("tour", "--pictures", str(tmp_path / "file" / "pictures"))
    assert (2, "", True) == (ran.status, ran.out, "cannot be made" in ran.err)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.title)
def test_what_the_tour_expects_can_be(chapter: Chapter) -> None:
    """Every file is a valid lab, whose ends exist; every finding that is expected is declared."""
    nodes = {node.name for node in spec.loads(chapter.file.format(name="tour-1"), "tour.lab.yaml").nodes}
    ends = {end.partition(":")[0] for step in chapter.steps for end in step.ends if end}
    assert set() == ends - nodes
    assert set() == {step.expects for step in chapter.steps if step.verb == "why"} - set(slugs())
