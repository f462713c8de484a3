"""Files and YAML: what a scalar means, what is refused, how files are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vethlab import spec
from vethlab.errors import SpecErrors, UsageError
from vethlab.spec import read
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.tree import Item

ROOT = Path(__file__).parents[3]
SHARED = sorted((ROOT / "examples").glob("*.lab.yaml"))


def parsed(text: str) -> Item:
    """The tree of a text."""
    return read.parse(text, Mistakes("x.lab.yaml", text))


def refused(text: str) -> SpecErrors:
    """The mistakes of a text."""
    with pytest.raises(SpecErrors) as caught:
        spec.loads(text, "x.lab.yaml")
    return caught.value


@pytest.mark.parametrize(("text", "value"), [
    ("no", "no"), ("on", "on"), ("yes", "yes"), ("22:22", "22:22"), ("2001:20", "2001:20"), ("010", "010"), ("0o10", 8),
    ("0x1F", 31),
    ("12:34:56:78:9a:bc", "12:34:56:78:9a:bc"),
    ("12:34:56:12:34:56", "12:34:56:12:34:56"), ("1_000", "1_000"), ("2026-01-01", "2026-01-01"),
    ("true", True), ("False", False), ("~", None), ("null", None), ("", None), ("-5", -5), ("+5", 5), ("0", 0), ("00", "00"), (".5", 0.5),
    ("1.", 1.0), ("1e3", 1000.0), (".inf", float("inf")), ("-.INF", float("-inf")),
    ("9" * 21, "9" * 21), ("=", "="), ("<<", "<<"),
])
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    """The resolver is the core schema's, not PyYAML's YAML 1.1; numbers with leading zeros are text."""
    assert value == read.scalar(text)
    assert type(value) is type(read.scalar(text))


def test_not_a_number_is_a_number() -> None:
    """`.nan` is a float of the core schema."""
    assert isinstance(read.scalar(".nan"), float)


def test_positions_count_characters_from_one() -> None:
    """A key after a character of several bytes still has the column that an editor shows."""
    root = parsed("é: {b: 'x'}\n")
    inner = root.mapping()["é"]  # type: ignore[index]

    assert (1, 1) == (root.keys["é"].line, root.keys["é"].column)
    assert (1, 5, 1) == (inner.keys["b"].line, inner.keys["b"].column, inner.keys["b"].width)
    assert (1, 8, 3, 1) == (inner.mapping()["b"].line, inner.mapping()["b"].column, inner.mapping()["b"].width,  # type: ignore[index]
                            inner.mapping()["b"].inset)  # type: ignore[index]


@pytest.mark.parametrize("text", ['a: "b\\tc"', "a: |\n  b\n", "a: 'it''s'", "a: b\n  c\n"])
def test_text_that_is_not_written_as_it_reads_has_no_inset(text: str) -> None:
    """Escapes, block scalars and folded lines leave the caret under the whole value."""
    assert -1 == parsed(text).mapping()["a"].inset  # type: ignore[index]


def test_an_alias_has_its_own_place() -> None:
    """A mistake in an aliased value is told where the alias stands."""
    aliased = parsed("a: &x 5\nb: *x\n").mapping()["b"]  # type: ignore[index]

    assert (5, 2, 4) == (aliased.value, aliased.line, aliased.column)


def test_the_python_parser_gives_the_same_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libyaml a lab file means the same."""
    text = (ROOT / "tests/golden/spec/yaml-1-2/input.lab.yaml").read_text(encoding="utf-8")
    fast = spec.loads(text)
    monkeypatch.setattr(read, "_Parser", yaml.SafeLoader)

    assert fast == spec.loads(text)


def test_a_control_character_is_told_with_its_place() -> None:
    """YAML allows no control characters; the reader knows only their position."""
    error = refused("name: x\nnodes: [a\x07]\n").errors[0]

    assert ("yaml-syntax", 2, 10) == (error.slug, error.line, error.column)


