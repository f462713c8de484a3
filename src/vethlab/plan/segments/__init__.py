"""What makes a network real: one file for each type of network.

Enters: a network and the Spaces that collect what namespaces hold; leaves: links and addresses in them. Rule of the package: a type is a
file, of its name, with a function `add`; nothing else of `plan` knows the types apart. It is loaded for labs that have such a network.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vethlab.model.topology import Network
    from vethlab.plan.spaces import Spaces


def add(spaces: Spaces, network: Network) -> None:
    """Everything that a network needs, in the namespaces of its host and its nodes."""
    of_type: Callable[[Spaces, Network], None] = import_module(f"{__name__}.{network.type}").add
    of_type(spaces, network)
