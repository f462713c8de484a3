"""Which box stands in which: a scene as a tree, and where in it each cable begins and ends.

Enters: a scene; leaves: answers. Rule of the file: a box that holds others is a group; its own interfaces stand on a tile in it.
"""

from __future__ import annotations

from vethlab.present.drawing.scene import Box, Plug, Scene

__all__ = ["TOP", "Nest"]

TOP = ""
OWN = "#"  # no name holds it


class Nest:
    """The tree of a scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.boxes = {box.key: box for box in scene.boxes}
        self.plugs = {plug.key: plug for plug in scene.plugs}
        self.parents = {box.key: box.parent if box.parent in self.boxes else TOP for box in scene.boxes}
        self.groups = {TOP, *self.parents.values()}
        self._of_box: dict[str, list[Plug]] = {}
        for plug in scene.plugs:
            self._of_box.setdefault(plug.box, []).append(plug)
        self._paths = {plug.key: self._path(plug.box) for plug in scene.plugs}

    def kids(self, group: str) -> list[str]:
        """What stands in a group, in the order of the file, its own interfaces first."""
        own = [group + OWN] if group != TOP and group in self._of_box else []
        return own + [box.key for box in self.scene.boxes if self.parents[box.key] == group]

    def is_group(self, key: str) -> bool:
        """Whether boxes stand in it."""
        return key in self.groups

    def box_of(self, key: str) -> Box:
        """The box that a tile is of."""
        return self.boxes[key.removesuffix(OWN)]

    def plugs_of(self, key: str) -> list[Plug]:
        """The interfaces on a tile."""
        return self._of_box.get(key.removesuffix(OWN), [])

    def kid_with(self, group: str, plug: str) -> str | None:
        """The kid of a group in which an interface is; None if it is not in the group."""
        path = self._paths[plug]
        return path[path.index(group) + 1] if group in path[:-1] else None

    def _path(self, box: str) -> tuple[str, ...]:
        above = [box]
        while above[-1] != TOP:
            above.append(self.parents[above[-1]])
        path = tuple(reversed(above))
        return (*path, box + OWN) if box in self.groups else path
