"""`check` as people and programs see it: lines, matrix, summary, JSON, JUnit."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.unit.cli.answered import MENDED, NO_WAY_BACK
from tests.unit.cli.double import PAIR, Cli, World, ping

from vethlab.model.finding import Where
from vethlab.model.path import Report, Result


def grid(*names: str, **failing: str) -> tuple[Result, ...]:
    """A ping for each ordered pair; `a_b="..."` makes that one fail with a reason."""
    found = []
    for src, dst in permutations(names, 2):
        reason = failing.get(f"{src}_{dst}")
        found.append(ping(src, dst, None if reason else 40.0, reason=reason or ""))
    return tuple(found)


def checked(cli: Cli, world: World, report: Report, *words: str) -> tuple[int, str]:
    """Exit code and standard output of a check that answers `report`."""
    world.start(PAIR).report = report
    ran = cli("check", *words)
    return ran.status, ran.out


def test_two_nodes_are_two_lines(cli: Cli, world: World) -> None:
    """A pair is shown as lines and a total."""
    assert (
        0,
        ("✓ a → b   0.04 ms\n"
        "✓ b → a   0.04 ms\n"
        "2 of 2 paths pass                                         9.0 ms\n"),
    ) == checked(cli, world, Report(grid("a", "b"), 0.009))


def test_three_nodes_are_a_matrix_with_causes(cli: Cli, world: World) -> None:
    """All pairs of a few nodes are a matrix; failures of one cause stand together below it."""
    failures = {"web_db": "no reply in 1 s", "db_web": "no reply in 1 s"}
    assert (
        1,
        ("          → web    → db     → client\n"
        "  web       ·      ✗        0.04 ms\n"
        "  db      ✗          ·      0.04 ms\n"
        "  client  0.04 ms  0.04 ms    ·\n"
        "4 of 6 paths pass · 2 fail for 1 cause                     1.1 s\n"
        "✗ web → db, db → web: no reply in 1 s\n"),
    ) == checked(cli, world, Report(grid("web", "db", "client", **failures), 1.1))


def test_a_finding_is_named_in_matrix_and_cause(cli: Cli, world: World) -> None:
    """Where the reason has a name, it is shown."""
    results = [replace(one, finding="nft-drop") if not one.passed else one for one in grid("a", "b", "c", a_b="dropped")]
    out = checked(cli, world, Report(tuple(results), 1.1))[1]
    assert (True, True) == ("✗ nft-drop  0.04 ms" in out, "✗ nft-drop  a → b: dropped" in out)


def test_a_finding_that_does_not_fit_the_matrix_is_left_to_the_causes(cli: Cli, world: World) -> None:
    """A word is shown whole or not at all."""
    names = [f"node{number}" for number in range(8)]
    failures = {f"node0_{name}": "no answer" for name in names[1:]}
    results = [replace(one, finding="neighbour-unresolved") if not one.passed else one for one in grid(*names, **failures)]
    row = checked(cli, world, Report(tuple(results), 1.1))[1].splitlines()[1]
    assert ["node0", "·", *["✗"] * 7] == row.split()


def test_more_than_12_nodes_are_a_summary(cli: Cli, world: World) -> None:
    """Beyond 12 nodes only failures are shown, five of each cause by name."""
    names = [f"n{number}" for number in range(13)]
    failures = {f"n0_n{number}": "no reply in 1 s" for number in range(1, 8)}
    assert (
        1,
        ("149 of 156 paths pass · 7 fail for 1 cause                 2.3 s\n"
        "✗ n0 → n1, n0 → n2, n0 → n3, n0 → n4, n0 → n5 and 2 more: no reply in 1 s\n"),
    ) == checked(cli, world, Report(grid(*names, **failures), 2.3))


def test_wide_is_the_full_grid(cli: Cli, world: World) -> None:
    """`-o wide` shows the matrix at any size."""
    names = [f"n{number}" for number in range(13)]
    assert 13 + 2 == len(checked(cli, world, Report(grid(*names), 2.3), "-o", "wide")[1].splitlines())


def test_lines_say_kind_interface_port_and_expectation(cli: Cli, world: World) -> None:
    """A path is written as in the lab file; an expected block that held says so."""
    one = ping("a", "b")
    bound = replace(one, path=replace(one.path, interface="veth0"))
    http = replace(one, path=replace(one.path, kind="http", port=80))
    blocked = replace(one, ok=False, rtt_us=None, path=replace(one.path, kind="tcp", port=22, expect="blocked"))
    opened = replace(one, passed=False, path=replace(one.path, kind="tcp", port=23, expect="blocked"))
    assert (
        "✓ a:veth0 → b   0.04 ms\n"
        "✓ http a → b:80   0.04 ms\n"
        "✓ tcp a → b:22   blocked, as expected\n"
        "✗ tcp a → b:23   got through, though it should be blocked\n"
        "3 of 4 paths pass · 1 fails for 1 cause                    10 ms\n"
    ) == checked(cli, world, Report((bound, http, blocked, opened), 0.01))[1]


def test_an_ipv6_target_with_a_port_is_bracketed(cli: Cli, world: World) -> None:
    """The port of an IPv6 address is told from the address."""
    one = ping("a", "b")
    six = replace(one, path=replace(one.path, kind="tcp", target="fd00::2", dst_node=None, port=22))
    assert "✓ tcp a → [fd00::2]:22   0.04 ms" == checked(cli, world, Report((six,), 0.01))[1].splitlines()[0]


def test_nothing_to_check_is_no_success(cli: Cli, world: World) -> None:
    """A check that probed nothing proves nothing: exit code 1."""
    status, out = checked(cli, world, Report((), 0.001))
    assert (1, True) == (status, out.startswith("nothing to check"))


def test_notes_are_shown(cli: Cli, world: World) -> None:
    """How neighbours were handled and what was sampled is said."""
    assert "  note: 2 of 8 pairs drawn, seed 5\n" in checked(cli, world, Report(grid("a", "b"), 0.01, ("2 of 8 pairs drawn, seed 5",)))[1]


def test_json_has_the_documented_keys(cli: Cli, world: World) -> None:
    """check/1 is {lab, ok, passed, of, paths: [{kind, src, dst, ok, rtt_us, finding}], causes} and may only grow."""
    world.start(PAIR).report = Report(grid("a", "b", b_a="no reply in 1 s"), 0.01)
    ran = cli("check", "-o", "json")
    found = ran.json()
    assert (1, "vethlab.check/1", "pair", False, 1, 2) == (ran.status, *(found[key] for key in ("schema", "lab", "ok", "passed", "of")))
    assert {"kind": "ping", "src": "a", "dst": "b", "ok": True, "rtt_us": 40.0, "finding": None}.items() <= found["paths"][0].items()
    assert [{"finding": None, "reason": "no reply in 1 s", "count": 1, "paths": ["b -> a"], "verdict": None}] == found["causes"]


def test_a_failure_names_the_next_question(cli: Cli, world: World) -> None:
    """Beside the summary stands the command that tells more, with kind, port and a lab that had to be named."""
    one = replace(ping("a", "b", None), path=replace(ping("a", "b").path, kind="tcp", port=80))
    world.start(PAIR).report = Report((one,), 0.01)
    plain, named = cli("check").err, cli("check", "pair").err
    assert ("  next: vethlab why a b --tcp 80\n", "  next: vethlab why a b --tcp 80 -l pair\n") == (plain, named)


def test_what_should_be_blocked_is_no_question(cli: Cli, world: World) -> None:
    """A path that got through against expectation has no place of death, so `why` is neither named nor asked."""
    one = ping("a", "b", 40.0, passed=False)
    lab = world.start(PAIR)
    lab.report = Report((one,), 0.01)
    assert ("", ["check seed=None timeout=1.0"]) == (cli("check", "--why").err, lab.calls)


def test_why_groups_by_finding_and_place(cli: Cli, world: World) -> None:
    """With --why failures that look different and die of one thing are one cause, and its verdict's line is below it."""
    lab = world.start(PAIR)
    lab.report = Report((ping("a", "b", None), ping("b", "a", None, reason="a does not answer ARP"), ping("a", "a")), 0.01)
    lab.answers = {("a", "b"): NO_WAY_BACK, ("b", "a"): NO_WAY_BACK}
    ran = cli("check", "--why")
    assert (1, ["why b a rehearse=False", "why a b rehearse=False"]) == (ran.status, lab.calls[1:])
    assert [
        "1 of 3 paths pass · 2 fail for 1 cause                     10 ms",
        "✗ no-return-route  a → b, b → a: b has no route to 10.0.0.1",
        "  the reply dies at b, route · inferred",
    ] == ran.out.splitlines()[3:]


