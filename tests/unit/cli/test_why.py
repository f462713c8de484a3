"""`why` as people and programs see it: one screen, one document, exit codes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.cli.answered import ACCEPT, DEAD, FAR_END_DOWN, LOOPY, LOOSE, MENDED, NO_WAY_BACK, OFFER, PAIR_FLOW, REFUSED
from tests.unit.cli.double import PAIR, Cli, Ran, World

from vethlab.lab.explaining import Answer
from vethlab.model.finding import Command, Explanation, Finding, PathHop, Where
from vethlab.present.cli.verdict import command_line


def asked(cli: Cli, world: World, answer: Answer, *words: str) -> Ran:
    """`why` about the ends of the answer's flow, in a lab that knows it."""
    ends = (str(answer.flow.src), str(answer.flow.dst))
    world.start(LOOPY if ends[0].startswith("box") else PAIR).answers[ends] = answer
    return cli("why", *ends, *words)


def test_the_tutorials_case_is_one_screen(cli: Cli, world: World) -> None:
    """Headline, table, why, evidence, notes and fix stand in the order in which people ask."""
    ran = asked(cli, world, DEAD)
    assert 1 == ran.status
    assert (
        "✗ box:va cannot ping box:vb: box refuses its own address coming in from outside\n"
        "\n"
        "   hop   where            what                      time\n"
        "     1   box  va  tx      ARP who-has 10.0.0.2      0 µs\n"
        "     2   box  vb  rx      ARP who-has 10.0.0.2     +4 µs\n"
        "   ✗ 3   box  vb  input   local-source                     ← died here\n"
        "     4   box  lo                                   never\n"
        "\n"
        "why       local-source at box:vb, input; last seen at box:vb, ingress\n"
        "          A packet comes in from outside with one of the node's own addresses as its source.\n"
        "          more: vethlab explain local-source\n"
        "\n"
        "evidence  proven · 2 sources\n"
        "  kernel's own answer  route get 10.0.0.2 from 10.0.0.1 iif vb: Invalid argument\n"
        "  neighbour table      10.0.0.2 dev va INCOMPLETE\n"
        "ruled out rp-filter · nft-drop\n"
        "\n"
        "note      `ping 10.0.0.2` without an interface proves nothing: it goes over lo\n"
        "\n"
        "fix       sysctl -w net.ipv4.conf.vb.accept_local=1     in box\n"
        "          rehearsed on a copy: 1 of 1 passes\n"
        "          apply: vethlab fix      also in the file: vethlab fix --write\n"
    ) == ran.out


def test_a_path_that_works_shows_both_ways(cli: Cli, world: World) -> None:
    """A healthy path is exit code 0 and says which interface sent and received how many frames."""
    assert Ran(
        0,
        "✓ box:va → box:vb                                        0.05 ms\n"
        "request   box:va tx 1 · box:vb rx 1\n"
        "reply     over lo: box:lo tx 1 · box:lo rx 1\n"
        "note      the reply goes over lo: 10.0.0.1 is local there, and the local table is asked first\n",
        "",
    ) == asked(cli, world, MENDED)


def test_who_has_which_address_is_no_part_of_a_way_that_works(cli: Cli, world: World) -> None:
    """ARP went ahead of the request; counted are the frames of the packet itself."""
    said = MENDED.explanation
    ahead = replace(said.request[0], note="ARP who-has 10.0.0.2")
    out = asked(cli, world, replace(MENDED, explanation=replace(said, request=(ahead, *said.request)))).out
    assert "request   box:va tx 1 · box:vb rx 1" == out.splitlines()[1]


def test_a_reply_that_dies_is_told_so(cli: Cli, world: World) -> None:
    """The direction is in the headline, the fault below the request, and what only our model says is marked."""
    out = asked(cli, world, NO_WAY_BACK).out.splitlines()
    assert "✗ a cannot ping b: the reply dies: b has no route to 10.0.0.1" == out[0]
    assert ["         the reply", "   ✗ 3   b        route   no-return-route             ← died here"] == out[5:7]
    assert "  configuration  no route of b matches 10.0.0.1 (our model)" in out
    assert "evidence  inferred · 1 source" in out


