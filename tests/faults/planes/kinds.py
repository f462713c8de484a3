"""The kinds of random labs of this folder, by name.

Rule of the file: a kind says how its scenes come about, which faults fit it (a general fault as often as one of its own), and what is odd
and harmless in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.faults.planes import docker, docker_faults, office, overlay, overlay_faults, switched
from tests.faults.scenes import Maker, Scene

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of random labs. `oddities` leaves lists of lines, of which some are typed."""

    scene: Callable[[Random, int], Scene]
    makers: tuple[Maker, ...]
    oddities: Callable[[Scene], list[list[str]]]


KINDS: dict[str, Kind] = {
    "switched": Kind(switched.scene, switched.MAKERS, switched.oddities),
    "overlay": Kind(overlay.scene, overlay_faults.MAKERS, overlay_faults.oddities),
    "docker": Kind(docker.scene, docker_faults.MAKERS, docker_faults.oddities),
    "office": Kind(office.scene, office.MAKERS, office.oddities),
}
