"""What a lab needs of this machine, asked before anything is touched.

Enters: a topology and the mode; leaves: nothing, or an error naming what is lacking. Rule of the file: only what the lab uses is asked for;
what has to be tried is tried in a throw-away namespace (kernel/trials.py), because a module may be loaded by the asking.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vethlab.errors import HostError, LabError
from vethlab.model.names import HOST

if TYPE_CHECKING:
    from vethlab.keep.client import Mode
    from vethlab.keep.record import Record
    from vethlab.model.topology import Topology


def require(topology: Topology, mode: Mode, switch: str = "") -> None:
    """LabError or HostError for the first thing that is missing. `switch`: where a running lab has its bridges on the machine's own."""
    _require_private(topology)
    _require_nft(topology)
    _require_kernel(topology)
    _require_machine(topology, mode)
    if topology.uplink != "none":
        from vethlab.lab.uplinks import require_uplink  # noqa: PLC0415 - few labs reach the real world

        require_uplink(topology, mode)
    if any(network.type == "ovs" for network in topology.networks):
        from vethlab.lab.switching import require_switch  # noqa: PLC0415 - only for labs with Open vSwitch

        require_switch(topology, switch)


def require_same(topology: Topology, record: Record) -> None:
    """LabError if a running lab would have to move from a machine of its own to the real one, or back."""
    joins = record.joins if record.machine else ""
    if topology.joins_machine != (joins == HOST):
        raise LabError(
            f"lab `{topology.name}` runs with `host: {'machine' if joins == HOST else 'private'}`, and its file says the other",
            where=topology.name, slug="other-host", help="take it down first: a running lab cannot move its bridges",
        )
    if topology.machine != joins:
        raise LabError(
            f"lab `{topology.name}` runs {'with' if joins else 'without'} `uplink: machine`, and its file says the other",
            where=topology.name, slug="other-host", help="take it down first: a running lab neither joins the machine nor leaves it",
        )


def _require_private(topology: Topology) -> None:
    """LabError, before anything is touched, for a private directory that the machine does not have."""
    for node in topology.nodes:
        for path in node.private:
            above = next((one for one in ("/run", *node.private) if path.startswith(one.rstrip("/") + "/")), None)
            if above is not None:
                raise LabError(
                    f"node `{node.name}` wants {path} private, which lies in {above}, private too", where=path, slug="no-such-directory",
                    help="an empty directory holds no other: name one of the two",
                )
            if not os.path.isdir(path):  # noqa: PTH112 - no pathlib on this path
                raise LabError(
                    f"node `{node.name}` wants {path} private, and this machine has no such directory", where=path,
                    slug="no-such-directory", help="a private directory covers one that exists: make it, or name another",
                )


def _require_machine(topology: Topology, mode: Mode) -> None:
    """HostError, before anything is touched, for a lab that joins the machine's network without root."""
    if topology.joins_machine and mode != "root":
        who = "an ordinary user may not" if os.geteuid() else "a rootless lab does not"
        raise HostError(
            "`host: machine` needs root", where=topology.name, why=f"its bridges live in the machine's own network, which {who} change",
            help="sudo vethlab up; or leave `host: machine` away: the lab then has a machine of its own", slug="not-root",
        )


def _require_nft(topology: Topology) -> None:
    """HostError, before anything is touched, for a lab that translates addresses on a machine without nft(8)."""
    hides = topology.uplink != "none" or any(network.nat != "none" for network in topology.networks)
    if not hides and not any(node.publish for node in topology.nodes):
        return
    from vethlab.kernel.features import which  # noqa: PLC0415 - most labs translate nothing

    if which("nft") is None:
        raise HostError(
            f"lab `{topology.name}` translates addresses, but nft is not installed", where=HOST,
            why="`nat`, `publish` and `uplink` are nftables rules", help="apt install nftables", slug="no-nft",
        )


def _require_kernel(topology: Topology) -> None:
    """HostError for the first feature that the lab needs and this kernel lacks."""
    wanted = {network.type for network in topology.networks} & {"macvlan", "vxlan"}
    kinds = sorted(kind for kind in wanted if not os.path.isdir(f"/sys/module/{kind}"))  # noqa: PTH112 - its code is there, nothing to try
    said = [one.shaping for one in topology.cables] + [one.shaping for one in topology.networks]
    shaped = [one for one in said if one]
    queues = sorted({"netem" if one.delay or one.loss else "tbf" for one in shaped})
    if not kinds and not queues:
        return
    from vethlab.kernel.trials import missing  # noqa: PLC0415 - most labs need nothing of it

    for lacking in missing(kinds, queues):
        if lacking in queues:
            raise lacks_queue(lacking, topology.name)
        raise HostError(
            f"the kernel cannot make {lacking} links", where=topology.name, why=f"a network of the lab is of `type: {lacking}`",
            help=f"sudo modprobe {lacking}, or another kernel", slug="kernel-lacks",
        )


def lacks_queue(kind: str, where: str) -> HostError:
    """This kernel has no such queueing discipline."""
    keys = "`delay` and `loss` need" if kind == "netem" else "`rate` needs"
    others = "; `rate` alone does without" if kind == "netem" else ""
    return HostError(
        f"the kernel has no sch_{kind}", where=where, why=f"{keys} that queueing discipline", slug="kernel-lacks",
        help=f"sudo modprobe sch_{kind}, or another kernel{others}",
    )