def test_a_fault_far_from_the_death_is_told_apart(cli: Cli, world: World) -> None:
    """Where the packet was last seen and what is at fault are two lines if they are two places; what lies between was never reached."""
    out = asked(cli, world, FAR_END_DOWN).out.splitlines()
    assert [
        "     2   host  p-a   rx     request       +2 µs   ← last seen here",
        "     3   host  p-b                        never",
        "   ✗ 4   b     eth0  link   link-down             ← at fault",
    ] == out[4:7]


def test_what_is_refused_where_it_arrives_died_there(cli: Cli, world: World) -> None:
    """A packet that reached the node at fault died there, even if its refusal was last seen elsewhere."""
    verdict = Finding("port-closed", Where("b", "eth0", "input"), "b has tcp port 80 closed", last_seen=Where("a", "eth0", "ingress"))
    said = replace(NO_WAY_BACK.explanation, verdict=verdict, reply=(PathHop("a", "eth0", "in", 9_000, "reply"),))
    out = asked(cli, world, replace(NO_WAY_BACK, explanation=said)).out.splitlines()
    assert [
        "     1   a  eth0  tx      request          0 µs",
        "     2   b  eth0  rx      request         +3 µs",
        "   ✗ 3   b  eth0  input   port-closed             ← died here",
        "         the reply",
        "     4   a  eth0  rx      reply           +9 µs",
    ] == out[3:8]


def test_what_was_never_sent_is_still_a_table(cli: Cli, world: World) -> None:
    """The sender's own kernel may refuse: then the fault is the first line, and everything else was never reached."""
    verdict = Finding("no-route", Where("a", None, "route"), "a has no route to 10.0.0.2")
    said = Explanation(ok=False, verdict=verdict, expected=("a:eth0", "b:eth0"))
    out = asked(cli, world, replace(NO_WAY_BACK, explanation=said)).out.splitlines()
    assert [
        "   ✗ 1   a        route   no-route             ← died here",
        "     2   a  eth0                       never",
        "     3   b  eth0                       never",
        "",
        "why       no-route at a, route",
    ] == out[3:8]


def test_further_obstacles_and_warnings_are_lines(cli: Cli, world: World) -> None:
    """What stands behind the first obstacle and what will bite later are said with their place and grade."""
    out = asked(cli, world, FAR_END_DOWN).out
    assert "also      rp-filter at box:vb, input (proven): strict filtering drops it next\n" in out
    assert "warning   duplicate-mac at c:eth0 (inferred): c:eth0 has the MAC of a:eth0\n" in out


def test_several_fixes_are_numbered(cli: Cli, world: World) -> None:
    """Each fix says how it fared on a copy, or why it was not tried, and how to choose it."""
    out = asked(cli, world, FAR_END_DOWN).out
    assert (
        "fix 1     set b:eth0 up\n"
        "          ip link set dev eth0 up                       in b\n"
        "          ✗ rehearsed on a copy: 1 of 2 passes\n"
        "          apply: vethlab fix\n"
        "fix 2     drop the rule\n"
        "          this changes what somebody decided, not what broke\n"
        "          nft delete rule ip f c handle 2               in b\n"
        "          not rehearsed: conntrack has no copy\n"
        "          apply: vethlab fix --choose 2\n"
    ) == out[out.index("fix 1") :]


def test_a_fix_of_two_commands_has_its_title(cli: Cli, world: World) -> None:
    """Settings that are needed together stand under one title."""
    both = replace(OFFER, title="two settings block this path", commands=(ACCEPT, LOOSE))
    out = asked(cli, world, replace(DEAD, fixes=(both,))).out
    assert "fix       two settings block this path\n          sysctl -w net.ipv4.conf.vb.accept_local=1     in box\n" in out


def test_without_a_fix_it_says_so(cli: Cli, world: World) -> None:
    """No fix is an answer, too."""
    assert "fix       none is known\n" in asked(cli, world, replace(DEAD, fixes=())).out


