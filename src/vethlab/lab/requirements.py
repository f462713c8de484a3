"""What a lab needs of the kernel beyond veth pairs and bridges, asked before anything is touched.

Enters: a topology; leaves: nothing, or HostError naming what is lacking. Rule of the file: only what the lab uses is tried, in a throw-away
namespace (kernel/trials.py), because a module may be loaded by the asking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.errors import HostError

if TYPE_CHECKING:
    from vethlab.model.topology import Topology

__all__ = ["require_kernel"]


def require_kernel(topology: Topology) -> None:
    """HostError for the first feature that the lab needs and this kernel lacks."""
    kinds = ["macvlan"] if any(network.type == "macvlan" for network in topology.networks) else []
    if not kinds:
        return
    from vethlab.kernel.trials import missing  # noqa: PLC0415 - most labs need nothing of it

    for lacking in missing(kinds):
        raise HostError(
            f"the kernel cannot make {lacking} links", where=topology.name, why=f"a network of the lab is of `type: {lacking}`",
            help=f"sudo modprobe {lacking}, another kernel, or `type: bridge`", slug="kernel-lacks",
        )
