"""The same as the picture, in words: for who cannot see it, and for who searches a page.

Enters: a scene; leaves: a sentence for each box, in the order of the file. Rule of the file: whatever is drawn is told.
"""

from __future__ import annotations

from vethlab.present.drawing.scene import NETWORK, Box, Plug, Scene

__all__ = ["told"]


def told(scene: Scene) -> tuple[str, ...]:
    """A sentence for each box: what it is, where, and each of its interfaces with where it leads."""
    far: dict[str, list[str]] = {}
    plugs = {plug.key: plug for plug in scene.plugs}
    for cable in scene.cables:
        far.setdefault(cable.left, []).append(cable.right)
        far.setdefault(cable.right, []).append(cable.left)
    owned: dict[str, list[Plug]] = {}
    for plug in scene.plugs:
        owned.setdefault(plug.box, []).append(plug)
    sentences = []
    for box in scene.boxes:
        parts = [_interface(plug, [_place(scene, plugs[key]) for key in far.get(plug.key, ())]) for plug in owned.get(box.key, ())]
        inside = [other.name for other in scene.boxes if other.parent == box.key]
        if inside:
            parts.insert(0, f"holds {', '.join(inside)}")
        sentences.append(f"{_name(box)}: {'; '.join(parts)}" if parts else _name(box))
    return tuple(sentences)


def _name(box: Box) -> str:
    kind = "network" if box.kind == NETWORK else "node"
    within = f" in {box.parent}" if box.parent else ""
    extra = ", ".join([*box.words, *box.addresses])
    return f"{kind} {box.name}{within}{f' ({extra})' if extra else ''}"


def _interface(plug: Plug, far: list[str]) -> str:
    name = plug.name or "an interface"
    words = ", ".join(plug.words)
    text = " ".join([name, *plug.addresses, *([f"({words})"] if words else [])])
    return f"{text} to {' and '.join(far)}" if far else text


def _place(scene: Scene, plug: Plug) -> str:
    box = scene.box(plug.box)
    return f"{plug.name} of {box.name if box is not None else plug.box}" if plug.name else f"{box.name if box is not None else plug.box}"
