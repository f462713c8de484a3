"""nftables rulesets of a node: loaded as one transaction, compared by what the kernel lists (nft(8)).

Enters: the text of a lab file; leaves: Loaded, the text with the kernel's own listing of it. Rule of the file: a ruleset counts as
unchanged while the stateless listing (`nft --stateless list ruleset`: no counters) is what it was right after loading. A table that a
trace of ours put there for a moment is no part of it.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

from vethlab.errors import HostError, KernelError
from vethlab.kernel.port import Namespaces

NOT_FOUND = 127  # what a shell, and the keeper, answer for a program that is not there
TRACE_TABLE = "vethlab-trace-"  # what the names of tables that trace begin with, whichever process of ours made them
_TRACES = re.compile(rf"^table \w+ {TRACE_TABLE}.*?^}}\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The text as written, and how the kernel lists it."""

    text: str
    listing: str


def load(namespaces: Namespaces, name: str, text: str) -> Loaded:
    """Replace the whole ruleset by `text`; a refused text leaves the old one in place (nft transactions are atomic)."""
    nft(namespaces, name, "load", ["--file", "-"], f"flush ruleset\n{text}\n")
    return Loaded(text, _listing(namespaces, name))


def current(namespaces: Namespaces, name: str, loaded: Loaded) -> str:
    """The text that is in force: the loaded one while nobody changed it, else the kernel's listing."""
    listing = _listing(namespaces, name)
    return loaded.text if listing == loaded.listing else listing


def _listing(namespaces: Namespaces, name: str) -> str:
    return _TRACES.sub("", nft(namespaces, name, "list", ["--stateless", "list", "ruleset"]))


def nft(namespaces: Namespaces, name: str, verb: str, words: list[str], stdin: str = "") -> str:
    """What nft prints, run in the node. `verb` says in the error what was tried."""
    done = namespaces.run(name, ["nft", *words], stdin)
    if done.status == NOT_FOUND:
        raise HostError(
            f"node `{name}` has an nft ruleset, but nft is not installed", why="nftables rules are loaded with nft(8)",
            help="apt install nftables", slug="no-nft",
        )
    if done.status:
        raise KernelError(f"{verb} nft ruleset of", name, errno.EINVAL, _sentence(done.stderr))
    return done.stdout


def _sentence(stderr: str) -> str:
    return " ".join(line.strip() for line in stderr.strip().splitlines()[:2]) or "nft failed without a word"