def test_a_complaint_without_a_place_is_told_at_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """A YAML error that carries neither mark nor position is still an answer."""
    class Broken:
        def __init__(self, text: str) -> None:
            raise yaml.YAMLError(text)

    monkeypatch.setattr(read, "_Parser", Broken)
    error = refused("name: x").errors[0]

    assert ("yaml-syntax", 1, 1) == (error.slug, error.line, error.column)


def test_a_lone_surrogate_is_not_utf8() -> None:
    """Text that cannot be written as UTF-8 is told so."""
    assert "not-utf8" == refused("name: \ud800").errors[0].slug


def test_a_huge_text_is_refused() -> None:
    """A text over the limit is not even parsed."""
    assert "too-large" == refused("#" * (read.MAX_BYTES + 1)).errors[0].slug


def test_an_unclosed_bracket_is_told_where_it_opens() -> None:
    """What is missed at the end of the file was opened further up."""
    error = refused("name: x\nnodes: [a, b\n\n").errors[0]

    assert (2, 8) == (error.line, error.column)


def test_a_place_past_the_last_line_is_its_end() -> None:
    """No message points behind the file."""
    error = refused("? [").errors[0]

    assert (1, 4) == (error.line, error.column)


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.name)
def test_every_example_loads(path: Path) -> None:
    """The examples are labs."""
    assert spec.load(str(path)).nodes


def test_a_file_is_read_with_its_path(tmp_path: Path) -> None:
    """Messages and the Topology name the file; a byte order mark is not part of the text."""
    path = tmp_path / "x.lab.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\nlinks: [a -- b]\n")

    assert str(path) == spec.load(str(path)).source


def test_bytes_that_are_not_utf8_are_told_with_their_place(tmp_path: Path) -> None:
    """The first byte that begins no character is named."""
    path = tmp_path / "x.lab.yaml"
    path.write_bytes("name: é".encode() + b"\nnodes: \xff\n")
    with pytest.raises(SpecErrors) as caught:
        spec.load(str(path))

    assert ("not-utf8", f"{path}:2:8") == (caught.value.slug, caught.value.where)


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    """A file over the limit is not read to its end."""
    path = tmp_path / "x.lab.yaml"
    path.write_bytes(b"#" * (read.MAX_BYTES + 1))
    with pytest.raises(SpecErrors) as caught:
        spec.load(str(path))

    assert "too-large" == caught.value.slug


@pytest.mark.parametrize("name", ["missing.lab.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    """A missing file and a directory are answered with exit code 2 and the system's reason."""
    with pytest.raises(UsageError) as caught:
        spec.load(str(tmp_path / name))

    assert ("no-lab-file", 2) == (caught.value.slug, caught.value.exit_code)


def test_the_only_lab_file_of_a_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One *.lab.yaml is the lab; other files do not count."""
    (tmp_path / "x.lab.yaml").touch()
    (tmp_path / "y.yaml").touch()
    monkeypatch.chdir(tmp_path)

    assert str(tmp_path / "x.lab.yaml") == spec.find(str(tmp_path))
    assert "x.lab.yaml" == spec.find()


@pytest.mark.parametrize(("names", "slug", "message"), [
    ([], "no-lab-file", "there is no *.lab.yaml in"), (["b.lab.yaml", "a.lab.yaml"], "several-lab-files", "a.lab.yaml, b.lab.yaml"),
])
def test_no_or_several_lab_files_are_a_usage_error(tmp_path: Path, names: list[str], slug: str, message: str) -> None:
    """Without one lab file there is no guess: several are listed."""
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UsageError) as caught:
        spec.find(str(tmp_path))

    assert slug == caught.value.slug
    assert message in caught.value.message


def test_a_directory_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    """A directory that is not there holds no lab file."""
    with pytest.raises(UsageError) as caught:
        spec.find(str(tmp_path / "missing"))

    assert "no-lab-file" == caught.value.slug


def test_an_unknown_name_of_the_layer_is_an_attribute_error() -> None:
    """`vethlab.spec` has the names it declares and no others."""
    module: Any = spec
    with pytest.raises(AttributeError):
        module.nothing  # noqa: B018 - the access is the test
