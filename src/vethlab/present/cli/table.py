"""A plain table: words in columns, readable by people and by `awk`, no boxes.

Rule of the file: the last column is never padded or cut.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vethlab.present.cli.terminal import Terminal, visible

__all__ = ["print_table"]


def print_table(terminal: Terminal, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Collection[int] = ()) -> None:
    """Print `rows` under `head`; the columns in `right` are aligned right."""
    widths = [max(visible(row[column]) for row in (head, *rows)) for column in range(len(head))]
    terminal.line(terminal.paint(_line(head, widths, right), "dim"))
    for row in rows:
        terminal.line(_line(row, widths, right))


def _line(row: Sequence[str], widths: Sequence[int], right: Collection[int]) -> str:
    cells = []
    for column, cell in enumerate(row):
        space = " " * (widths[column] - visible(cell))
        cells.append(space + cell if column in right else cell + space)
    return "  ".join(cells).rstrip()
