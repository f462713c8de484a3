"""The house rules that a machine can hold: sizes, names, docstrings, nothing of one machine in the tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PYTHON = sorted(path for folder in ("src", "tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py"))
TEXTS = sorted(
    path
    for folder in ("src", "tests", "benchmarks", "docs", "examples", ".ci", ".")
    for path in ((ROOT / folder).glob("*") if folder == "." else (ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix in {".py", ".md", ".toml", ".yaml", ".json", ".txt", ""} and not path.name.startswith(".")
)
NAMES_THAT_EXPLAIN_NOTHING = {"util", "utils", "helper", "helpers", "common", "manager", "base", "misc"}
# Spelt so that this file does not match itself.
ONE_MACHINE = re.compile("|".join(["/wor" + "k/", r"(?<![\w}])/roo" + "t/", "pypi" + r"\.", "python" + "hosted", r"deb\." + "debian"]))


def relative(path: Path) -> str:
    """A path as people name it in this tree."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_are_at_most_300_lines() -> None:
    """A source file that needs more than 300 lines is two files."""
    assert {} == {relative(p): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 300}


def test_functions_are_at_most_40_lines() -> None:
    """A function that needs more than 40 lines is two functions."""
    long = {f"{relative(p)}:{f.name}": n for p in SOURCES for f in functions(p) if (n := (f.end_lineno or 0) - f.lineno + 1) > 40}
    assert {} == long


def test_no_name_explains_nothing() -> None:
    """No file or folder is called utils, helpers, common, manager, base or misc."""
    named = {relative(p): {part.removesuffix(".py") for part in p.relative_to(ROOT).parts} for p in PYTHON}
    assert [] == [path for path, parts in named.items() if parts & NAMES_THAT_EXPLAIN_NOTHING]


@pytest.mark.parametrize("path", [p for p in PYTHON if p.name != "conftest.py"], ids=relative)
def test_modules_say_what_they_are(path: Path) -> None:
    """Every module begins with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_tests_state_their_fact() -> None:
    """Every test has a docstring: the fact it proves."""
    tests = [(p, f) for p in (ROOT / "tests").rglob("test_*.py") for f in functions(p) if f.name.startswith("test")]
    assert [] == [f"{relative(p)}:{f.lineno} {f.name}" for p, f in tests if not ast.get_docstring(f)]


def test_expected_stands_before_actual() -> None:
    """A comparison with a literal reads `expected == actual`, so that every failure reads the same way."""
    turned = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assert) and isinstance(test := node.test, ast.Compare) and isinstance(test.ops[0], ast.Eq):
                left, right = test.left, test.comparators[0]
                if isinstance(right, ast.Constant) and not isinstance(left, ast.Constant):
                    turned.append(f"{relative(path)}:{node.lineno}")
    assert [] == turned


def test_nothing_of_one_machine_is_in_the_tree() -> None:
    """No absolute path of a developer's machine and no host name of a package registry is written anywhere."""
    lines = [(p, i, line) for p in TEXTS for i, line in enumerate(p.read_text(errors="replace").splitlines(), 1)]
    assert [] == [f"{relative(p)}:{i}" for p, i, line in lines if ONE_MACHINE.search(line)]


def test_no_test_sleeps_and_hopes() -> None:
    """Tests wait for events with a deadline; a bare sleep of more than a fifth of a second is a guess."""
    long = re.compile(r"(?:time\.)?sleep\((?:[1-9]|0\.[3-9])")
    calls = [(p, node) for p in (ROOT / "tests").rglob("*.py") for node in ast.walk(ast.parse(p.read_text())) if isinstance(node, ast.Call)]
    assert [] == [f"{relative(p)}:{call.lineno}" for p, call in calls if long.match(ast.unparse(call))]
