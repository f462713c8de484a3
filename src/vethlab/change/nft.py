"""Load an nftables ruleset into a namespace, as one transaction (nft(8) `-f`)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action


@dataclass(frozen=True, slots=True)
class LoadRuleset:
    """Replace the namespace's whole ruleset by `text`; an empty text leaves no rules."""

    netns: str
    text: str
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "change"

    @property
    def object(self) -> str:
        return f"nft ruleset in {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (f"printf '%s\\n' 'flush ruleset' {shlex.quote(self.text.rstrip())} | nft --file -",)
