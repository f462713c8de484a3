"""Live changes of links: what `plan` shows afterwards, what `up` and `undo` take back, what the file says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab import Lab, spec
from vethlab.errors import BuildError, NotFoundError, SpecErrors, UsageError
from vethlab.lab.linking import LinkWish

pytestmark = pytest.mark.kernel
FILE = """\
name: wired
nodes:  # three of them
  a: {routes: [10.9.0.0/16 via 10.0.0.2]}
  b: {}
  c: {}
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24  # the long one
  - b 10.0.1.1/24 -- c 10.0.1.2/24
networks:
  br0: {subnet: 10.1.0.0/24, nodes: [a, c]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The lab's file."""
    path = tmp_path / "wired.lab.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.fixture
def lab(file: Path) -> Iterator[Lab]:
    """It runs."""
    with Lab.load(file) as running:
        yield running


def planned(lab: Lab) -> list[str]:
    """What `up` would do."""
    return [f"{one.action} {one.object}" for one in lab.plan()]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (LinkWish(("a", "b"), up=False), {"change interface a:eth0", "add route 10.9.0.0/16 via 10.0.0.2 in a"}),
        (LinkWish(("b", "a"), said={"mtu": "1400"}), {"change interface a:eth0", "change interface b:eth0"}),
        (LinkWish(("a:eth0", "b"), said={"rate": "5mbit"}), {"remove queue a:eth0", "remove queue b:eth0"}),
        (LinkWish(("br0",), said={"rate": "5mbit"}), {"remove queue host:p-a", "remove queue c:eth1"}),
        (LinkWish(("c", "br0"), up=False), {"change interface c:eth1"}),
        (LinkWish(add="a 10.0.2.1/24 -- c 10.0.2.2/24", said={"rate": "1mbit"}), {"remove link a:eth2"}),
        (LinkWish(("c", "b"), remove=True), {"add link b:eth1 -- c:eth0"}),
    ],
    ids=str,
)
def test_a_live_change_is_drift_that_up_and_undo_take_back(lab: Lab, asked: LinkWish, told: set[str]) -> None:
    """A dry run touches nothing; then `plan` shows it, `undo` takes it back, and once more `up` does."""
    dry = lab.change_link(LinkWish(asked.ends, asked.up, asked.said, asked.add, asked.remove, dry_run=True))
    assert {"asked for"} >= {one.reason for one in dry.changes if type(one).__name__ != "SetLink" and "→" not in one.reason}
    assert dry.changes
    assert [] == planned(lab)
    done = lab.change_link(asked)
    assert [one.object for one in dry.changes] == [one.object for one in done.changes]
    assert told <= set(planned(lab))
    assert asked.remove or done.undo
    if done.undo:
        lab.undo()
        assert [] == planned(lab)
        lab.change_link(asked)
    lab.up()
    assert [] == planned(lab)
    assert lab.check(["ping a -> b", "ping b -> c", "ping a -> c"]).ok


def test_drift_of_others_stays_and_up_brings_back_what_down_took(lab: Lab) -> None:
    """An address added by hand survives both; routes and IPv6 addresses return."""
    assert lab["a"].exec("ip address add 192.0.2.1/24 dev eth1")
    lab.change_link(LinkWish(("a", "b"), up=False))
    lab.change_link(LinkWish(("a", "b"), up=True))
    assert ["remove address 192.0.2.1/24 on a:eth1"] == planned(lab)
    assert () == lab.change_link(LinkWish(("a", "b"), up=True)).changes


def test_what_is_written_is_declared(lab: Lab, file: Path) -> None:
    """The file says it, its comments stay, and nothing differs from it; a further node is declared with its link, and both can go."""
    lab.change_link(LinkWish(("a", "b"), said={"rate": "5mbit"}, write=True))
    lab.change_link(LinkWish(add="c 10.0.3.1/24 -- d 10.0.3.2/24", write=True))
    text = file.read_text(encoding="utf-8")
    assert ("# three of them" in text, "# the long one" in text, "rate: 5mbit" in text, "d: {}" in text) == (True,) * 4
    assert [] == planned(lab)
    assert lab.check(["ping c -> d"]).ok
    assert spec.loads(text) == lab.topology
    lab.change_link(LinkWish(("c", "d"), remove=True, write=True))
    assert "10.0.3.1" not in file.read_text(encoding="utf-8")
    assert [] == planned(lab)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (LinkWish(("a", "z"), up=False), NotFoundError), (LinkWish(("b", "br0"), up=False), NotFoundError),
        (LinkWish(("a",), up=False), UsageError), (LinkWish(add="a--b"), UsageError),
        (LinkWish((), up=False), UsageError), (LinkWish(("a", "br0"), said={"rate": "1mbit"}), UsageError),
        (LinkWish(("a", "br0"), remove=True), UsageError), (LinkWish(("a", "b"), up=False, write=True), UsageError),
    ],
    ids=str,
)
def test_what_makes_no_sense_touches_nothing(lab: Lab, asked: LinkWish, error: type[Exception]) -> None:
    """Ends that no link joins, half a question, what no lab file can say."""
    with pytest.raises(error):
        lab.change_link(asked)
    assert [] == planned(lab)


def test_a_refused_change_is_rolled_back(lab: Lab) -> None:
    """A route that the other end's address would need is refused by the kernel: nothing is left of the attempt."""
    before = lab.state()
    assert lab["b"].exec("ip address add 10.0.2.9/24 dev lo")
    with pytest.raises((BuildError, SpecErrors)):
        lab.change_link(LinkWish(add="a 10.0.2.1/24 -- b:lo 10.0.2.2/24"))
    assert before.netns["a"].links == lab.state().netns["a"].links
