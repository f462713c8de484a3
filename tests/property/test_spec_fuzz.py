"""Lab files that nobody would write: whatever the text, the answer is a Topology or a list of mistakes, never a traceback.

VETHLAB_FUZZ=10000 makes the long run (examples per property), VETHLAB_FUZZ_SEED repeats one; the seed is shown when a property fails and,
with -s, at the start.
"""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st

from vethlab import spec
from vethlab.errors import SpecErrors, UsageError
from vethlab.model.topology import Topology
from vethlab.spec.keys import NOUNS
from vethlab.spec.tree import file_lines

EXAMPLES = int(os.environ.get("VETHLAB_FUZZ", "200"))
SEED = int(os.environ.get("VETHLAB_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
ROOT = Path(__file__).parents[2]
CORPUS = sorted(
    path.read_text(encoding="utf-8")
    for folder in ("examples", "tests/golden/spec", "tests/golden/errors", "src/vethlab/spec/starters")
    for path in (ROOT / folder).rglob("*.yaml")
)
WORDS = sorted({word for text in CORPUS for word in re.findall(r"\S+|\n +", text) if len(word) < 40})
CUTS = [re.split(r"([\s,{}\[\]:]+)", text) for text in CORPUS if len(text) < 4000]
SIGNS = ["\n", "\n  ", ": ", "- ", "[", "]", "{", "}", "&a", "*a", "!!int ", "|\n"]
KEYS = sorted({key for noun in NOUNS for key in noun.keys} | {"a", "b", "br0", "br1", "ping a -> b", "net.ipv4.ip_forward", "h1..3"})
print(f"spec fuzz: VETHLAB_FUZZ={EXAMPLES} VETHLAB_FUZZ_SEED={SEED}")

fuzz = settings(
    max_examples=EXAMPLES, deadline=None, database=None, print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 300), st.integers(), st.floats(allow_nan=False), st.sampled_from(WORDS),
    st.sampled_from([
        "a", "b", "a -- b", "a 10.0.0.1/24 -- b 10.0.0.2/24", "h1..3 -- a", "10.1.0.0/24", "fd00::/64", "10.1.0.5", "5ms", "ok",
    ]),
    st.text(max_size=12), st.from_regex(r"[a-c][0-9]?(:eth[01])? (-- [a-c])?( 10\.0\.[01]\.[0-9]/(24|30|31))*", fullmatch=True),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=4)), inner, max_size=6),
    ),
    max_leaves=25,
)
prefixes = st.sampled_from(["10.1.0.0/24", "10.1.0.0/29", "10.2.0.0/31", "fd00:1::/64", "10.255.0.0/16"])
node_names = st.sampled_from(["a", "b", "c", "r1", "h1..3", "r01..02"])
labs = st.fixed_dictionaries(
    {"name": st.just("x")},
    optional={
        "nodes": st.dictionaries(node_names, st.fixed_dictionaries({}, optional={
            "forward": st.booleans(), "run": st.text(min_size=1, max_size=20), "nft": st.text(min_size=1, max_size=20),
            "routes": st.lists(st.sampled_from(["default via 10.1.0.1", "10.9.0.0/16 dev eth0", "blackhole 10.8.0.0/16"]), max_size=2),
            "sysctl": st.just({"net.ipv4.conf.all.rp_filter": 1}), "private": st.just(["/srv"])}), max_size=4),
        "links": st.lists(st.one_of(
            st.builds("{}{} -- {}{}".format, st.sampled_from("abc"), st.sampled_from(["", ":e0", " 10.3.0.1/24"]), st.sampled_from("abc"),
                      st.sampled_from(["", ":e1", " 10.3.0.2/24"])),
            st.builds(lambda form, a, b, mtu: {form: f"{a} -- {b}", "mtu": mtu}, st.sampled_from(["mesh", "zip", "spread"]), node_names,
                      node_names, st.sampled_from([68, 1280, 1500, 9000])),
        ), max_size=5),
        "networks": st.dictionaries(st.sampled_from(["br0", "br1", "p-a"]), st.fixed_dictionaries({}, optional={
            "subnet": st.one_of(prefixes, st.lists(prefixes, max_size=2)), "gateway": st.one_of(st.integers(0, 4), st.just("10.1.0.1")),
            "nodes": st.one_of(st.lists(node_names, max_size=3), st.dictionaries(node_names, st.one_of(
                st.none(), st.integers(0, 9), st.just({"interface": "e5", "mac": "02:00:00:00:00:01"})), max_size=3)),
            "stp": st.booleans(), "mtu": st.sampled_from([1280, 9000]), "isolated": st.just(["a"])}), max_size=3),
        "addressing": st.fixed_dictionaries({}, optional={
            "links": prefixes, "prefix": st.integers(24, 31), "loopbacks": st.one_of(prefixes, st.just(["10.7.0.0/24", "fd07::/64"]))}),
        "checks": st.lists(st.one_of(st.sampled_from(["ping all -> all", "ping a -> b", "tcp a -> b:80"]), st.builds(
            lambda sample, within: {"udp a -> b:53": {"sample": sample, "within": within}}, st.integers(1, 9),
            st.builds("{}{}".format, st.floats(0.001, 3000).map(lambda x: f"{x:.6f}"), st.sampled_from(["us", "ms", "s"])))), max_size=3),
        "ipv6": st.sampled_from(["link-local", "none"]),
        "routing": st.sampled_from(["none", "shortest-path"]),
    },
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A file of the corpus with some words replaced, removed, doubled or swapped."""
    words = list(draw(st.sampled_from(CUTS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(words) - 1))
        kind = draw(st.integers(0, 4))
        if kind == 0:
            words[at] = draw(st.sampled_from(WORDS))
        elif kind == 1:
            words[at] = ""
        elif kind == 2:
            words.insert(at, words[draw(st.integers(0, len(words) - 1))])
        elif kind == 3:
            words[at] = draw(st.text(max_size=5))
        else:
            other = draw(st.integers(0, len(words) - 1))
            words[at], words[other] = words[other], words[at]
    return "".join(words)


def law(text: str) -> Topology | None:
    """Reads a text; checks what holds for every Topology and every list of mistakes."""
    try:
        topology = spec.loads(text, "x.lab.yaml")
    except SpecErrors as errors:
        spec.render(errors)
        for error in errors.errors:
            assert error.message
            assert 1 <= error.line <= len(file_lines(text))
            assert error.column >= 1
        return None
    assert topology == spec.loads(spec.to_yaml(topology))
    json.dumps(spec.expand(topology))
    spec.hints(topology)
    return topology


@seed(SEED)
@fuzz
@given(mutated())
def test_mutated_files_load_or_are_told_their_mistakes(text: str) -> None:
    """A damaged lab file never raises anything but SpecErrors, and what loads survives its canonical form."""
    law(text)


@seed(SEED)
@fuzz
@given(documents)
def test_random_documents_load_or_are_told_their_mistakes(document: Any) -> None:
    """Any JSON document, which is YAML too, is a lab or a list of mistakes."""
    law(json.dumps(document, ensure_ascii=False))


@seed(SEED)
@fuzz
@given(st.one_of(st.text(), st.lists(st.sampled_from([*WORDS, *SIGNS])).map("".join)))
@example("\ud800")
@example("[" * 100_000)
@example("a: " * 50_000)
@example("\n".join(f"{' ' * depth}a:" for depth in range(5_000)))
@example("name: " + "9" * 10_000)
@example("\0")
@example("\x07name: x")
@example("? [")
@example("---")
@example("name: &a [*a]")
def test_random_text_loads_or_is_told_its_mistakes(text: str) -> None:
    """Any text at all is answered."""
    law(text)


@seed(SEED)
@fuzz
@given(labs)
def test_plausible_labs_survive_their_canonical_form(document: dict[str, Any]) -> None:
    """Labs as people write them, many of them right, come back equal from the canonical form; Python and text mean the same."""
    from_text = law(json.dumps(document))
    draft = spec.Draft("x")
    draft.lab = document
    if from_text is not None:
        assert from_text == draft.topology()
        assert from_text == spec.Draft.of(from_text).topology()


@seed(SEED)
@fuzz
@given(st.binary(max_size=200))
def test_random_bytes_are_told_their_mistakes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """A file of any bytes is answered with a place in it."""
    path = tmp_path_factory.getbasetemp() / "x.lab.yaml"
    path.write_bytes(content)
    try:
        spec.load(str(path))
    except SpecErrors as errors:
        spec.render(errors)


@seed(SEED)
@fuzz
@given(documents)
def test_random_python_documents_are_told_their_mistakes(document: Any) -> None:
    """A Draft of any values never raises anything but SpecErrors and UsageError."""
    draft = spec.Draft("x")
    draft.lab["links"] = draft.lab["nodes"] = draft.lab["networks"] = document
    try:
        draft.topology()
    except (SpecErrors, UsageError) as caught:
        answer: SpecErrors | UsageError = caught
    else:
        return
    if isinstance(answer, UsageError):
        assert "lab document" in answer.message
    else:
        spec.render(answer)
        assert all(error.where == "<python>" for error in answer.errors)
