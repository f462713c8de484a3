"""Pictures from the command line."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.unit.cli.answered import DEAD, LOOPY, MENDED
from tests.unit.cli.double import PAIR, Cli, World

SVG = "{http://www.w3.org/2000/svg}"


def texts(document: str) -> set[str | None]:
    """What is written in a drawing."""
    return {one.text for one in ET.fromstring(document).iter(f"{SVG}text")}  # noqa: S314 - our own text


def test_a_lab_that_does_not_run_is_drawn_as_declared(cli: Cli, world: World) -> None:
    """`show -o svg` needs no running lab: standard output is the picture and nothing else."""
    del world
    Path("pair.lab.yaml").write_text(PAIR)
    ran = cli("show", "-o", "svg")
    assert (0, "") == (ran.status, ran.err)
    assert {"pair", "2 nodes, 1 link · not running", "a", "b", "eth0", "10.0.0.1/24", "10.0.0.2/24"} <= texts(ran.out)


def test_a_running_lab_is_drawn_as_it_is(cli: Cli, world: World) -> None:
    """A running lab is drawn from what the kernel holds."""
    world.start("name: web3\nlinks: [a -- b]\n")
    assert "2 nodes, 1 link" in texts(cli("show", "web3", "-o", "svg").out)


def test_a_journey_is_drawn_on_its_lab(cli: Cli, world: World) -> None:
    """`why -o svg` draws the answer on the lab as it is, and the exit status stays that of the answer."""
    world.start(LOOPY).answers["box:va", "box:vb"] = DEAD
    ran = cli("why", "box:va", "box:vb", "-o", "svg")
    assert 1 == ran.status
    assert {"local-source at box:vb (proven)", "✗ local-source", "ARP 1 · 0 µs", "died here: input", "only ARP"} <= texts(ran.out)


def test_a_way_is_drawn_on_its_lab(cli: Cli, world: World) -> None:
    """`trace -o svg` draws the way there and back, with times."""
    world.start(LOOPY).answers["box:va", "box:vb"] = MENDED
    ran = cli("trace", "box:va", "box:vb", "-o", "svg")
    assert 0 == ran.status
    assert {"✓ box:va → box:vb · 0.05 ms", "request 2 · +4 µs", "reply 3, 4 · +9 µs"} <= texts(ran.out)


def test_a_recording_has_nothing_to_draw_on(cli: Cli) -> None:
    """A recording holds no lab: text and json only."""
    ran = cli("why", "--replay", "some.json", "-o", "svg")
    assert (2, True) == (ran.status, "a recording has no lab to draw" in ran.err)


def test_a_page_has_the_picture_and_the_whole_answer(cli: Cli, world: World) -> None:
    """`why -o html` is one document with the journey, the evidence, the fix and the addresses."""
    world.start(LOOPY).answers["box:va", "box:vb"] = DEAD
    ran = cli("why", "box:va", "box:vb", "-o", "html")
    assert (1, True) == (ran.status, ran.out.startswith("<!doctype html>") and ran.out.endswith("</html>\n"))
    for text in (
        "local-source at box:vb (proven)", "10.0.0.2 dev va INCOMPLETE", "sysctl -w net.ipv4.conf.vb.accept_local=1",
        "rehearsed on a copy: 1 of 1 passes", "ARP who-has 10.0.0.2", "proves nothing: it goes over lo",
    ):
        assert text in ran.out


@pytest.mark.parametrize(("form", "first"), [("html", "<!doctype html>"), ("mermaid", "flowchart LR"), ("dot", "graph {")])
def test_other_forms_of_a_lab(cli: Cli, world: World, form: str, first: str) -> None:
    """`show` writes a page, and graphs for other programs."""
    world.start(LOOPY)
    ran = cli("show", "loopy", "-o", form)
    assert (0, True, True) == (ran.status, ran.out.startswith(first), "10.0.0.1/24" in ran.out)


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_a_journey_is_no_graph(cli: Cli, form: str) -> None:
    """What only others lay out has no journey on it."""
    assert 2 == cli("trace", "a", "b", "-o", form).status
