"""The facade: a lab from its file to a running network and back. The page to read first is facade.py.

Rule of the file: public names only; those that `up`, `check` and `down` do not need are loaded on first use (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vethlab.lab.facade import Lab, Receipt

if TYPE_CHECKING:
    from vethlab.lab.cleaning import clean, leftovers
    from vethlab.lab.listing import LabInfo, labs
    from vethlab.lab.node import Node, Result, exec_in

__all__ = ["Lab", "LabInfo", "Node", "Receipt", "Result", "clean", "exec_in", "labs", "leftovers"]


def __getattr__(name: str) -> object:
    """Names of `cleaning`, `listing` and `node`."""
    if name in {"clean", "leftovers"}:
        from vethlab.lab import cleaning as module  # noqa: PLC0415

        return getattr(module, name)
    if name in {"LabInfo", "labs"}:
        from vethlab.lab import listing  # noqa: PLC0415

        return getattr(listing, name)
    if name in {"Node", "Result", "exec_in"}:
        from vethlab.lab import node  # noqa: PLC0415

        return getattr(node, name)
    raise AttributeError(name)
