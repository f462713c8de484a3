"""Asks a running lab whether its packets arrive: real packets, from inside the namespaces, by one process without threads."""

from __future__ import annotations

from vethlab.probe.check import run

__all__ = ["run"]
