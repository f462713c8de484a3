"""Laws of edits to lab files, whatever the file: comments and unrelated lines stay byte by byte, and what is said is what was meant.

VETHLAB_FUZZ=10000 makes the long run (examples per property), VETHLAB_FUZZ_SEED repeats one.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from vethlab import spec
from vethlab.errors import SpecErrors
from vethlab.model.finding import Command
from vethlab.spec import edit

EXAMPLES = int(os.environ.get("VETHLAB_FUZZ", "200"))
SEED = int(os.environ.get("VETHLAB_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
ROOT = Path(__file__).parents[2]
print(f"edit laws: VETHLAB_FUZZ={EXAMPLES} VETHLAB_FUZZ_SEED={SEED}")


def _loads(text: str) -> bool:
    try:
        return bool(spec.loads(text).nodes)
    except SpecErrors:
        return False


CORPUS = sorted(
    text
    for folder in ("examples", "tests/golden/spec", "tests/golden/edit", "src/vethlab/spec/starters")
    for path in (ROOT / folder).rglob("*.yaml")
    if _loads(text := path.read_bytes().decode()) and len(text) < 3000
)
laws = settings(
    max_examples=EXAMPLES, deadline=None, database=None, print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
comments = st.from_regex(r"# [a-z\[\]{}:,'\"|>&*-]{0,12}", fullmatch=True)
blanks = st.sampled_from(["", "", "", "\n", "\n\n"])


@st.composite
def written(draw: st.DrawFn) -> str:
    """A lab of three nodes, written in a style of its own, with comments wherever one can stand."""
    step, dash = " " * draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from(["- ", "-   "]))

    def line(depth: int, text: str) -> str:
        remark = draw(st.sampled_from(["", "  ", "\t"])) if draw(st.booleans()) else None
        return f"{step * depth}{text}{'' if remark is None else f'{remark or chr(32)}{draw(comments)}'}\n{_above(depth)}"

    def _above(depth: int) -> str:
        return draw(blanks) + (f"{step * depth}{draw(comments)}\n" if draw(st.booleans()) else "")

    def node(name: str) -> Iterator[str]:
        form = draw(st.sampled_from(["", "null", "{}", "flow", "block", "more"]))
        flow = '{forward: true, routes: ["blackhole 10.9.0.0/16"]}'
        if form in {"", "null", "{}", "flow"}:
            yield line(1, f"{name}: {flow if form == 'flow' else form}".rstrip())
            return
        yield line(1, f"{name}:")
        yield line(2, "sysctl:")
        yield line(3, f"net.ipv4.ip_forward: {draw(st.sampled_from(['0', '1', quoted('1')]))}")
        if form == "more":
            yield line(2, "routes:")
            yield from [line(3, f"{dash}blackhole 10.{number}.0.0/16") for number in draw(st.sampled_from([[9], [9, 8], [7, 9, 8]]))]
            yield line(2, "nft: |").partition("#")[0].rstrip() + f"\n{step * 3}table ip t {{\n{step * 3}}}\n"

    def quoted(text: str) -> str:
        return draw(st.sampled_from([f'"{text}"', f"'{text}'"]))

    style = draw(st.sampled_from(["inferred", "flow list", "block list", "mapping"]))
    nodes = {
        "inferred": [],
        "flow list": [line(0, "nodes: [a, b, c]")],
        "block list": [line(0, "nodes:"), *[line(1, f"{dash}{name}") for name in "abc"]],
        "mapping": [line(0, "nodes:"), *[part for name in "abc" for part in node(name)]],
    }[style]
    links = [line(0, "links:"), line(1, f"{dash}a 10.0.0.1/24 -- b:up 10.0.0.2/24"), line(1, f"{dash}{{ends: b -- c, mtu: 1400}}")]
    parts = [[line(0, "name: x")], nodes, links]
    text = "".join(part for whole in draw(st.permutations(parts)) for part in whole)
    text = text if draw(st.booleans()) else text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def _remarks(text: str) -> list[str]:
    """Every comment of a file of `written`, which has no other `#`."""
    return re.findall(r"#[^\r\n]*", text)


def _is_within(lines: list[str], others: list[str]) -> bool:
    """True if the lines stand among the others, in this order."""
    rest = iter(others)
    return all(line in rest for line in lines)


def _law(text: str, line: str, node: str = "a") -> str:
    """Applies one command; checks what holds for every edit."""
    command = Command(node, tuple(line.split()))
    after, said = edit.apply_commands(text, [command])

    assert (after, said) == edit.apply_commands(after, [command])
    assert not said or text == after
    assert spec.loads(after).name == spec.loads(text).name
    return after


@seed(SEED)
@laws
@given(written(), st.sampled_from("abc"), st.sampled_from(["net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter"]), st.sampled_from("012"))
def test_a_setting_is_added_and_nothing_else_changes(text: str, name: str, key: str, value: str) -> None:
    """A sysctl in whatever form `nodes` has: the node has it, all else is as it was, comments and unrelated lines byte by byte."""
    new = _law(text, f"sysctl -w {key}={value}", name)
    before, after = ({node.name: node for node in spec.loads(one).nodes} for one in (text, new))
    mine, was = after.pop(name), before.pop(name)
    unrelated = [line for line in text.splitlines() if re.match(r"\s*(?:#|name: x|table|[^#]*--)", line)]

    assert value == (({"net.ipv4.ip_forward": "1"} if mine.forward else {}) | dict(mine.sysctl))[key]
    assert before == after
    assert replace(was, sysctl=()) == replace(mine, sysctl=())
    assert {key} >= dict({*mine.sysctl} ^ {*was.sysctl}).keys()
    assert new.count("\r") == (new.count("\n") if "\r" in text else 0)
    assert (spec.loads(text).cables, _remarks(text)) == (spec.loads(new).cables, _remarks(new))
    assert _is_within(unrelated, new.splitlines())


@seed(SEED)
@laws
@given(written(), st.sampled_from([7, 8, 9]), st.booleans())
def test_a_route_comes_or_goes_and_nothing_else_changes(text: str, number: int, added: bool) -> None:
    """A route in whatever form: it is there, or is not; every comment stays, and so does every other node."""
    after = _law(text, f"ip route {'add' if added else 'del'} blackhole 10.{number}.0.0/16", "b")
    there = {node.name: {str(route.destination) for route in node.routes} for node in spec.loads(after).nodes}
    before = {node.name: {str(route.destination) for route in node.routes} for node in spec.loads(text).nodes}

    assert (f"10.{number}.0.0/16" in there["b"]) == added
    assert {f"10.{number}.0.0/16"} >= there.pop("b") ^ before.pop("b")
    assert before == there
    assert _remarks(text) == _remarks(after)


@seed(SEED)
@laws
@given(written(), st.sampled_from(["link set dev up mtu 9000", "link set dev eth0 mtu 9000", "address add 10.0.0.9/24 dev up",
                                   "address del 10.0.0.2/24 dev up"]))
def test_a_link_changes_in_its_own_line(text: str, line: str) -> None:
    """An edit of a link touches the line of the link only."""
    before, after = text.split("\n"), _law(text, f"ip {line}", "b").split("\n")

    assert len(before) == len(after)
    assert all("--" in one for one, other in zip(before, after, strict=True) if one != other)
    assert _remarks(text) == _remarks("\n".join(after))


@seed(SEED)
@laws
@given(st.sampled_from(CORPUS), st.data())
def test_any_file_is_edited_or_left_alone(text: str, data: st.DataObject) -> None:
    """Every lab file of the tree, any node and interface of it: the edit proves itself, or the file stays as it was."""
    topology = spec.loads(text)
    ends = [end for cable in topology.cables for end in (cable.left, cable.right)]
    ends += [port.endpoint for network in topology.networks for port in network.ports]
    if not ends:
        return
    end = data.draw(st.sampled_from(ends))
    held = str(end.addresses[0]) if end.addresses else "10.0.0.1/24"
    for line in data.draw(st.lists(st.sampled_from([
        f"sysctl -w net.ipv4.conf.{end.interface.replace('.', '/')}.rp_filter=2", "sysctl -w net.ipv4.ip_forward=1",
        f"ip link set dev {end.interface} mtu 9000", f"ip link set dev {end.interface} address 02:00:00:00:00:99",
        f"ip address del {held} dev {end.interface}", f"ip address add 192.0.2.1/24 dev {end.interface}",
        "ip route add blackhole 192.0.2.0/24", "ip route del default",
    ]), min_size=1, max_size=3)):
        text = _law(text, line, end.node)
