"""`trace` as people and programs see it: a line for each step, both ways, and where it ends."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.cli.answered import DEAD, LOOPY, MENDED
from tests.unit.cli.double import Cli, Ran, World

from vethlab.lab.explaining import Answer


def traced(cli: Cli, world: World, answer: Answer, *words: str) -> Ran:
    """`trace` about the ends of the answer's flow."""
    ends = (str(answer.flow.src), str(answer.flow.dst))
    world.start(LOOPY).answers[ends] = answer
    return cli("trace", *ends, *words)


def test_a_way_is_told_step_by_step_there_and_back(cli: Cli, world: World) -> None:
    """Every interface that saw the packet is a line with its time; that the reply goes over lo is said."""
    assert Ran(
        0,
        "✓ box:va → box:vb                                        0.05 ms\n"
        "   hop   where         what         time\n"
        "     1   box  va  tx   request      0 µs\n"
        "     2   box  vb  rx   request     +4 µs\n"
        "         the reply\n"
        "     3   box  lo  tx   reply       +9 µs\n"
        "     4   box  lo  rx   reply      +10 µs\n"
        "note      the reply goes over lo: 10.0.0.1 is local there, and the local table is asked first\n",
        "",
    ) == traced(cli, world, MENDED)


def test_a_packet_that_dies_ends_in_its_verdict(cli: Cli, world: World) -> None:
    """The headline, the steps up to the death and the command that tells the rest; exit code 1."""
    ran = traced(cli, world, DEAD, "-l", "loopy")
    lines = ran.out.splitlines()
    assert (1, "  next: vethlab why box:va box:vb -l loopy\n") == (ran.status, ran.err)
    assert "✗ box:va cannot ping box:vb: box refuses its own address coming in from outside" == lines[0]
    assert ("   ✗ 3   box  vb  input   local-source                     ← died here", False) == (lines[4], "evidence" in ran.out)


def test_a_connection_is_opened(cli: Cli, world: World) -> None:
    """The time of TCP is that of its opening, and the question reaches the lab as it was asked."""
    ran = traced(cli, world, replace(MENDED, flow=replace(MENDED.flow, kind="tcp", port=80)), "--tcp", "80", "--no-truth")
    assert "✓ tcp box:va → box:vb:80                         open in 0.05 ms" == ran.out.splitlines()[0]
    assert ["trace box:va box:vb kind=tcp port=80 truth=False"] == world.up["loopy"].calls


def test_long_ways_have_times_in_milliseconds(cli: Cli, world: World) -> None:
    """From a millisecond on the unit changes."""
    late = replace(MENDED.explanation.reply[1], ns=1_250_000)
    answer = replace(MENDED, explanation=replace(MENDED.explanation, reply=(late,)))
    assert "+1.2 ms" in traced(cli, world, answer).out


def test_json_has_the_documented_keys(cli: Cli, world: World) -> None:
    """trace/1 is {lab, ok, probe, rtt_us, path: {request, reply}, notes} and may only grow."""
    found = traced(cli, world, MENDED, "-o", "json").json()
    assert ("vethlab.trace/1", "loopy", True, 50.0) == tuple(found[key] for key in ("schema", "lab", "ok", "rtt_us"))
    ways = {way: [hop["interface"] for hop in hops] for way, hops in found["path"].items()}
    assert ("ping", {"request": ["va", "vb"], "reply": ["lo", "lo"]}) == (found["probe"]["kind"], ways)
    assert (None, ["the reply goes over lo: 10.0.0.1 is local there, and the local table is asked first"]) == (
        found["verdict"], found["notes"],
    )


def test_json_of_a_death_has_the_verdict(cli: Cli, world: World) -> None:
    """A program need not ask twice."""
    ran = traced(cli, world, DEAD, "-o", "json")
    assert (1, "", "local-source") == (ran.status, ran.err, ran.json()["verdict"]["finding"])


def test_both_ends_are_needed(cli: Cli, world: World) -> None:
    """A way has two ends."""
    world.start(LOOPY)
    ran = cli("trace", "box:va")
    assert (2, True) == (ran.status, "DST" in ran.err)
