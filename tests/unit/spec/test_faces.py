"""What other layers get from the lab file's declarations: schema, words, advice, templates, reports, drafts."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from vethlab import spec
from vethlab.errors import SpecError, SpecErrors, UsageError
from vethlab.spec.keys import NOUNS
from vethlab.spec.mistakes import suggest
from vethlab.spec.reference import markdown
from vethlab.spec.tree import wrap

ROOT = Path(__file__).parents[3]
CANONICAL = sorted((ROOT / "tests/golden/spec").glob("*/expanded.yaml"))


# Where the example of a key can stand; "links." is for all keys of a link that have no line of their own.
AROUND = {
    ".": "name: x\n{}", "name": "{}", "checks": "name: x\nlinks: [a -- b]\n{}",
    "nodes.": "name: x\nlinks: [r 10.0.0.2/24 -- q 10.0.0.1/24]\nnodes:\n  q:\n  r:\n    {}",
    "nodes.publish": "name: x\nnetworks: {br0: {subnet: 10.0.0.0/24, gateway: 1, nodes: [a]}}\nnodes:\n  a:\n    {}",
    "links.": "name: x\nlinks:\n  - {}", "links.mtu": "name: x\nlinks:\n  - ends: a -- b\n    {}",
    **{f"links.{key}": "name: x\nlinks:\n  - ends: a -- b\n    {}" for key in ("rate", "delay", "loss", "tuned")},
    "networks.": "name: x\nnetworks:\n  br0:\n    {}", "networks.gateway": "name: x\nnetworks:\n  br0:\n    subnet: 10.0.0.0/24\n    {}",
    "networks.nat": "name: x\nnetworks:\n  br0:\n    subnet: 10.0.0.0/24\n    gateway: 1\n    {}",
    "networks.nodes": "name: x\nnetworks:\n  br0:\n    subnet: 10.1.0.0/24\n    {}",
    "networks.flows": "name: x\nnetworks:\n  br0:\n    type: ovs\n    {}",
    "networks.datapath": "name: x\nnetworks:\n  br0:\n    type: ovs\n    {}",
    "networks.tags": "name: x\nnetworks:\n  br0:\n    type: ovs\n    nodes: [a, b]\n    {}",
    "networks.on": "name: x\nlinks: [h1 -- h2]\nnetworks:\n  br0:\n    {}",
    **{f"networks.{key}": "name: x\nnetworks:\n  pods:\n    type: vxlan\n    {}" for key in ("vni", "udp_port", "fdb")},
    "networks.isolated": "name: x\nnetworks:\n  br0:\n    nodes: [guest1, guest2]\n    {}",
    "networks.nodes.": "name: x\nnetworks:\n  br0:\n    subnet: 10.0.0.0/24\n    nodes:\n      a:\n        {}",
    "addressing.": "name: x\naddressing:\n  {}",
    "checks.": "name: x\nnodes: [a, b, r1]\nlinks: [a -- b]\nchecks:\n  - ping a -> b:\n      {}",
}


def validator() -> jsonschema.Draft202012Validator:
    """A validator of the published schema."""
    return jsonschema.Draft202012Validator(spec.schema())


def test_the_schema_is_a_schema() -> None:
    """The published document keeps to JSON Schema 2020-12."""
    jsonschema.Draft202012Validator.check_schema(spec.schema())

    assert "https://json-schema.org/draft/2020-12/schema" == json.loads(json.dumps(spec.schema()))["$schema"]


@pytest.mark.parametrize("path", CANONICAL, ids=lambda path: path.parent.name)
def test_canonical_forms_keep_to_the_schema(path: Path) -> None:
    """Schema and reader agree on what a lab file looks like."""
    assert [] == list(validator().iter_errors(yaml.safe_load(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.lab.yaml")), ids=lambda path: path.name)
def test_examples_keep_to_the_schema(path: Path) -> None:
    """What people write keeps to the schema too."""
    assert [] == list(validator().iter_errors(yaml.safe_load(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("document", [{}, {"name": "X"}, {"name": "x", "node": []}, {"name": "x", "networks": {"br0": {"mtu": 5}}}])
def test_the_schema_refuses_what_the_reader_refuses(document: dict[str, Any]) -> None:
    """Missing, wrong and unknown keys are not valid."""
    assert list(validator().iter_errors(document))
    with pytest.raises(SpecErrors):
        spec.loads(json.dumps(document))


def test_every_key_can_be_explained() -> None:
    """Every declared key has a word with a value, a meaning and an example of itself."""
    words = spec.words()

    assert [noun.topic(key) for noun in NOUNS for key in noun.keys] == list(words)
    for place, word in words.items():
        assert word.value
        assert word.meaning.endswith(".")
        assert word.example.startswith(place.rpartition(".")[2] + ":")
    assert ("none", "4789") == (words["networks.nat"].default, words["networks.udp_port"].default)
    assert "Only for networks of type vxlan." in words["networks.vni"].meaning
    assert ("links", "prefix", "loopbacks") == words["addressing"].keys


@pytest.mark.parametrize("place", list(spec.words()))
def test_the_example_of_every_built_key_is_right(place: str) -> None:
    """An example that people copy is accepted where it belongs."""
    example = spec.words()[place].example
    around = AROUND.get(place) or AROUND[place.rpartition(".")[0] + "."]
    indent = " " * len(around[: around.index("{}")].rpartition("\n")[2])
    text = around.replace("{}", example.replace("\n", "\n" + indent))

    assert spec.loads(text).name


def test_the_reference_holds_every_key() -> None:
    """The documentation's tables come from the declarations: a row for each key, four cells each."""
    rows = [line for line in markdown().split("\n") if line.startswith("| `")]

    assert sum(len(noun.keys) for noun in NOUNS) == len(rows)
    assert {5} == {row.replace("\\|", "").count("|") for row in rows}


