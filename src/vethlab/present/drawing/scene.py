"""What a picture shows, before anybody knows where: boxes in boxes, plugs on boxes, cables between plugs.

Rule of the file: values, in the order of the lab file; keys are `node`, `netns:network` and `node:interface`, as the product spells them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HOST_BOX", "NETWORK", "NODE", "Box", "Cable", "Plug", "Scene"]

NODE, HOST_BOX, NETWORK = "node", "host", "network"  # kinds of boxes


@dataclass(frozen=True, slots=True)
class Box:
    """A namespace (`node`, or `host` if it holds other boxes) or a segment in one (`network`).

    `words`: what else is said of it, a line each; `addresses`: a bridge's own; `members`: the names it stands for, where it is a stack.
    """

    key: str
    kind: str
    name: str
    parent: str = ""
    words: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plug:
    """An interface on a box: one end of a cable, or an end of nothing. `bad`: it is down, or not there; `loose`: no port of its bridge.

    `members`: keys of the interfaces it stands for, where it is a bundle.
    """

    key: str
    box: str
    name: str
    addresses: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    bad: bool = False
    loose: bool = False
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cable:
    """A veth pair, or what takes its place: `kind` is veth or tunnel. `count`: how many of them, where it is a bundle."""

    left: str
    right: str
    kind: str = "veth"
    count: int = 1


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole lab."""

    name: str
    boxes: tuple[Box, ...]
    plugs: tuple[Plug, ...]
    cables: tuple[Cable, ...]

    def box(self, key: str) -> Box | None:
        """The box of this key."""
        return next((one for one in self.boxes if one.key == key), None)
