"""Changes as values: what to do to one object, why, and the command line a person would type for it.

Rule of the file: a change is imported when it is first named, since a lab needs a handful of them and each costs as much start-up as
twenty system calls (dataclasses write their methods when they are made). Tables over changes go by the name of the class.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vethlab.change.address import AddAddress, RemoveAddress
    from vethlab.change.checksums import SetChecksums
    from vethlab.change.fdb import AddForward, RemoveForward
    from vethlab.change.kinds import Change, SwitchChange
    from vethlab.change.link import AddBridge, AddMacvlan, AddTap, AddVeth, RemoveLink, SetLink
    from vethlab.change.neighbour import AddNeighbour, RemoveNeighbour
    from vethlab.change.netns import AddNetns, RemoveNetns
    from vethlab.change.nft import LoadRuleset, LoadTable, RemoveTable
    from vethlab.change.process import StartProcess, StopProcess
    from vethlab.change.queue import RemoveQueue, SetQueue, words
    from vethlab.change.route import AddRoute, RemoveRoute
    from vethlab.change.switch import (
        AddSwitchBridge,
        AddSwitchPort,
        RemoveSwitchBridge,
        RemoveSwitchPort,
        SetFlows,
        SetSwitchPort,
        StartSwitch,
        StopSwitch,
    )
    from vethlab.change.sysctl import SetSysctl
    from vethlab.change.vxlan import AddVxlan
else:  # mypy would take every name for one of ours

    def __getattr__(name: str) -> Any:
        """A change, or one of the other names, on first use."""
        if name not in _MODULES:
            raise AttributeError(name)
        found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return found


WHERE = {
    "address": ("AddAddress", "RemoveAddress"),
    "checksums": ("SetChecksums",),
    "fdb": ("AddForward", "RemoveForward"),
    "link": ("AddBridge", "AddMacvlan", "AddTap", "AddVeth", "RemoveLink", "SetLink"),
    "neighbour": ("AddNeighbour", "RemoveNeighbour"),
    "netns": ("AddNetns", "RemoveNetns"),
    "nft": ("LoadRuleset", "LoadTable", "RemoveTable"),
    "process": ("StartProcess", "StopProcess"),
    "queue": ("RemoveQueue", "SetQueue", "words"),
    "route": ("AddRoute", "RemoveRoute"),
    "switch": (
        "AddSwitchBridge", "AddSwitchPort", "RemoveSwitchBridge", "RemoveSwitchPort", "SetFlows", "SetSwitchPort", "StartSwitch",
        "StopSwitch",
    ),
    "sysctl": ("SetSysctl",),
    "vxlan": ("AddVxlan",),
    "kinds": ("Change", "SwitchChange"),
}
_MODULES = {name: module for module, names in WHERE.items() for name in names}

__all__ = [
    "AddAddress", "AddBridge", "AddForward", "AddMacvlan", "AddNeighbour", "AddNetns", "AddRoute", "AddSwitchBridge", "AddSwitchPort",
    "AddTap", "AddVeth", "AddVxlan", "Change", "LoadRuleset", "LoadTable", "RemoveAddress", "RemoveForward", "RemoveLink",
    "RemoveNeighbour", "RemoveNetns", "RemoveQueue", "RemoveRoute", "RemoveSwitchBridge", "RemoveSwitchPort", "RemoveTable",
    "SetChecksums", "SetFlows", "SetLink", "SetQueue", "SetSwitchPort", "SetSysctl", "StartProcess", "StartSwitch", "StopProcess",
    "StopSwitch", "SwitchChange", "words",
]
