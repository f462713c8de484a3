"""Pure: from a topology to the state it asks for, and from two states to the changes that lead from one to the other."""

from __future__ import annotations

from vethlab.plan.desired import desired
from vethlab.plan.diff import diff

__all__ = ["desired", "diff"]
