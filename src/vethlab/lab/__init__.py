"""The facade: a lab from its file to a running network and back. The page to read first is facade.py."""

from __future__ import annotations

from vethlab.lab.facade import Lab, LabInfo, Receipt, labs
from vethlab.lab.leftovers import clean, leftovers
from vethlab.lab.node import Node, Result, exec_in

__all__ = ["Lab", "LabInfo", "Node", "Receipt", "Result", "clean", "exec_in", "labs", "leftovers"]
