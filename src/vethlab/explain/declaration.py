"""What is said of a finding, once: for `vethlab explain`, for the docs, and for the tests that show it in a real lab.

Rule of the file: values. A finding is declared in explain/findings/, one file each; what it says is true of the kernel, and tests/kernel
brings its lab up, breaks it and looks.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GROUPS", "Declaration"]

GROUPS = ("link", "address", "neighbour", "route", "input", "firewall", "bridge", "overlay", "ovs", "else")


@dataclass(frozen=True, slots=True)
class Declaration:
    """One finding.

    `sentence` is the headline; `means` what the kernel does and why, with the function and file, or the RFC; `decided_by` the evidence
    that decides; `mended_by` what mends it, the least invasive first. `sysctls` are leaf names (explain/sysctls), `reasons` the kernel's
    drop reasons that lead here, without SKB_DROP_REASON_.

    `lab` is a lab file that shows it after the commands in `breaks` (`NODE: shell command`) have run; `asks` are then the arguments of
    `vethlab why`, and `where` is whose configuration is at fault: a node:interface, or a node if the interface does not matter.
    `passes`: the probe passes all the same, the finding is a warning. Empty `asks`: no few lines show it.
    """

    slug: str
    group: str
    sentence: str
    means: str
    decided_by: str
    mended_by: tuple[str, ...]
    lab: str
    breaks: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    where: str = ""
    passes: bool = False
    sysctls: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
