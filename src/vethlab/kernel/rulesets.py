"""nftables rulesets of a node: loaded as one transaction, compared by what the kernel lists (nft(8)).

Enters: the text of a lab file; leaves: Loaded, the text with the kernel's own listing of it. Rule of the file: a ruleset counts as
unchanged while the stateless listing (`nft --stateless list ruleset`: no counters) is what it was right after loading. A table that a
trace of ours put there for a moment is no part of it, nor is the one of ours for NAT, which is loaded and compared by itself.
"""

from __future__ import annotations

import errno
import re
from typing import NamedTuple

from vethlab.errors import HostError, KernelError
from vethlab.kernel.port import Namespaces
from vethlab.model.nat import TABLE_PREFIX, Table

_PROGRAMS = ("nft", "/usr/sbin/nft", "/sbin/nft")  # an ordinary user's PATH on Debian does not name the directory
NOT_FOUND = 127  # what a shell, and the keeper, answer for a program that is not there
TRACE_TABLE = "vethlab-trace-"  # what the names of tables that trace begin with, whichever process of ours made them
_OURS = re.compile(rf"^table \w+ (?:{TRACE_TABLE}|{TABLE_PREFIX}).*?^}}\n", re.MULTILINE | re.DOTALL)
_MISSING = "No such file or directory"


class Loaded(NamedTuple):
    """The text as written, and how the kernel lists it."""

    text: str
    listing: str


class LoadedTable(NamedTuple):
    """A table of ours as declared, and how the kernel lists it."""

    table: Table
    listing: str


def load(namespaces: Namespaces, name: str, text: str, table: Table | None = None) -> Loaded:
    """Replace the whole ruleset by `text`; a refused text leaves the old one in place (nft transactions are atomic).

    `table`: the one of ours there, which comes back in the same transaction.
    """
    nft(namespaces, name, "load", ["--file", "-"], f"flush ruleset\n{text}\n{table.text if table is not None else ''}\n")
    return Loaded(text, _listing(namespaces, name))


def load_table(namespaces: Namespaces, name: str, table: Table) -> LoadedTable:
    """Put a table of ours in its place, in one transaction."""
    from vethlab.change.nft import replacing  # noqa: PLC0415 - labs with NAT only

    nft(namespaces, name, "load", ["--file", "-"], replacing(table))
    return LoadedTable(table, _table_listing(namespaces, name, table) or "")


def remove_table(namespaces: Namespaces, name: str, table: Table) -> None:
    """Take a table of ours away; it may be gone already."""
    try:
        nft(namespaces, name, "remove", ["delete", "table", table.family, table.name])
    except KernelError as error:
        if _MISSING not in error.kernel_says:
            raise


def current_table(namespaces: Namespaces, name: str, loaded: LoadedTable) -> Table | None:
    """The table in force: the loaded one while nobody changed it, else what the kernel lists; None if it is gone."""
    listing = _table_listing(namespaces, name, loaded.table)
    if listing is None:
        return None
    return loaded.table if listing == loaded.listing else Table(loaded.table.family, loaded.table.name, listing)


def current(namespaces: Namespaces, name: str, loaded: Loaded) -> str:
    """The text that is in force: the loaded one while nobody changed it, else the kernel's listing."""
    listing = _listing(namespaces, name)
    return loaded.text if listing == loaded.listing else listing


def _listing(namespaces: Namespaces, name: str) -> str:
    return _OURS.sub("", nft(namespaces, name, "list", ["--stateless", "list", "ruleset"]))


def _table_listing(namespaces: Namespaces, name: str, table: Table) -> str | None:
    try:
        return nft(namespaces, name, "list", ["--stateless", "list", "table", table.family, table.name])
    except KernelError as error:
        if _MISSING in error.kernel_says:
            return None
        raise


def nft(namespaces: Namespaces, name: str, verb: str, words: list[str], stdin: str = "") -> str:
    """What nft prints, run in the node. `verb` says in the error what was tried."""
    for program in _PROGRAMS:
        done = namespaces.run(name, [program, *words], stdin)
        if done.status != NOT_FOUND:
            break
    else:
        raise HostError(
            f"`{name}` needs nftables rules, but nft is not installed", why="nftables rules are loaded with nft(8)",
            help="apt install nftables", slug="no-nft",
        )
    if done.status:
        raise KernelError(f"{verb} nft ruleset of", name, errno.EINVAL, _sentence(done.stderr))
    return done.stdout


def _sentence(stderr: str) -> str:
    return " ".join(line.strip() for line in stderr.strip().splitlines()[:2]) or "nft failed without a word"
