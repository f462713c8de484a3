"""Ports of Open vSwitch that were told by OpenFlow to take nothing, to send nothing, or to be left out where a frame goes to all.

Enters: a port, its switch, what the switch says of its ports; leaves: findings. Rule of the file: ofproto/ofproto-dpif-xlate.c (a rule of
the switch's own drops what a port may not receive, compose_output_action__ and xlate_normal_flood leave ports out). A port that is
`down` is an interface that is down, and told as that.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.explain import fixes
from vethlab.model.finding import Evidence, Finding, Where
from vethlab.model.link import End
from vethlab.model.switch import NO_FLOOD, NO_FORWARD, NO_RECEIVE, SwitchSeen

__all__ = ["deaf", "mute", "passed_over"]


def deaf(seen: SwitchSeen, port: End, bridge: End) -> Iterator[Finding]:
    """Whether the switch drops whatever comes in by the port."""
    return _told(seen, port, bridge, NO_RECEIVE, f"drops what comes in by {port}")


def mute(seen: SwitchSeen, port: End, bridge: End) -> Iterator[Finding]:
    """Whether the switch sends nothing out of the port."""
    return _told(seen, port, bridge, NO_FORWARD, f"sends nothing out of {port}")


def passed_over(seen: SwitchSeen, port: End, bridge: End) -> Iterator[Finding]:
    """Whether the port gets nothing of what goes to all."""
    return _told(seen, port, bridge, NO_FLOOD, f"leaves {port} out of what goes to all ports")


def _told(seen: SwitchSeen, port: End, bridge: End, flag: str, does: str) -> Iterator[Finding]:
    if flag not in seen.flags.get(port.interface, ()):
        return
    words = ("ovs-ofctl", "mod-port", bridge.interface, port.interface)
    unset = fixes.command(port.netns, *words, flag.removeprefix("no-"), undo=((*words, flag),))
    yield Finding(
        "port-blocked", Where(port.netns, port.interface, "bridge"), f"{bridge} {does}: OpenFlow's {flag} is set",
        evidence=(Evidence("openflow-port", f"{bridge}: port {port.interface} has {flag}"),),
        fixes=(fixes.fix(f"take {flag} from {port}", unset),),
    )
