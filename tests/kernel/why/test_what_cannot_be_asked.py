"""What `why`, `trace` and `fix` refuse before they send anything: who is not there, and what makes no sense."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from vethlab import Lab
from vethlab.present.cli.main import run

pytestmark = pytest.mark.kernel

NAME = f"unasked-{os.getpid()}"
ABSENT: dict[tuple[str, ...], str] = {
    ("a", "b", "-l", "nowhere"): "no-such-lab", ("z", "b", "-l", NAME): "no-such-node", ("a", "z", "-l", NAME): "no-such-node",
    ("a:eth7", "b", "-l", NAME): "no-such-interface", ("a", "b:eth7", "-l", NAME): "no-such-interface",
}
SENSELESS = [
    ("a", "b", "--tcp", "0"), ("a", "b", "--tcp", "65536"), ("a", "b", "--tcp", "http"), ("a", "b", "--size", "65508"),
    ("a", "b", "--size", "-1"), ("a", "b", "--tcp", "80", "--udp", "53"), ("a", "b", "--tcp", "80", "--size", "9"),
    ("a", "b", "--arp", "--size", "9"), ("a", "b", "--hops", "3"), ("a",), ("a", "b", "c"), ("a", "a"), ("10.7.7.7", "b"),
    ("localhost", "b"), ("--tcp", "80"),
]


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[Lab]:
    """Two nodes, which stay up for all of these."""
    lab = Lab(NAME)
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    lab.up()
    yield lab
    lab.down()


@pytest.mark.parametrize("verb", ["why", "trace"])
@pytest.mark.parametrize("words", ABSENT, ids=" ".join)
def test_who_is_not_there(verb: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """No such lab, node or interface is exit status 4, and the document says which."""
    status = run([verb, *words, "-o", "json"])
    assert (4, ABSENT[words]) == (status, json.loads(capsys.readouterr().out)["slug"])


@pytest.mark.parametrize("verb", ["why", "trace"])
@pytest.mark.parametrize("words", SENSELESS, ids=" ".join)
def test_what_makes_no_sense(verb: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Options that contradict each other or are out of range, and ends that are missing, are exit status 2 with a way out."""
    status = run([verb, *words, "-l", NAME])
    seen = capsys.readouterr()
    assert (2, "", True) == (status, seen.out, "error[" in seen.err), seen.err


@pytest.mark.parametrize("words", [(), ("--yes",), ("--dry-run",), ("--undo",), ("--yes", "-o", "json")], ids=" ".join)
def test_a_fix_without_a_question(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """In a lab in which nothing has failed yet there is nothing to mend and nothing to take back: exit status 2."""
    status = run(["fix", "-l", NAME, *words])
    seen = capsys.readouterr()
    assert (2, True) == (status, any(f"error[{slug}]" in seen.err or slug in seen.out for slug in ("no-question", "no-fix", "needs-yes")))