def test_large_flat_labs_are_advised_to_do_without_ipv6() -> None:
    """Past 300 ports the hint names the network and the key; with `ipv6: none` there is nothing to say."""
    text = "name: x\nnetworks: {br0: {subnet: 10.0.0.0/16, nodes: [h1..301]}}\n"

    assert ["`br0`" in hint and "`ipv6: none`" in hint for hint in spec.hints(spec.loads(text))] == [True]
    assert [] == spec.hints(spec.loads(text + "ipv6: none\n"))


@pytest.mark.parametrize(("nodes", "said"), [
    ("[a, b]", []), ("[a, b, c]", ["node `c` is on no link and no network"]),
    ("[a, b, c, d]", ["node `c` and 1 more are on no link and no network"]),
])
def test_nodes_joined_with_nothing_are_pointed_out(nodes: str, said: list[str]) -> None:
    """A node without any interface is allowed, and mentioned."""
    assert said == spec.hints(spec.loads(f"name: x\nnodes: {nodes}\nlinks: [a -- b]\n"))


@pytest.mark.parametrize("name", spec.template_names())
def test_every_template_is_a_lab(name: str) -> None:
    """What `init` writes comes up as it is."""
    assert spec.loads(spec.template(name)).nodes


def test_the_first_minute_is_three_and_five_lines() -> None:
    """`init pair` writes three lines, `init same-namespace` five."""
    assert (3, 5) == (spec.template("pair").count("\n"), spec.template("same-namespace").count("\n"))


@pytest.mark.parametrize(("name", "helped"), [("brigde", "did you mean `bridge`?"), ("zzz", "templates: pair, ")])
def test_an_unknown_template_is_a_usage_error(name: str, helped: str) -> None:
    """The help names the template that was probably meant, or all of them."""
    with pytest.raises(UsageError) as caught:
        spec.template(name)

    assert caught.value.help.startswith(helped)


def test_a_report_can_be_coloured() -> None:
    """The caller decides on colour, for each role of the text."""
    with pytest.raises(SpecErrors) as caught:
        spec.loads("name: X\n", "x.lab.yaml")

    shown = spec.render(caught.value, lambda role, text: f"<{role}>{text}</{role}>")

    assert ["error", "position", "position", "position", "position", "caret", "help"] == re.findall("<([a-z]+)>", shown)
    assert "<caret>^ not a name</caret>" in shown


@pytest.mark.parametrize(("why", "shown"), [("because", "\n  = why: because"), ("", "")])
def test_a_report_without_a_text_has_no_excerpt(why: str, shown: str) -> None:
    """A mistake in a Draft is told without a place in a file."""
    error = SpecError("wrong", slug="s", path="<python>", line=0, why=why)
    error.where = "<python>"

    assert f"error[s]: wrong\n --> <python>{shown}" == spec.render(SpecErrors([error], path="<python>", text=""))


def test_wide_and_combining_characters_keep_the_caret_in_place() -> None:
    """The caret is measured in columns of a terminal, not in characters."""
    with pytest.raises(SpecErrors) as caught:
        spec.loads("nodes: [e\u0301, 日]\nname: X", "x.lab.yaml")

    lines = [line for line in spec.render(caught.value).split("\n") if "not the name" in line]
    assert ["   |         ^ not the name of a node", "   |            ^^ not the name of a node"] == lines