def test_no_fix_looks_for_none_and_shows_none(cli: Cli, world: World) -> None:
    """--no-fix saves the rehearsal, in text and in JSON."""
    text, document = asked(cli, world, DEAD, "--no-fix").out, asked(cli, world, DEAD, "--no-fix", "-o", "json").json()
    assert (False, []) == ("fix" in text, document["fix"])
    assert ["why box:va box:vb rehearse=False"] == world.up["loopy"].calls


def test_a_named_lab_is_named_in_the_hint(cli: Cli, world: World) -> None:
    """Who had to say -l has to say it again."""
    assert "apply: vethlab fix -l loopy  " in asked(cli, world, DEAD, "-l", "loopy").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--tcp", "80"), "why a b kind=tcp port=80 rehearse=True"),
        (("--udp", "53"), "why a b kind=udp port=53 rehearse=True"),
        (("--size", "1472"), "why a b size=1472 rehearse=True"),
        (("--arp",), "why a b kind=arp rehearse=True"),
        (("--no-truth", "--record", "out.json"), "why a b truth=False rehearse=True record=out.json"),
        (("--truth",), "why a b truth=True rehearse=True"),
    ],
)
def test_options_reach_the_question(cli: Cli, world: World, words: tuple[str, ...], said: str) -> None:
    """What is sent, who looks on and where it is kept is passed on as it is said."""
    asked(cli, world, replace(MENDED, flow=PAIR_FLOW), *words)
    assert [said] == world.up["pair"].calls


@pytest.mark.parametrize(
    "words",
    [
        (), ("a",), ("a", "b", "--tcp", "80", "--udp", "53"), ("a", "b", "--arp", "--size", "9"), ("a", "b", "--tcp", "0"),
        ("--replay", "x.json", "a", "b"), ("--replay", "x.json", "--arp"), ("--replay", "x.json", "--record", "y.json"), ("--tcp", "80"),
    ],
)
def test_what_contradicts_itself_is_refused(cli: Cli, world: World, words: tuple[str, ...]) -> None:
    """One question has two ends and one kind; a recording holds its own."""
    world.start(PAIR)
    ran = cli("why", *words)
    assert (2, "", True) == (ran.status, ran.out, ran.err.startswith("error[usage]: "))


def test_an_unknown_end_is_exit_code_4(cli: Cli, world: World) -> None:
    """The facade says what it does not know."""
    world.start(PAIR)
    ran = cli("why", "nobody", "b")
    assert (4, True) == (ran.status, "no node `nobody`" in ran.err)


KINDS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "tcp", "port": 80}, "a cannot connect to b port 80 (tcp)"),
    ({"kind": "udp", "port": 53}, "a cannot send to b port 53 (udp)"),
    ({"kind": "arp"}, "a cannot resolve b"),
    ({"size": 1472}, "a cannot ping b with 1,472 bytes"),
]


@pytest.mark.parametrize(("flow", "cannot"), KINDS)
def test_the_headline_says_what_was_sent(cli: Cli, world: World, flow: dict[str, Any], cannot: str) -> None:
    """Port, kind and size are part of what does not work."""
    answer = replace(NO_WAY_BACK, flow=replace(PAIR_FLOW, **flow))
    assert f"✗ {cannot}: the reply dies: b has no route to 10.0.0.1" == asked(cli, world, answer).out.splitlines()[0]


def test_a_death_without_verdict_still_says_what_is_known(cli: Cli, world: World) -> None:
    """Where nothing was found the probe's own words stand."""
    ran = asked(cli, world, Answer(PAIR_FLOW, Explanation(ok=False, reason="no reply in 1 s")))
    assert (1, "✗ a cannot ping b: no reply in 1 s\n\n") == (ran.status, ran.out)


def test_a_finding_underneath_is_told(cli: Cli, world: World) -> None:
    """What carries a network may be what is broken; both are said."""
    over = replace(DEAD, explanation=replace(DEAD.explanation, verdict=replace(REFUSED, slug="underlay-broken", inner=REFUSED)))
    assert "underneath: local-source at box:vb, input (proven): box refuses" in asked(cli, world, over).out


