"""Lines of an nftables ruleset, one rule a line. Enters: a ruleset as text, a chain, a rule. Leaves: the text with one line changed.

Rule of the file: what cannot be told from the text alone is Unsaid. A rule that goes becomes a comment: what somebody wrote stays
readable, and can be put back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vethlab.spec.layout import Unsaid

_HIDDEN = re.compile(r'"[^"\n]*"|#[^\n]*')  # strings and comments: braces in them mean nothing
_COUNTED = re.compile(r"\bcounter packets \d+ bytes \d+")  # as the kernel shows a counter, however the file has it
_BRACE = re.compile(r"([^{};]*)\{|\}")


def comment_out(ruleset: str, chain: str, rule: str) -> str:
    """The rule of a chain, `family table name`, as a comment. A ruleset without this chain stays as it is."""
    lines = ruleset.splitlines(keepends=True)
    inside = [number for number, where in enumerate(_chains(lines)) if where == chain]
    if not inside:
        return ruleset
    found = [number for number in inside if _words(lines[number]) == _words(rule)]
    if not found and any(_words(lines[number].lstrip(" \t#")) == _words(rule) for number in inside):
        return ruleset  # a comment already
    if len(found) != 1:
        times = "more than once" if found else "on no line of its own, in these words,"
        raise Unsaid(f"the rule `{rule}` stands {times} in `{chain}` of the lab file")
    line = lines[found[0]]
    margin = len(line) - len(line.lstrip())
    lines[found[0]] = f"{line[:margin]}# {line[margin:]}"
    return "".join(lines)


def insert(ruleset: str, chain: str, rule: str) -> str:
    """A further rule at the end of a chain."""
    lines = ruleset.splitlines(keepends=True)
    inside = [number for number, where in enumerate(_chains(lines)) if where == chain]
    if not inside:
        raise Unsaid(f"the lab file has no chain `{chain}` of its own lines")
    last = inside[-1]
    if not lines[last].lstrip().startswith("}"):
        raise Unsaid(f"the chain `{chain}` does not end on a line of its own in the lab file")
    if any(_words(lines[number]) == _words(rule) for number in inside):
        return ruleset
    before = lines[last - 1]
    content = before.lstrip()
    margin = before[: len(before) - len(content)] if last - 1 in inside and content else f"{lines[last][: -len(lines[last].lstrip())]}  "
    ending = before[len(before.rstrip("\r\n")) :]
    lines.insert(last, f"{margin}{rule}{ending}")
    return "".join(lines)


def _words(line: str) -> str:
    """A rule without what makes no other rule of it: its comment, its spacing, what its counter has counted."""
    return _COUNTED.sub("counter", " ".join(line.partition("#")[0].rstrip().removesuffix(";").split()))


def _chains(lines: list[str]) -> Iterator[str]:
    """The chain in which each line begins, `family table name`; empty outside of chains."""
    opened: list[list[str]] = []
    for line in lines:
        yield _name(opened)
        for brace in _BRACE.finditer(_HIDDEN.sub("", line)):
            if brace[1] is not None:
                opened.append(brace[1].split())
            else:
                del opened[-1:]


def _name(opened: list[list[str]]) -> str:
    if len(opened) != 2 or opened[0][:1] != ["table"] or opened[1][:1] != ["chain"]:
        return ""
    table, chain = opened[0][1:], opened[1][1:]
    return " ".join([*(["ip", *table] if len(table) == 1 else table), *chain])  # nft(8): without a family it is ip
