"""Shows the mistakes of a lab file as the Rust compiler shows its own. Enters: SpecErrors. Leaves: text, without a final newline.

Rule of the file: what, where with a caret, why, help. Colour is the caller's: a function (role, text) -> text with the roles
"error", "position", "caret" and "help". Nothing of the file reaches the terminal that is not printable.
"""

from __future__ import annotations

from collections.abc import Callable

from vethlab.errors import SpecError, SpecErrors
from vethlab.spec.tree import file_lines

Colour = Callable[[str, str], str]
_WINDOW = 120  # columns of a source line that are shown


def render(errors: SpecErrors, colour: Colour | None = None) -> str:
    """All mistakes, one block each."""
    paint = colour or _plain
    lines = file_lines(errors.text)
    blocks = [_block(error, lines, paint) for error in errors.errors]
    count = len(blocks)
    if count > 1:
        blocks.append(f"{count} mistakes in {errors.path}")
    return "\n\n".join(blocks)


def _plain(role: str, text: str) -> str:
    del role
    return text


def _block(error: SpecError, lines: list[str], paint: Colour) -> str:
    number = str(error.line) if error.line else ""
    gutter = " " * len(number)
    out = [paint("error", f"error[{error.slug}]") + f": {_printable(error.message)}", paint("position", f"{gutter} --> {error.where}")]
    if error.line and error.line <= len(lines):
        before, shown, under = _excerpt(lines[error.line - 1], error.column - 1, error.width)
        bar = paint("position", f"{gutter}  |")
        caret = paint("caret", f"{'^' * under} {_printable(error.why)}".rstrip())
        out += [bar, paint("position", f" {number} |") + f" {shown}".rstrip(), f"{bar} {' ' * before}{caret}"]
    elif error.why:
        out.append(f"{gutter}  = why: {error.why}")
    if error.help:
        out.append(paint("help", f"{gutter}  = help: ") + _printable(error.help))
    if error.topic:
        out.append(paint("help", f"{gutter}  = explain: ") + f"vethlab explain {error.topic}")
    return "\n".join(out)


def _excerpt(line: str, start: int, width: int) -> tuple[int, str, int]:
    """(columns before the caret, the line as shown, columns under it), measured as a terminal does."""
    first = max(0, start - _WINDOW // 2)
    shown = line[first : first + _WINDOW]
    start = min(start - first, len(shown))
    under = shown[start : start + width]
    text = ("..." if first else "") + _printable(shown)
    return (3 if first else 0) + _columns(shown[:start]), text, max(1, _columns(under))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # noqa: PLC0415 - only for lines that are not ASCII

    return sum(0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1 for character in text)
