"""A throw-away copy of a lab, to try changes on before they are offered (docs: `vethlab fix`).

Enters: the namespaces of a running lab; leaves: a Rehearsal. Rule of the package: the lab is only read; a copy is made of the kernel's own
messages, said again, so that what vethlab has no word for is copied too; what cannot be copied is said and never passed over.
"""

from __future__ import annotations

from vethlab.keep.client import warm
from vethlab.rehearse.rehearsal import Placeholder, Rehearsal

__all__ = ["Placeholder", "Rehearsal", "warm"]