def test_why_keeps_causes_of_different_places_apart(cli: Cli, world: World) -> None:
    """One finding at two places is two causes; a path that passes by now keeps what the check saw."""
    lab = world.start(PAIR)
    lab.report = Report(tuple(ping(src, dst, None, reason=f"{src} {dst}") for src, dst in (("a", "b"), ("b", "a"), ("b", "b"))), 0.01)
    verdict = NO_WAY_BACK.explanation.verdict
    assert verdict is not None
    elsewhere = replace(NO_WAY_BACK, explanation=replace(NO_WAY_BACK.explanation, verdict=replace(verdict, where=Where("a"))))
    lab.answers = {("a", "b"): NO_WAY_BACK, ("b", "a"): elsewhere, ("b", "b"): MENDED}
    found = cli("check", "--why", "-o", "json").json()["causes"]
    assert [("no-return-route", "b"), ("no-return-route", "a"), (None, None)] == [
        (one["finding"], one["verdict"] and one["verdict"]["where"]["node"]) for one in found
    ]
    assert ["a -> b", "b -> a", "b -> b"] == [path for one in found for path in one["paths"]]


def test_options_reach_the_check(cli: Cli, world: World) -> None:
    """--seed and --timeout are passed on."""
    lab = world.start(PAIR)
    cli("check", "--seed", "5", "--timeout", "0.2")
    assert ["check seed=5 timeout=0.2"] == lab.calls


