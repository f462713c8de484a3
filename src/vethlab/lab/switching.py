"""What a lab with Open vSwitch needs of the machine, asked before anything is touched.

Enters: a topology; leaves: nothing, HostError (exit 3) for what is not there, SpecErrors (exit 2) for a rule that Open vSwitch does not
understand. Rule of the file: ovs-ofctl is asked about rules, since it alone knows their language, and nothing is changed by asking.
What is on the machine's own Open vSwitch needs that to run; all else needs what to start one with.
"""

from __future__ import annotations

from vethlab.errors import HostError, SpecError, SpecErrors
from vethlab.kernel import openflow, ovs_daemons, ovs_machine
from vethlab.kernel.features_ovs import kernel_datapath
from vethlab.kernel.ovs_rows import DATAPATHS, Offer
from vethlab.lab.sharing import directory, joining
from vethlab.model.switch import KERNEL, USERSPACE
from vethlab.model.topology import Network, Topology

__all__ = ["require_switch"]


def require_switch(topology: Topology, switch: str = "") -> None:
    """Raise what is missing. `switch`: the directory of the machine's own Open vSwitch, if the lab knows it already."""
    networks = [network for network in topology.networks if network.type == "ovs"]
    kernel = kernel_datapath()
    shared = joining(topology)
    alone = [network for network in networks if network not in shared]
    if alone:
        ovs_daemons.require(userspace=any(one.datapath == USERSPACE or (one.datapath != KERNEL and not kernel) for one in alone))
    if shared:
        _require_offered(shared, ovs_machine.require(switch or directory()))
    for network in networks:
        if network.datapath == KERNEL and not kernel:
            raise HostError(
                "this kernel has no Open vSwitch datapath", where=network.name, slug="no-ovs-module",
                why=f"network `{network.name}` says `datapath: kernel`, and the module openvswitch is not there",
                help="modprobe openvswitch, or take `datapath: auto`, which forwards in user space without it",
            )
    wrong = [error for network in networks for error in _refused(network, topology.source)]
    if wrong:
        raise SpecErrors(wrong, path=topology.source, text=_text(topology.source))


def _require_offered(networks: list[Network], offer: Offer) -> None:
    for network in networks:
        kind = DATAPATHS[offer.datapath(network.datapath, module=kernel_datapath())]
        if offer.datapaths and kind not in offer.datapaths:
            raise HostError(
                f"the machine's Open vSwitch has no datapath `{kind}`", where=network.name, slug="no-ovs-module",
                why=f"network `{network.name}` would be a bridge on it, and it has {', '.join(sorted(offer.datapaths))}",
                help="name another `datapath`, or leave `host: machine` away",
            )


def _refused(network: Network, path: str) -> list[SpecError]:
    ports = [network.name, *[port.name for port in network.ports]]
    found = []
    for flow in network.flows:
        words = openflow.refusal(flow.text, ports)
        if words:
            found.append(SpecError(
                f"Open vSwitch does not understand a rule of network `{network.name}`: {words}", slug="bad-flow", path=path,
                line=flow.line, column=flow.column, width=max(1, len(flow.text)), why="ovs-ofctl refuses it", topic="networks.flows",
                help="ovs-fields(7) and ovs-actions(7) hold the language; a port goes by its name, which `vethlab show` tells",
            ))
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - no pathlib on this path
            return file.read()
    except OSError:
        return ""
