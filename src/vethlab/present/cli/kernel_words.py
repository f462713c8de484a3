"""Pages of `explain` on findings, sysctls and the kernel's drop reasons, put together from what is declared in vethlab.explain.

Enters: a word; leave: topics. Rule of the file: loaded only for a word that is nothing older; it composes and says nothing of its own.
A drop reason that one finding names has no page but the finding's.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from vethlab.explain import reasons, sysctls
from vethlab.explain.declaration import Declaration
from vethlab.explain.findings import declarations, declared, slugs
from vethlab.present.cli.topics import Topic

__all__ = ["FINDING", "REASON", "SYSCTL", "all_topics", "find", "finding", "names"]

FINDING, SYSCTL, REASON = "finding", "sysctl", "drop reason"
WIDTH, INDENT = 100, 14


def find(word: str) -> list[Topic]:
    """The pages for a word: a finding's; a sysctl's and that of the finding it leads to; a drop reason's finding."""
    found = finding(word.strip().lower())
    if found:
        return found
    settings = sysctls.find(word)
    if settings:
        leads = dict.fromkeys(one.finding for one in settings if one.finding)
        return [*(sysctl_topic(one) for one in settings), *(topic for slug in leads for topic in finding(slug))]
    reason = reasons.find(word)
    if reason is None:
        return []
    leads = dict.fromkeys(slug for slug, one in declarations().items() if reason.name in one.reasons)
    if len(leads) == 1:
        return finding(next(iter(leads)))
    return [reason_topic(reason, list(leads)), *finding(reason.finding)]


def finding(slug: str) -> list[Topic]:
    """The page of a finding, loading nothing but that one."""
    one = declared(slug)
    return [] if one is None else [Topic(slug, FINDING, "\n".join(_finding_page(one)))]


def names() -> dict[str, list[str]]:
    """Every word by its kind."""
    return {FINDING: list(slugs()), SYSCTL: list(sysctls.leaves()), REASON: list(reasons.reasons())}


def all_topics() -> Iterator[Topic]:
    """Every page."""
    for slug in declarations():
        yield from finding(slug)
    yield from map(sysctl_topic, sysctls.sysctls())
    for reason in reasons.reasons().values():
        yield reason_topic(reason, [slug for slug, one in declarations().items() if reason.name in one.reasons])


def sysctl_topic(one: sysctls.Sysctl) -> Topic:
    """The page of a sysctl, called by its leaf, or by its key where two have the same leaf."""
    shows = f"{one.check} {'passes' if one.passes else 'fails'}, and without that sysctl it {'fails' if one.passes else 'passes'}"
    rows = [
        ("key", f"{one.key}{' (IF: an interface, or all)' if one.each else ''}"),
        *(("values" if not number else "", f"{value}  {meaning}") for number, (value, meaning) in enumerate(one.values)),
        ("default", one.default), ("counts", sysctls.RULES[one.rule]), ("raises", one.raises), ("leads to", one.finding or "no finding"),
    ]
    shown = ("shows", shows if one.check else one.look)
    text = "\n".join([one.what, "", *_rows(rows), *_block("lab", one.lab.splitlines()), *_rows([shown, ("more", one.link)])])
    return Topic(one.leaf if len(sysctls.find(one.leaf)) == 1 else one.key, SYSCTL, text)


def reason_topic(reason: reasons.Reason, leads: list[str]) -> Topic:
    """The page of a drop reason that belongs to no finding alone."""
    rows = [("note", reason.note), ("leads to", ", ".join(leads))]
    return Topic(reason.name, REASON, "\n".join([reason.sentence, *_rows((title, text) for title, text in rows if text)]))


def _finding_page(one: Declaration) -> Iterator[str]:
    yield from (one.sentence, "", one.means, "")
    yield from _rows([("decided by", one.decided_by)])
    yield from _rows(("mended by" if not number else "", f"{number + 1}. {text}") for number, text in enumerate(one.mended_by))
    yield from _rows([("sysctls", ", ".join(one.sysctls))] if one.sysctls else [])
    for number, name in enumerate(one.reasons):
        reason = reasons.reasons()[name]
        yield from _rows([("reasons" if not number else "", f"{name}: {reason.sentence}{f' ({reason.note})' if reason.note else ''}")])
    yield from _block("lab", one.lab.splitlines())
    yield from _block("then", [f"vethlab exec {line.replace(': ', ' -- ', 1)}" for line in one.breaks])
    if one.asks:
        outcome = "passes, with a warning about" if one.passes else "fails because of"
        yield from _rows([("ask", f"vethlab why {' '.join(one.asks)}"), ("", f"The probe {outcome} {one.where}.")])


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """`title  text` with the text in a column; a line too long goes on below its beginning."""
    for title, text in rows:
        yield textwrap.fill(
            text, WIDTH, initial_indent=f"  {title:<{INDENT - 2}}", subsequent_indent=" " * INDENT, break_on_hyphens=False,
            break_long_words=False,
        )


def _block(title: str, lines: list[str]) -> Iterator[str]:
    """Lines to copy, as they are."""
    for number, line in enumerate(lines):
        yield f"  {title if not number else '':<{INDENT - 2}}{line}"
