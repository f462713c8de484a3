"""Start and stop Open vSwitch in a namespace; make, change and remove its bridges, ports and OpenFlow rules.

Rule of the file: the commands are those of ovs-vsctl(8) and ovs-ofctl(8), to be run in the namespace where the daemons' sockets lie in
/run/openvswitch, as `vethlab exec host` finds them.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import ClassVar

from vethlab.change.netns import Action
from vethlab.model.link import DEFAULT_MTU, Link
from vethlab.model.names import owner_of
from vethlab.model.switch import FAIL_MODE, KERNEL, USERSPACE, SwitchBridge, SwitchPort

_TYPES = {KERNEL: "system", USERSPACE: "netdev"}


@dataclass(frozen=True, slots=True)
class StartSwitch:
    """Start ovsdb-server with an empty database and ovs-vswitchd, both private to the namespace."""

    netns: str
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"Open vSwitch of {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return (
            "mkdir --parents /run/openvswitch",
            "ovsdb-tool create /run/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema",
            "ovsdb-server /run/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --pidfile --detach",
            # Read when ovs-vswitchd starts, and never again. Without it ping works in user space and TCP does not: checksums are left out.
            "ovs-vsctl --no-wait init -- set Open_vSwitch . other_config:userspace-tso-enable=true",
            "ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach",
        )


@dataclass(frozen=True, slots=True)
class StopSwitch:
    """End both daemons; bridges, their interfaces and all rules go with them."""

    netns: str
    reason: str = "no longer in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"Open vSwitch of {self.netns}"

    def commands(self) -> tuple[str, ...]:
        return ("ovs-appctl --target=ovs-vswitchd exit --cleanup", "ovs-appctl --target=ovsdb-server exit")


@dataclass(frozen=True, slots=True)
class AddSwitchBridge:
    """Make a bridge and its own interface, which is `link`, still down."""

    netns: str
    link: Link
    bridge: SwitchBridge
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"switch {self.netns}:{self.link.name}"

    def commands(self) -> tuple[str, ...]:
        name, words = self.link.name, [f"ovs-vsctl add-br {self.link.name}"]
        if self.bridge.datapath in _TYPES:
            words.append(f"set Bridge {name} datapath_type={_TYPES[self.bridge.datapath]}")
        if self.link.mac:
            words.append(f'set Bridge {name} other_config:hwaddr="{self.link.mac}"')
        if self.bridge.flows:
            words.append(f"set Bridge {name} fail_mode=secure")
        if self.link.mark:
            words.append(f"br-set-external-id {name} vethlab {owner_of(self.link.mark)}")
        if self.link.mtu != DEFAULT_MTU:
            words.append(f"set Interface {name} mtu_request={self.link.mtu}")
        return (" -- ".join(words),)


@dataclass(frozen=True, slots=True)
class RemoveSwitchBridge:
    """Remove a bridge; its interface goes with it, the interfaces that were its ports stay."""

    netns: str
    name: str
    reason: str = "no longer in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"switch {self.netns}:{self.name}"

    def commands(self) -> tuple[str, ...]:
        return (f"ovs-vsctl del-br {self.name}",)


@dataclass(frozen=True, slots=True)
class AddSwitchPort:
    """Make an existing interface a port. `number`: the OpenFlow port number to ask for."""

    netns: str
    bridge: str
    name: str
    port: SwitchPort
    number: int = 0
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "add"

    @property
    def object(self) -> str:
        return f"port {self.netns}:{self.name} of {self.bridge}"

    def commands(self) -> tuple[str, ...]:
        tag = ("" if self.port.tag is None else f" tag={self.port.tag}") + (" protected=true" if self.port.isolated else "")
        number = f" -- set Interface {self.name} ofport_request={self.number}" if self.number else ""
        return (f"ovs-vsctl add-port {self.bridge} {self.name}{tag}{number}",)


@dataclass(frozen=True, slots=True)
class SetSwitchPort:
    """Change the VLAN of a port, or whether it is isolated."""

    netns: str
    bridge: str
    name: str
    before: SwitchPort
    after: SwitchPort
    reason: str
    action: ClassVar[Action] = "change"

    @property
    def object(self) -> str:
        return f"port {self.netns}:{self.name} of {self.bridge}"

    def commands(self) -> tuple[str, ...]:
        words = []
        if self.after.tag != self.before.tag:
            tag = self.after.tag
            words.append(f"clear Port {self.name} tag" if tag is None else f"set Port {self.name} tag={tag}")
        if self.after.isolated != self.before.isolated:
            words.append(f"set Port {self.name} protected={'true' if self.after.isolated else 'false'}")
        for column, now, goal in (
            ("trunks", _vlans(self.before), _vlans(self.after)), ("vlan_mode", self.before.mode, self.after.mode),
        ):
            if goal != now:
                words.append(f"set Port {self.name} {column}={goal}" if goal else f"clear Port {self.name} {column}")
        return (f"ovs-vsctl {' -- '.join(words)}",)


def _vlans(port: SwitchPort) -> str:
    return ",".join(str(one) for one in sorted(port.trunks))


@dataclass(frozen=True, slots=True)
class RemoveSwitchPort:
    """Take an interface off its bridge; the interface stays."""

    netns: str
    bridge: str
    name: str
    reason: str = "no longer in the lab file"
    action: ClassVar[Action] = "remove"

    @property
    def object(self) -> str:
        return f"port {self.netns}:{self.name} of {self.bridge}"

    def commands(self) -> tuple[str, ...]:
        return (f"ovs-vsctl --if-exists del-port {self.bridge} {self.name}",)


@dataclass(frozen=True, slots=True)
class SetFlows:
    """Replace all OpenFlow rules of a bridge, in one bundle. No rules: it learns and forwards again.

    Rules as a switch listed them end with its fail mode (`fail_mode=secure`); a bridge with declared ones is secure.
    """

    netns: str
    bridge: str
    flows: tuple[str, ...]
    reason: str = "declared in the lab file"
    action: ClassVar[Action] = "change"

    @property
    def object(self) -> str:
        return f"flows of {self.netns}:{self.bridge}"

    @property
    def secure(self) -> bool:
        """Whether it forwards nothing that no rule tells it to."""
        return bool(self.flows) and FAIL_MODE + "standalone" not in self.flows

    @property
    def rules(self) -> tuple[str, ...]:
        """What is loaded; none of its own where it only learns and forwards."""
        return tuple(flow for flow in self.flows if not flow.startswith(FAIL_MODE)) if self.flows else ("priority=0,actions=NORMAL",)

    def commands(self) -> tuple[str, ...]:
        mode = f"ovs-vsctl set-fail-mode {self.bridge} secure" if self.secure else f"ovs-vsctl del-fail-mode {self.bridge}"
        lines = " ".join(shlex.quote(flow) for flow in self.rules)
        return mode, f"printf '%s\\n' {lines} | ovs-ofctl --protocols=OpenFlow14 --bundle replace-flows {self.bridge} -"
