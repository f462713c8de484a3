"""What is said of a sysctl, and which of its values the kernel acts on.

Rule of the file: the rule of combination is the kernel's (include/linux/inetdevice.h: IN_DEV_MAXCONF, IN_DEV_ORCONF, IN_DEV_CONF_GET), and
tests/kernel tries each.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DOCUMENTATION", "INTERFACE", "RULES", "Sysctl"]

INTERFACE = "IF"  # stands in a key where `all`, `default` or the name of an interface stands
DOCUMENTATION = "https://docs.kernel.org/networking/ip-sysctl.html"
RULES = {
    "max": "the larger of all and the interface counts",
    "or": "it is on if it is on for all or for the interface",
    "interface": "only the interface's own value counts",
    "all": "only the value of all counts",
    "one": "one value for the whole namespace",
    "machine": "one value for the whole machine, which can be set only outside of every lab",
}


@dataclass(frozen=True, slots=True)
class Sysctl:
    """One sysctl.

    `key` is its name, `what` two sentences, `values` each value with its meaning, `rule` one of RULES, `raises` the drop reason and the
    counter it causes, `finding` the finding it leads to. `lab` is a lab file that sets it; there, `check` passes or not as `passes` says,
    and without the line that sets it the opposite is true. Where no ping shows it, `look` says what does.
    """

    key: str
    what: str
    values: tuple[tuple[str, str], ...]
    default: str
    rule: str
    lab: str
    raises: str = "neither a drop reason nor a counter"
    finding: str = ""
    check: str = ""
    passes: bool = False
    look: str = ""
    link: str = DOCUMENTATION

    @property
    def leaf(self) -> str:
        """The last part of its name, by which people know it."""
        return self.key.rsplit(".", 1)[-1]

    @property
    def each(self) -> bool:
        """Whether every interface has a value of its own."""
        return f".{INTERFACE}." in self.key

    def of(self, interface: str) -> str:
        """Its key for an interface, `all` or `default`; sysctl(8) writes `/` for a dot in a name."""
        return self.key.replace(f".{INTERFACE}.", f".{interface.replace('.', '/')}.")

    def effective(self, everywhere: int, own: int) -> int:
        """What the kernel acts on, given the value of all and the interface's own."""
        if self.rule == "or":
            return int(bool(everywhere or own))
        if self.rule == "max":
            return max(everywhere, own)
        return everywhere if self.rule == "all" else own
