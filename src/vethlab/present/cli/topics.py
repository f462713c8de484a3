"""What `explain` knows: exit codes, errors by slug, every key of a lab file (from `spec`), and the kernel's words (kernel_words.py).

Rule of the file: one entry a word; a slug that an error carries has its page here. Findings, sysctls and drop reasons are loaded only for
a word that is none of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vethlab.present.cli.slugs import SLUGS

if TYPE_CHECKING:
    from vethlab.spec.reference import Word

__all__ = ["EXIT_CODES", "SLUGS", "Topic", "everything", "find", "near", "topics", "words"]


class Topic(NamedTuple):
    """One page: the word, what sort of word it is, and text in paragraphs."""

    word: str
    kind: str
    text: str


EXIT_CODES: dict[int, tuple[str, str]] = {
    0: ("done", "What was asked is done: the lab is up, every check passes, there is no difference."),
    1: ("the network said no", "A check or a packet that `why` or `trace` followed failed, or `plan --exit-code` found changes. No error."),
    2: ("usage or lab file", "The arguments or the lab file are wrong, or ask for what is not built yet. Nothing was touched."),
    3: ("the machine lacks something", "A privilege, a kernel feature or a tool is missing: see `vethlab doctor`."),
    4: ("no such thing", "No lab, node or interface of that name. `vethlab ls` lists labs, `vethlab show` their nodes."),
    5: ("failed and rolled back", "A change failed half-way; the lab is as it was before. The message says what the kernel refused."),
    70: ("our bug", "vethlab failed in a way it should not. A report with the traceback was written; its name is in the message."),
    130: ("interrupted", "Ctrl-C or SIGTERM: what was begun was undone."),
}

def topics() -> dict[str, Topic]:
    """Every topic by its word."""
    from vethlab import spec

    found = {slug: Topic(slug, "error", text) for slug, text in SLUGS.items()}
    for word, key in spec.words().items():
        also = f"\n\nAs an error: {found[word].text}" if word in found else ""
        found[word] = Topic(word, "lab file", _page(key) + also)
    found["exit-codes"] = Topic("exit-codes", "exit code", "\n".join(f"{code:>4}  {short}" for code, (short, _) in EXIT_CODES.items()))
    found |= {str(code): Topic(str(code), "exit code", f"{short}\n\n{text}") for code, (short, text) in EXIT_CODES.items()}
    return found


def find(word: str) -> list[Topic]:
    """The pages for a word: itself, else every key that ends with it (`subnet` finds `networks.subnet`), else the kernel's word."""
    known = topics()
    plain = word.strip().strip("`").lower()
    plain = "exit-codes" if plain in {"exit", "exit-code", "exitcodes", "exit codes"} else plain
    if plain in SLUGS:  # some findings are called like the mistake in a lab file that would cause them
        from vethlab.present.cli.kernel_words import finding

        return [known[plain], *finding(plain)]
    if plain in known:
        return [known[plain]]
    found = [topic for name, topic in known.items() if name.rsplit(".", 1)[-1] == plain]
    if not found:
        from vethlab.present.cli import kernel_words

        found = kernel_words.find(word.strip().strip("`"))
    return found


def everything() -> list[Topic]:
    """Every page, the kernel's words after all others."""
    from vethlab.present.cli.kernel_words import all_topics

    return [*topics().values(), *all_topics()]


def words() -> dict[str, list[str]]:
    """Every word that has a page, by its kind."""
    from vethlab.present.cli.kernel_words import names

    found: dict[str, list[str]] = {}
    for topic in topics().values():
        found.setdefault(topic.kind, []).append(topic.word)
    return found | names()


def near(word: str) -> list[str]:
    """Words that look like it."""
    from difflib import get_close_matches

    known = [name for kind in words().values() for name in kind]
    by_last = {name.rsplit(".", 1)[-1].lower(): name for name in reversed(known)}
    return list(dict.fromkeys(by_last.get(match, match) for match in get_close_matches(word.lower(), [*known, *by_last], n=3, cutoff=0.6)))


def _page(key: Word) -> str:
    """A key's meaning, then what its value may be, in aligned lines."""
    rows = [("value", key.value), ("without", key.default), ("example", key.example), ("keys", ", ".join(key.keys))]
    lines = [f"  {title:<8} {line}" for title, text in rows if text for line in text.splitlines()]
    return "\n".join([key.meaning, *lines])
