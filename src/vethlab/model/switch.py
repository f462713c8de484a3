"""Open vSwitch in one namespace: its bridges, their ports with VLANs, and their OpenFlow rules. Desired and actual state are the same type.

Rule of the file: what Open vSwitch's database says and the kernel does not. The interface of a bridge and the veth ends that are its ports
are links as all others (model/link.py); here they are named only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vethlab.model.link import SWITCH_KIND, End

AUTO, KERNEL, USERSPACE = "auto", "kernel", "userspace"
KIND = SWITCH_KIND
NO_RECEIVE, NO_FORWARD, NO_FLOOD = "no-receive", "no-forward", "no-flood"  # flags of a port in the words of ovs-ofctl(8)
FAIL_MODE = "fail_mode="  # the last word of rules as a switch lists them


@dataclass(frozen=True, slots=True)
class SwitchPort:
    """An interface that is a port. `tag`: the VLAN it is an access port of, None for all traffic. `owned`: it bears our mark.

    `isolated`: it reaches no other isolated port (`protected` in ovs-vswitchd.conf.db(5)). `trunks`: without a tag, the only VLANs that it
    carries, 0 being what has none; empty: all. `mode`: what the tag means, where somebody said so (`vlan_mode`). No lab file says either,
    but somebody may. `held`: the protocol and state of a spanning tree that keeps it from forwarding, such as `stp listening`.
    """

    tag: int | None = None
    isolated: bool = False
    owned: bool = field(default=True, compare=False)
    trunks: frozenset[int] = frozenset()
    mode: str = ""
    held: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class SwitchBridge:
    """One bridge. `datapath`: kernel, userspace, or (desired only) auto, which is not compared.

    `flows`: OpenFlow rules as they were declared while nobody changed them, else as the switch lists them with its fail mode last; empty
    where it only learns and forwards (`priority=0 actions=NORMAL`).
    """

    datapath: str = AUTO
    ports: Mapping[str, SwitchPort] = field(default_factory=dict)
    flows: tuple[str, ...] = ()
    owned: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Switch:
    """The Open vSwitch of a namespace. `running`: both of its daemons live; if not, nothing is known of its bridges.

    `shared`: the daemons are somebody else's, the machine's: they are neither started nor stopped, and only what bears our mark is told.
    """

    bridges: Mapping[str, SwitchBridge] = field(default_factory=dict)
    running: bool = True
    shared: bool = False


@dataclass(frozen=True, slots=True)
class SwitchSeen:
    """A bridge as a question about packets finds it, its own port among `ports`.

    `troubles`: what ovs-vswitchd says of interfaces that it could not take; `declared`: the ports of the lab file; `offloading`: far ends
    of ports that leave checksums to their device, where the switch does not make up for it; `carrying`: VXLAN devices that leave those of
    what they carry, of which no switch in user space fills in any; `flags`: of ports that have any, NO_RECEIVE, NO_FORWARD and NO_FLOOD.
    """

    running: bool = True
    ports: Mapping[str, SwitchPort] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)
    declared: Mapping[str, SwitchPort] = field(default_factory=dict)
    offloading: tuple[End, ...] = ()
    carrying: tuple[End, ...] = ()
    flags: Mapping[str, frozenset[str]] = field(default_factory=dict)
