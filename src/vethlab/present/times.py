"""Times as people read them, on a terminal or on paper.

Rule of the file: two digits that mean something, and the unit that makes them small.
"""

from __future__ import annotations

__all__ = ["duration"]


def duration(seconds: float) -> str:
    """A time as people read it: `0.04 ms`, `3.2 ms`, `12 ms`, `1.1 s`, `3 s`, `3 min`, `2 h`, `5 d`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.{2 if seconds < 0.001 else 1 if seconds < 0.01 else 0}f} ms"
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds:.1f} s" if seconds < 10 and seconds % 1 else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
