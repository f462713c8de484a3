"""What `explain` knows: exit codes, errors by slug, and every key of a lab file (those come from `spec`).

Rule of the file: one entry a word; a slug that an error carries has its page here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["EXIT_CODES", "SLUGS", "Topic", "find", "near", "topics"]


class Topic(NamedTuple):
    """One page: the word, what sort of word it is, and text in paragraphs."""

    word: str
    kind: str
    text: str


EXIT_CODES: dict[int, tuple[str, str]] = {
    0: ("done", "What was asked is done: the lab is up, every check passes, there is no difference."),
    1: ("the network said no", "A check failed, or `plan --exit-code` found something to change. vethlab itself worked."),
    2: ("usage or lab file", "The arguments or the lab file are wrong, or ask for what is not built yet. Nothing was touched."),
    3: ("the machine lacks something", "A privilege, a kernel feature or a tool is missing: see `vethlab doctor`."),
    4: ("no such thing", "No lab, node or interface of that name. `vethlab ls` lists labs, `vethlab show` their nodes."),
    5: ("failed and rolled back", "A change failed half-way; the lab is as it was before. The message says what the kernel refused."),
    70: ("our bug", "vethlab failed in a way it should not. A report with the traceback was written; its name is in the message."),
    130: ("interrupted", "Ctrl-C or SIGTERM: what was begun was undone."),
}

SLUGS: dict[str, str] = {
    "usage": "The arguments do not fit the command. `-h` after a command shows how it is used.",
    "unknown-command": "There is no such command. `vethlab --help` lists them.",
    "not-built-yet": "The lab file or the command line asks for something that vethlab cannot do yet. It is refused, not ignored, "
                     "so that a lab is never less than its file says. Take the key out, or wait for the release that has it.",
    "no-lab-file": "Without a FILE, the directory's only *.lab.yaml is meant, and there is none. `vethlab init` writes one.",
    "several-lab-files": "Without a FILE, the directory's only *.lab.yaml is meant, and there are several. Name one.",
    "which-lab": "Several labs are running and none was named. Give its name, or -l LAB, or be in a directory with one lab file.",
    "no-lab": "No lab of that name is running. A lab ends with `vethlab down`, with its keeper process, and with the machine.",
    "not-found": "There is no lab, node or interface of that name.",
    "no-such-node": "The lab has no node of that name. `vethlab show` lists them; `host` is the lab's own machine, where its bridges are.",
    "file": "A file could not be read or written; the message holds the system's own words.",
    "file-exists": "`init` never overwrites a file. Give another name, or remove the file yourself.",
    "host": "The machine lacks a privilege, a kernel feature or a tool: `vethlab doctor` says which, what it costs, and how to get it.",
    "not-root": "Root mode needs CAP_SYS_ADMIN and CAP_NET_ADMIN. Most labs work without root: leave --root away.",
    "lab": "The lab is in a state that forbids what was asked.",
    "not-up": "The lab is declared but not up.",
    "rolled-back": "A change failed half-way, and the changes before it were undone: the lab is as it was. The message says what failed.",
    "kernel": "The kernel refused an operation. The message names the operation, the object, the error number and the kernel's sentence.",
    "lab-file": "The lab file has mistakes. `vethlab validate` shows all of them at once.",
    "bug": "vethlab failed in a way it should not. The report named in the message helps to mend it.",
    "error": "An error without a page of its own.",
}


def topics() -> dict[str, Topic]:
    """Every topic by its word."""
    found = {slug: Topic(slug, "error", text) for slug, text in SLUGS.items()}
    found |= {word: Topic(word, "lab file", text) for word, text in _file_words()}
    found["exit-codes"] = Topic("exit-codes", "exit code", "\n".join(f"{code:>4}  {short}" for code, (short, _) in EXIT_CODES.items()))
    found |= {str(code): Topic(str(code), "exit code", f"{short}\n\n{text}") for code, (short, text) in EXIT_CODES.items()}
    return found


def find(word: str) -> list[Topic]:
    """The pages for a word: itself, else every key that ends with it (`subnet` finds `networks.subnet`)."""
    known = topics()
    plain = word.strip().strip("`").lower()
    plain = "exit-codes" if plain in {"exit", "exit-code", "exitcodes", "exit codes"} else plain
    if plain in known:
        return [known[plain]]
    return [topic for name, topic in known.items() if name.rsplit(".", 1)[-1] == plain]


def near(word: str) -> list[str]:
    """Words that look like it."""
    from difflib import get_close_matches

    known = topics()
    by_last = {name.rsplit(".", 1)[-1]: name for name in reversed(known)}
    return list(dict.fromkeys(by_last.get(match, match) for match in get_close_matches(word.lower(), [*known, *by_last], n=3, cutoff=0.6)))


def _file_words() -> Iterator[tuple[str, str]]:
    from vethlab import spec

    words: Mapping[str, Any] = spec.words()
    for word, text in words.items():
        yield word, str(text)
