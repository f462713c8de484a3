"""What a probe saw, before it is judged against what the check expects.

Rule of the file: values and their wording only.
"""

from __future__ import annotations

from typing import NamedTuple


class Outcome(NamedTuple):
    """One path, probed.

    `ok`: an answer came, or delivery was proven; with a `reason` it came in a way the check does not accept. `rtt_us`: microseconds.
    `refused`: something said no (RST, ICMP error, the source's own kernel). `blocked`: it is proven that the way is blocked.
    """

    ok: bool
    rtt_us: float | None = None
    reason: str = ""
    finding: str | None = None
    refused: bool = False
    blocked: bool = False


def seconds(value: float) -> str:
    """A time span as people write it: `1 s`, `0.25 s`."""
    return f"{value:g} s"
