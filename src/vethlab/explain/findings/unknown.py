"""The packet dies, and no evidence says why."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "unknown",
    group="else",
    sentence="The packet dies, and no evidence says why.",
    means=(
        "The place is known as far as frames were seen, the cause is not. "
        "A guess would be worse than this answer: the finding lists all that was seen and what was ruled out. "
        "About half of all faults leave no drop reason in the kernel either."
    ),
    decided_by="Nothing: every rule was asked and none applied.",
    mended_by=(
        "Look at the place where it was seen last: `vethlab capture NODE`.",
        "Ask again as root: BPF then shows the kernel's own drop reason.",
        "Compare with the lab file: `vethlab plan` shows what differs.",
    ),
    lab="""\
name: unknown
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
""",
    reasons=("NOT_SPECIFIED",),
)
