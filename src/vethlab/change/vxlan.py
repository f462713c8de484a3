"""Make a VXLAN device.

Rule of the file: the device is made down, on its bridge already; it comes up with the other interfaces of its namespace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.link import Link, Vxlan


@dataclass(frozen=True, slots=True)
class AddVxlan:
    """Make the device. An underlay interface that it names has to be there already."""

    netns: str
    link: Link
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"vxlan {self.netns}:{self.link.name}"

    def commands(self) -> tuple[str, ...]:
        link, options = self.link, self.link.vxlan or Vxlan(0)
        words = [f"ip link add name {link.name}"]
        words += [f"address {link.mac}"] if link.mac else []
        words += [f"mtu {link.mtu} type vxlan id {options.vni} dstport {options.port}"]
        words += [f"local {options.local or '::'}"] if options.local or options.version == 6 else []  # `::` says the family only
        words += [f"group {options.group}"] if options.group else []
        words += [f"dev {link.lower.interface}"] if link.lower else []
        words += ["learning" if options.learning else "nolearning", *_outer(Vxlan(0), options)]
        words += ["remcsumtx", "remcsumrx"] if options.remote_sum else []
        lines = [" ".join(words)]
        if link.master:
            lines.append(f"ip link set dev {link.name} master {link.master}")
        return tuple(lines)


def adjusted(before: Vxlan, after: Vxlan) -> list[str]:
    """What ip-link(8) changes in a device that exists, as its words."""
    words = []
    if after.local != before.local:
        words += ["local", str(after.local or (before.local and before.local.__class__(0)))]
    words += ["learning" if after.learning else "nolearning"] if after.learning != before.learning else []
    return words + _outer(before, after)


def _outer(before: Vxlan, after: Vxlan) -> list[str]:
    """What the outer packet says of itself."""
    hops = "inherit" if after.ttl is None else str(after.ttl or "auto")
    return [*(["ttl", hops] if after.ttl != before.ttl else []), *(["df", after.df] if after.df != before.df else [])]
