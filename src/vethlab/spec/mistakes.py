"""Collects every mistake of one lab file. Enters: Items and sentences. Leaves: one SpecErrors, in file order, or nothing.

Rule of the file: nothing here decides what is a mistake; it only knows where things stand and which word was meant.
"""

from __future__ import annotations

from collections.abc import Iterable

from vethlab.errors import SpecError, SpecErrors
from vethlab.spec.tree import Item

Part = tuple[int, int]  # (first character, length) inside an Item's text

_MANY = 2000  # beyond this many candidates the search for a similar word costs more than it helps

_HELPED = 50  # mistakes of one file that are compared with all names


class Wrong(Exception):  # noqa: N818 - a value that is wrong, not a failure of ours
    """Raised by a value's parser: `why` it is wrong, what helps, which part of the text it is about, and in few words what is there."""

    def __init__(
        self, why: str, *, help: str = "", part: Part | None = None, slug: str = "wrong-value",  # noqa: A002 - as in errors
        there: str = "",
    ) -> None:
        super().__init__(why)
        self.why, self.help, self.part, self.slug, self.there = why, help, part, slug, there


class Mistakes:
    """The list under construction, and what could not be read, so that rules about the whole do not blame its absence.

    `vague` holds nodes of which something is missing, `lost` says that a part was dropped which may have named any node, `nodes_lost`
    that the declared nodes are not all there. `names` counts what ranges stand for.
    """

    __slots__ = ("_seen", "errors", "lost", "names", "nodes_lost", "path", "text", "vague")

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        self.errors: list[SpecError] = []
        self.vague: set[str] = set()
        self.lost = self.nodes_lost = False
        self.names = 0
        self._seen: set[tuple[int, int, str, str]] = set()

    def add(
        self, item: Item, slug: str, message: str, *, why: str = "", help: str = "", topic: str = "",  # noqa: A002 - as in errors
        part: Part | None = None,
    ) -> None:
        """Records one mistake at `item`, or at the `part` of its text. One mistake of a kind is told once for each place."""
        line, column, width = item.line, item.column, item.width
        if part is not None and item.inset >= 0:
            column, width = item.column + item.inset + part[0], max(part[1], 1)
        key = (line, column, slug, "" if line else message)
        if key in self._seen:
            return
        self._seen.add(key)
        error = SpecError(message, slug=slug, path=self.path, line=line, column=column, width=width, why=why, help=help, topic=topic)
        if not line:
            error.where = self.path
        self.errors.append(error)

    def meant(self, word: str, choices: Iterable[str], otherwise: str) -> str:
        """A help sentence as did_you_mean() gives it, but not for a file's thousandth mistake: to look among many names takes time."""
        return did_you_mean(word, choices, otherwise) if len(self.errors) < _HELPED else otherwise

    def unsure(self, node: str) -> bool:
        """True if what is missing of `node` may be missing only because it could not be read."""
        return self.lost or node in self.vague

    def wrong(self, item: Item, what: str, wrong: Wrong, expected: str, topic: str = "") -> None:
        """Records a value that its parser refused; `what` begins the message, e.g. "`mtu` of network `br0`"."""
        message = f"{what} {wrong}" if wrong.why.startswith("must ") else f"{what}: {wrong}"
        self.add(item, wrong.slug, message, why=wrong.there or f"expected {expected}", help=wrong.help, topic=topic, part=wrong.part)

    def finish(self) -> None:
        """Raises what was collected, if anything was."""
        if self.errors:
            raise self.report()

    def report(self) -> SpecErrors:
        """What was collected, in file order."""
        self.errors.sort(key=lambda error: (error.line, error.column))
        return SpecErrors(self.errors, path=self.path, text=self.text)


def suggest(word: str, choices: Iterable[str]) -> str:
    """The choice most like `word`, or an empty string."""
    candidates = list(choices)
    if len(candidates) > _MANY:
        candidates = [choice for choice in candidates if choice[:1] == word[:1]][:_MANY]
    import difflib  # noqa: PLC0415 - only a wrong file pays for it

    matches = difflib.get_close_matches(word[:80], candidates, n=1, cutoff=0.6 if len(word) > 3 else 0.5)
    return matches[0] if matches else ""


def did_you_mean(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """A help sentence that names the choice most like `word`, else `otherwise`."""
    best = suggest(word, choices)
    return f"did you mean `{best}`?" if best else otherwise
