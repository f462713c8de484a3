"""Live changes of links: what `plan` shows afterwards, what `up` and `undo` take back, what the file says."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab import Lab, spec
from vethlab.errors import BuildError, KernelError, NotFoundError, UsageError
from vethlab.keep.scope import Scope
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
checks:
  - ping all -> all
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
        (LinkWish(("b", "a"), remove=True), {"add link a:eth0 -- b:eth0", "add route 10.9.0.0/16 via 10.0.0.2 in a"}),
        (LinkWish(("b",), remove=True), {"add node b", "add link b:eth1 -- c:eth0", "add address 10.0.0.1/24 on a:eth0"}),
        (LinkWish(("a", "br0"), remove=True), {"add link host:p-a -- a:eth1"}),
        (LinkWish(add="d 9 -- br0"), {"remove node d", "remove link host:p-d"}),
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
    lab.undo()
    assert [] == planned(lab)
    assert lab.current == lab.topology
    lab.change_link(asked)
    lab.up()
    assert lab.current == lab.topology
    with pytest.raises(UsageError, match="no fix to take back"):
        lab.undo()
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


def test_a_file_that_cannot_be_written_takes_the_change_back(lab: Lab, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lab and file say the same still, and there is nothing to undo; what was so by hand is written all the same."""
    text = file.read_text(encoding="utf-8")

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(BuildError, match="Read-only file system") as caught:
        lab.change_link(LinkWish(("a", "b"), said={"mtu": "1400"}, write=True))
    assert (True, [], text) == ("rolled back" in caught.value.help, planned(lab), file.read_text(encoding="utf-8"))
    with pytest.raises(UsageError, match="no fix to take back"):
        lab.undo()
    monkeypatch.undo()
    for node in ("a", "b"):
        assert lab[node].exec("ip link set dev eth0 mtu 1400")
    done = lab.change_link(LinkWish(("a", "b"), said={"mtu": "1400"}, write=True))
    assert ((), str(file), True) == (done.changes, done.wrote, "mtu: 1400" in file.read_text(encoding="utf-8"))
    assert [] == planned(lab)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (LinkWish(("a", "z"), up=False), NotFoundError), (LinkWish(("b", "br0"), up=False), NotFoundError),
        (LinkWish(("a",), up=False), UsageError), (LinkWish(add="a--b"), UsageError),
        (LinkWish((), up=False), UsageError), (LinkWish(("a", "br0"), said={"rate": "1mbit"}), UsageError),
        (LinkWish(("br0",), remove=True), UsageError), (LinkWish(("a", "b"), up=False, write=True), UsageError),
        (LinkWish(("z",), remove=True), NotFoundError), (LinkWish(add="a -- br0"), UsageError),
        (LinkWish(add="d 10.9.9.9 -- br0"), UsageError), (LinkWish(("b",), remove=True, write=True), UsageError),
        (LinkWish(add="br0 -- d", said={"rate": "1mbit"}), UsageError), (LinkWish(add="br0 -- br0"), UsageError),
    ],
    ids=str,
)
def test_what_makes_no_sense_touches_nothing(lab: Lab, asked: LinkWish, error: type[Exception]) -> None:
    """Ends that no link joins, half a question, what no lab file can say."""
    with pytest.raises(error):
        lab.change_link(asked)
    assert [] == planned(lab)


def test_a_node_comes_and_goes_with_all_that_is_its_own(lab: Lab, file: Path) -> None:
    """It is asked and asks by name at once, its processes end with it, and whoever undoes gets both back; the file says each in turn."""
    lab.change_link(LinkWish(add="d 9 -- br0"))
    lab.change_link(LinkWish(add="d 10.0.4.1/24 -- b 10.0.4.2/24"))
    assert lab.check(["ping d -> c", "ping b -> d"]).ok
    assert lab.why("d", "b", rehearse=False).explanation.ok
    assert "10.1.0.9\td" in lab["a"].exec("cat /etc/hosts").stdout
    lab.change_link(LinkWish(("d",), remove=True))
    assert (False, {"a", "b", "c", "host"}) == ("\td\n" in lab["a"].exec("cat /etc/hosts").stdout, set(lab.namespaces.names()))
    lab.undo()
    assert lab.check(["ping b -> d"]).ok
    lab.up()
    lab.change_link(LinkWish(add="d -- br0", write=True))
    assert [] == planned(lab)
    gone = lab.change_link(LinkWish(("c",), remove=True, write=True))
    text = file.read_text(encoding="utf-8")
    assert (spec.loads(text), [], ()) == (lab.topology, planned(lab), gone.along)
    assert "nodes: {a: {}, d: {address: 3, interface: eth0}}" in text or "nodes: {a: {}, d: 3}" in text
    assert "# the long one" in text


def test_what_runs_in_a_node_ends_with_it(lab: Lab) -> None:
    """Its `run:` and whatever that started; undoing starts it again."""
    lab.node("p", run="sleep 987 & sleep 986")
    lab.link("a", "p")
    assert ["p"] == [one.netns for one in lab.processes()]
    pid = lab.processes()[0].pid
    lab.change_link(LinkWish(("p",), remove=True))
    assert ([], False) == (lab.processes(), Path(f"/proc/{pid}").exists())
    lab.undo()
    assert ["p"] == [one.netns for one in lab.processes()]
    lab.remove("p")
    assert ([], [], False) == (lab.processes(), planned(lab), "p" in lab.topology.namespaces)
    lab.remove("a", "b")
    lab.remove("c", "br0")
    assert ([], 1) == (planned(lab), len(lab.topology.cables))