def test_a_draft_is_a_lab() -> None:
    """Python and text mean the same Topology."""
    draft = (
        spec.Draft("x", ipv6="none").node("r", forward=True)
        .link("a 10.0.0.1/24", "b:up 10.0.0.2/24", mtu=9000).link("c1..2", "r", form="spread")
        .network("br0", subnet="10.1.0.0/24", nodes={"a": 11, "r": IPv4Address("10.1.0.1")}).network("br0", stp=True)
        .check("ping a -> b").check("tcp a -> r:80", expect="blocked")
    )
    text = """
        name: x
        ipv6: none
        nodes: {r: {forward: true}, a: {}, b: {}, c1..2: {}}
        links: [{ends: "a 10.0.0.1/24 -- b:up 10.0.0.2/24", mtu: 9000}, {spread: c1..2 -- r}]
        networks: {br0: {subnet: 10.1.0.0/24, nodes: {a: 11, r: 10.1.0.1}, stp: true}}
        checks: [ping a -> b, {"tcp a -> r:80": blocked}]
        """

    assert spec.loads(text) == draft.topology()
    assert draft.topology() == spec.Draft.of(draft.topology()).topology()


def test_a_mistake_in_a_draft_names_python() -> None:
    """Without a file the place is `<python>`, and every mistake is told."""
    with pytest.raises(SpecErrors) as caught:
        spec.Draft("X").link("a", "b 1").node("c", fwd=True).topology()

    assert [("bad-name", "<python>"), ("unknown-key", "<python>"), ("bad-address", "<python>")] == [
        (error.slug, error.where) for error in caught.value.errors]


@pytest.mark.parametrize("value", [object(), {1}, b"x"])
def test_a_value_that_no_file_can_hold_is_a_usage_error(value: object) -> None:
    """A Draft takes what a file could say."""
    with pytest.raises(UsageError) as caught:
        spec.Draft("x", ipv6=value).topology()

    assert "a lab document cannot hold a" in caught.value.message


def test_a_document_that_holds_itself_is_refused() -> None:
    """Nesting has an end."""
    document: list[object] = []
    document.append(document)
    with pytest.raises(ValueError, match="nests at most"):
        wrap(document)


def test_suggestions_stay_quick_among_many_names() -> None:
    """Among thousands of names only those with the same first letter are compared."""
    assert "node77" == suggest("node77x", ["node77", *(f"other{number}" for number in range(3000))])


def test_only_the_first_mistakes_of_a_file_are_compared_with_all_names() -> None:
    """A file with hundreds of wrong names is answered at once; the later ones get the plain help."""
    text = "name: x\nnodes: [node1..400]\nlinks:\n" + "".join(f"  - nod{number} -- node1\n" for number in range(1, 101))
    with pytest.raises(SpecErrors) as caught:
        spec.loads(text)

    assert ["did you mean `node1`?", "add `nod100` to `nodes`"] == [caught.value.errors[0].help, caught.value.errors[-1].help]


def test_canonical_text_is_safe_for_readers_of_yaml_1_1() -> None:
    """What old readers take for booleans, octal or sexagesimal numbers is quoted."""
    text = spec.to_yaml(spec.loads("name: no\nlinks: ['010 -- on']\n"))

    assert ({"010": {"forward": False}, "on": {"forward": False}}, "no") == (yaml.safe_load(text)["nodes"], yaml.safe_load(text)["name"])


@pytest.mark.parametrize("ruleset", [
    "table ip t {}\n", "table ip t {}", "table ip t {\n\tchain c {}\n}\n", "table ip t {}  \n", " table ip t {}\n", "table ip t {}\n\n",
    "a\x85b", "a\u2028b", "a\\b\"c'", "# é\ntable ip t {}\n", "a \nb",
])
def test_any_ruleset_survives_the_canonical_form(ruleset: str) -> None:
    """Block and quoted scalars give back every character."""
    lab = spec.Draft("x").node("a", nft=ruleset).topology()

    assert ruleset == spec.loads(spec.to_yaml(lab)).nodes[0].nft


def test_a_loaded_lab_with_loopbacks_has_room_for_another_node() -> None:
    """The canonical loopback prefix is not cut to the nodes that are there."""
    lab = spec.loads("name: x\nnodes: [a1..6]\naddressing: {loopbacks: [10.9.0.0/24, 'fd00:9::/64']}\n")

    assert ("10.9.0.7/32", "fd00:9::7/128") == tuple(map(str, spec.Draft.of(lab).node("b").topology().nodes[-1].loopbacks))


def test_loopbacks_at_odd_places_come_back() -> None:
    """A loopback prefix that begins anywhere, even at zero, hands out the same addresses again."""
    for prefix, count in (("10.9.0.6/31", 1), ("0.0.0.0/8", 3), ("10.8.0.0/16", 300), ("10.9.0.8/29", 6)):
        lab = spec.loads(f"name: x\nnodes: [a1..{count}]\naddressing: {{loopbacks: {prefix}}}\n")

        assert lab == spec.loads(spec.to_yaml(lab))