def test_ascii_where_the_locale_is_not_utf_8(cli: Cli, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks and arrows have plain forms, and nothing else of the screen is lost."""
    monkeypatch.setenv("LANG", "C")
    out = asked(cli, world, DEAD).out
    assert (True, True, True) == (out.isascii(), "FAIL 3   box  vb  input   local-source" in out, "<- died here" in out)


def test_colour_is_only_paint(cli: Cli, world: World) -> None:
    """With --color always the words are the same."""
    plain, painted = asked(cli, world, DEAD).out, asked(cli, world, DEAD, "--color", "always").out
    stripped = "".join(part.partition("m")[2] if position else part for position, part in enumerate(painted.split("\x1b[")))
    assert (plain, True) == (stripped, "\x1b[31m" in painted)


def test_json_has_the_documented_keys(cli: Cli, world: World) -> None:
    """why/1 is what the design lists, and may only grow."""
    found = asked(cli, world, DEAD, "-o", "json").json()
    place = {"node": "box", "interface": "vb", "stage": "input"}
    assert ("vethlab.why/1", "loopy", False, 0.25) == tuple(found[key] for key in ("schema", "lab", "ok", "seconds"))
    assert {"node": "box", "interface": "va", "address": "10.0.0.1"} == found["probe"]["src"]
    said = found["verdict"]
    assert ("local-source", "proven", "request", place) == (said["finding"], said["grade"], said["direction"], said["where"])
    assert ({**place, "stage": "ingress"}, ["rp-filter", "nft-drop"]) == (found["verdict"]["last_seen"], found["verdict"]["ruled_out"])
    assert {"source": "neighbour-table", "says": "10.0.0.2 dev va INCOMPLETE"}.items() <= found["verdict"]["evidence"][1].items()
    assert [{"node": "box", "argv": ["sysctl", "-w", "net.ipv4.conf.vb.accept_local=1"]}] == found["fix"][0]["commands"]
    assert ({"pass": 1, "of": 1}, [], []) == (found["fix"][0]["rehearsed"], found["also"], found["warnings"])
    hop = {"node": "box", "interface": "va", "direction": "out", "ns": 0, "note": "ARP who-has 10.0.0.2"}
    assert (hop, []) == (found["path"]["request"][0], found["path"]["reply"])


def test_json_of_a_path_that_works_has_no_verdict(cli: Cli, world: World) -> None:
    """`ok: true` is `verdict: null`, exit code 0 and both ways."""
    ran = asked(cli, world, MENDED, "-o", "json")
    found = ran.json()
    assert (0, True, None, 2) == (ran.status, found["ok"], found["verdict"], len(found["path"]["reply"]))


def test_json_says_why_nothing_was_rehearsed(cli: Cli, world: World) -> None:
    """`rehearsed: null` has its reason beside it; warnings and further obstacles have the keys of a verdict."""
    found = asked(cli, world, FAR_END_DOWN, "-o", "json").json()
    assert (None, "conntrack has no copy", True) == tuple(found["fix"][1][key] for key in ("rehearsed", "why_not", "policy"))
    assert {frozenset(found["verdict"])} == {frozenset(one) for one in found["also"] + found["warnings"]}


def test_a_recording_is_explained_without_a_lab(cli: Cli, world: World) -> None:
    """--replay needs no running lab, and offers nothing to apply."""
    read: list[str] = []

    def replay(path: str) -> Answer:
        read.append(path)
        return DEAD

    world.explaining = SimpleNamespace(replay=replay)
    ran = cli("why", "--replay", "seen.json")
    assert (1, ["seen.json"], True, False) == (ran.status, read, "local-source" in ran.out, "apply:" in ran.out)


def test_a_command_of_many_lines_is_told_by_its_ends() -> None:
    """A ruleset would fill the screen: its first and last line stand for it, and JSON has all of it."""
    script = "printf '%s\\n' 'table inet t {\n\tchain c {\n\t}\n}' | nft --file -"
    assert r"printf '%s\n' 'table inet t { … }' | nft --file -  (4 lines)" == command_line(Command("host", ("sh", "-c", script)))
    assert "sh -c 'ip link; ip route'" == command_line(Command("host", ("sh", "-c", "ip link; ip route")))