def test_junit_has_a_case_for_each_path(cli: Cli, world: World) -> None:
    """The file holds one test case for each path, and a failure with its reason."""
    assert 1 == checked(cli, world, Report(grid("a", "b", b_a="no reply in 1 s"), 0.01), "--junit", "out.xml")[0]
    suite = ET.parse("out.xml").getroot()[0]  # noqa: S314 - our own file
    assert ("pair", "2", "1") == (suite.get("name"), suite.get("tests"), suite.get("failures"))
    assert [("a -> b", []), ("b -> a", ["no reply in 1 s"])] == [(case.get("name"), [one.get("message") for one in case]) for case in suite]


def test_a_junit_file_that_cannot_be_written_is_a_clear_error(cli: Cli, world: World) -> None:
    """A wrong path is the user's mistake, not a traceback."""
    world.start(PAIR)
    ran = cli("check", "--junit", str(Path("no", "such", "out.xml")))
    assert (2, True) == (ran.status, "No such file or directory" in ran.err)


@pytest.mark.parametrize("words", [("up", "--check", "p.lab.yaml")])
def test_up_with_check_fails_with_the_check(cli: Cli, world: World, words: tuple[str, ...]) -> None:
    """`up --check` leaves the lab up and exits with 1 if a path fails."""
    Path("p.lab.yaml").write_text(PAIR)
    world.prepare = lambda lab: setattr(lab, "report", Report(grid("a", "b", b_a="no reply in 1 s"), 0.01))
    ran = cli(*words)
    assert (1, ["pair"], True) == (ran.status, list(world.up), "1 of 2 paths pass" in ran.out)
