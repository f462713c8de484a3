"""Every change there is, as a type: what a plan is made of.

Rule of the file: the unions only. It imports all of them, which a lab that needs a handful does without (change/__init__.py): name the
unions in annotations.
"""

from __future__ import annotations

from vethlab.change.address import AddAddress, RemoveAddress
from vethlab.change.checksums import SetChecksums
from vethlab.change.fdb import AddForward, RemoveForward
from vethlab.change.link import AddBridge, AddMacvlan, AddTap, AddVeth, RemoveLink, SetLink
from vethlab.change.neighbour import AddNeighbour, RemoveNeighbour
from vethlab.change.netns import AddNetns, RemoveNetns
from vethlab.change.nft import LoadRuleset, LoadTable, RemoveTable
from vethlab.change.process import StartProcess, StopProcess
from vethlab.change.queue import RemoveQueue, SetQueue
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

SwitchChange = StartSwitch | StopSwitch | AddSwitchBridge | RemoveSwitchBridge | AddSwitchPort | SetSwitchPort | RemoveSwitchPort | SetFlows

Change = (
    AddNetns | RemoveNetns | AddVeth | AddBridge | AddMacvlan | AddVxlan | SetLink | RemoveLink | AddAddress | RemoveAddress | AddRoute
    | RemoveRoute | AddNeighbour | RemoveNeighbour | AddForward | RemoveForward | SetSysctl | LoadRuleset | LoadTable | RemoveTable
    | SetQueue | RemoveQueue | SetChecksums | AddTap
    | StartProcess | StopProcess | SwitchChange
)

__all__ = ["Change", "SwitchChange"]