TWO_WAYS = """\
name: ways
routing: shortest-path
nodes: {r1: {forward: true}, r2: {forward: true}, r3: {forward: true}, a: {}, b: {}}
links:
  - a 10.0.1.2/24 fd00:1::2/64 -- r1 10.0.1.1/24 fd00:1::1/64
  - r1 10.0.12.1/24 fd00:12::1/64 -- r2 10.0.12.2/24 fd00:12::2/64
  - r1 10.0.13.1/24 fd00:13::1/64 -- r3 10.0.13.3/24 fd00:13::3/64
  - r2 10.0.2.1/24 fd00:2::1/64 -- b 10.0.2.2/24 fd00:2::2/64
  - r3 10.0.3.1/24 fd00:3::1/64 -- b 10.0.3.2/24 fd00:3::2/64
"""


def test_one_of_two_ways_goes_and_comes_back(tmp_path: Path) -> None:
    """Of a route of several next hops the kernel drops all (IPv4) or the one (IPv6), and both end up with the way that is left."""
    path = tmp_path / "ways.lab.yaml"
    path.write_text(TWO_WAYS, encoding="utf-8")
    with Lab.load(path) as lab:
        lab.change_link(LinkWish(("b", "r2"), up=False))
        assert lab.check(["ping b -> a", "ping b -> fd00:1::2"]).ok
        lab.undo()
        assert [] == planned(lab)
        lab.change_link(LinkWish(("r2",), remove=True))
        assert lab.check(["ping a -> 10.0.3.2", "ping a -> fd00:3::2", "ping b -> a"]).ok
        lab.undo()
        assert [] == planned(lab)
        lab.remove("r3")
        assert ([], True) == (planned(lab), lab.check(["ping a -> 10.0.2.2", "ping a -> fd00:2::2", "ping b -> a"]).ok)


OTHERS = """\
name: others
nodes: {h1: {role: host}, h2: {role: host}, h3: {role: host}, a: {}, b: {}}
networks:
  under: {subnet: 10.0.0.0/24, nodes: [h1, h2, h3]}
  over: {type: vxlan, subnet: 10.2.0.0/24, nodes: [h1/p, h2/p]}
  flat: {type: macvlan, subnet: 10.3.0.0/24, nodes: [a, b]}
  out: {subnet: 10.4.0.0/24, gateway: 1, nat: masquerade, nodes: [a]}
"""


def test_a_node_that_could_not_go_is_as_it_was(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its links were taken away already when its namespace would not go: they come back, and everybody knows its name."""

    def refuse(_scope: Scope, _names: object) -> None:
        raise KernelError("remove", "node b", 16, "busy")

    before = lab.state()
    with monkeypatch.context() as patch:
        patch.setattr(Scope, "drop", refuse)
        with pytest.raises(BuildError, match="busy") as failed:
            lab.change_link(LinkWish(("b",), remove=True))
    assert "rolled back: the lab is as it was before" == failed.value.help
    assert (before.netns.keys(), [], True) == (lab.state().netns.keys(), planned(lab), lab.check(["ping a -> b", "ping b -> c"]).ok)
    assert "10.0.0.2\tb" in lab["a"].exec("cat /etc/hosts").stdout
    assert lab.current == lab.topology


def test_on_an_overlay_a_macvlan_and_behind_nat(tmp_path: Path) -> None:
    """A node inside a host that was not part of the overlay, one that shares a parent, one that is hidden; and a host goes with its own."""
    path = tmp_path / "others.lab.yaml"
    path.write_text(OTHERS, encoding="utf-8")
    with Lab.load(path) as lab:
        for sentence in ("h3/p -- over", "c -- flat", "d -- out"):
            lab.change_link(LinkWish(add=sentence))
        assert lab.check(["ping h1/p -> h3/p", "ping h3/p -> h2/p", "ping c -> b", "ping d -> world", "ping d -> a"]).ok
        lab.change_link(LinkWish(("h2",), remove=True))
        assert lab.check(["ping h1/p -> h3/p", "ping h3/p -> h1/p"]).ok
        assert {"add node h2", "add node h2/p", "remove node h3/p", "remove node c", "remove node d"} <= set(planned(lab))
        lab.undo()
        assert lab.check(["ping h3/p -> h2/p"]).ok
        lab.change_link(LinkWish(("a",), remove=True))
        lab.up()
        assert ([], True) == (planned(lab), lab.check(["ping h1/p -> h2/p", "ping a -> b", "ping a -> world"]).ok)


def test_a_refused_change_is_rolled_back(lab: Lab) -> None:
    """A route that the other end's address would need is refused by the kernel: nothing is left of the attempt."""
    before = lab.state()
    assert lab["b"].exec("ip address add 10.0.2.9/24 dev lo")
    with pytest.raises((BuildError, UsageError)):
        lab.change_link(LinkWish(add="a 10.0.2.1/24 -- b:lo 10.0.2.2/24"))
    assert before.netns["a"].links == lab.state().netns["a"].links


def test_a_route_that_follows_from_a_gateway_is_not_in_the_way(tmp_path: Path) -> None:
    """The file says nothing of it, so it goes with the place on the network that it followed from; one that it says is in the way."""
    path = tmp_path / "led.lab.yaml"
    path.write_text("name: led\nnetworks:\n  br0: {subnet: 10.1.0.0/24, gateway: 1, nodes: [a, b, c]}\n", encoding="utf-8")
    with Lab.load(path) as running:
        running.change_link(LinkWish(("b", "br0"), remove=True, write=True))
        assert (spec.loads(path.read_text(encoding="utf-8")), []) == (running.topology, planned(running))
