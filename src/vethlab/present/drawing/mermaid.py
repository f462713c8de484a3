"""A scene for Mermaid, which draws in Markdown on many sites.

Enters: a scene; leaves: a flowchart (mermaid.js.org/syntax/flowchart). Rule of the file: what a lab's names hold stays text: identifiers
are numbered, and in labels every character that is neither a letter, a digit nor harmless is an entity.
"""

from __future__ import annotations

from collections.abc import Iterator

from vethlab.present.drawing.metrics import clean
from vethlab.present.drawing.nest import TOP, Nest
from vethlab.present.drawing.scene import Plug, Scene

__all__ = ["mermaid"]

HARMLESS = " .,:/-_+*…·→"


def mermaid(scene: Scene) -> str:
    """The flowchart: a node for each box, an edge for each cable with both interfaces and their addresses."""
    nest = Nest(scene)
    tiles: dict[str, str] = {}
    lines = ["flowchart LR", *_group(nest, TOP, tiles, "  ")]
    homes = {plug.key: key for key in tiles for plug in nest.plugs_of(key)}
    for cable in scene.cables:
        left, right = nest.plugs[cable.left], nest.plugs[cable.right]
        line = "-.-" if cable.kind == "tunnel" else "===" if cable.count > 1 else "---"
        label = _text(" to ".join(part for part in (_end(left), _end(right)) if part))
        lines.append(f'  {tiles[homes[left.key]]} {line}|"{label}"| {tiles[homes[right.key]]}')
    return "\n".join(lines) + "\n"


def _group(nest: Nest, group: str, tiles: dict[str, str], indent: str) -> Iterator[str]:
    for kid in nest.kids(group):
        box = nest.box_of(kid)
        if nest.is_group(kid):
            yield f'{indent}subgraph g{len(tiles)} ["{_text(box.name)}"]'
            yield from _group(nest, kid, tiles, indent + "  ")
            yield f"{indent}end"
        else:
            tiles[kid] = f"n{len(tiles)}"
            words = [box.name, *box.words, *box.addresses] if kid in nest.boxes else [f"interfaces of {box.name}"]
            yield f'{indent}{tiles[kid]}["{"<br/>".join(_text(word) for word in words)}"]'


def _end(plug: Plug) -> str:
    return " ".join([plug.name, *plug.addresses, *plug.words]).strip()


def _text(text: str) -> str:
    return "".join(one if (one.isascii() and one.isalnum()) or one in HARMLESS else f"#{ord(one)};" for one in clean(text)) or " "
