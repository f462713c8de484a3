"""Effects: carries a plan out, proves that it arrived, and puts things back if it did not."""

from __future__ import annotations

from vethlab.apply.convergence import Goal, converge

__all__ = ["Goal", "converge"]
