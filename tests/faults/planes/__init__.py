"""Random labs beyond bridges and cables: switches, overlays, macvlans, translated addresses, rates; and what breaks and confuses them.

Enters: a random source; leaves: a Scene in one of these worlds, the faults that may be put into it, and the oddities. Rule of the folder:
as everywhere in tests/faults, what is true of a fault is written from what the kernel does, not from what `why` answers.
"""

from __future__ import annotations

from tests.faults.planes.kinds import KINDS, Kind

__all__ = ["KINDS", "Kind"]
