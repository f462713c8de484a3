"""A question's packets as a file for Wireshark: the frames of the probe, with what its explanation says of them.

Enters: the transcript of an inquiry, its explanation, the frames; leaves: a pcapng section. Rule of the file: it joins what `explain` says
with what `observe` kept; the frames go into the file and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vethlab.explain.remarks import remarks
from vethlab.lab.capturing import named
from vethlab.model.journey import Observed
from vethlab.observe.interfaces import Interfaces
from vethlab.observe.probed import probed

if TYPE_CHECKING:
    from vethlab.kernel.port import Namespaces
    from vethlab.lab.inquiry import Transcript
    from vethlab.model.finding import Explanation
    from vethlab.observe.correlate import Kept

__all__ = ["annotated"]


def annotated(name: str, namespaces: Namespaces, transcript: Transcript, said: Explanation, kept: Sequence[Kept]) -> bytes:
    """The section. `name`: of the lab. Where nothing was sent, the sender's interfaces are in it: a file without any is none."""
    observed = next((answer for _, answer in transcript.answers if isinstance(answer, Observed)), Observed(ok=False))
    told = remarks(transcript.flow, said, observed)
    held = [(end.netns, one.ip) for end, wire in transcript.wiring.wires.items() for one in wire.addresses]
    return probed(
        kept, Interfaces(namespaces), observed.watched or (transcript.flow.src.node or "",),
        comment="\n".join((f"lab {name}", *told.whole)), comments=told.each, records=named(sorted(held, key=lambda pair: pair[0])),
    )
