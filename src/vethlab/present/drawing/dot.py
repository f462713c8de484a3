"""A scene for Graphviz: who wants another layout, or a picture in a larger one.

Enters: a scene; leaves: text in the DOT language (graphviz.org/doc/info/lang.html). Rule of the file: what a lab's names hold stays text:
identifiers are numbered, and labels are HTML-like with everything escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from vethlab.present.drawing.metrics import clean
from vethlab.present.drawing.nest import TOP, Nest
from vethlab.present.drawing.scene import NETWORK, Plug, Scene

__all__ = ["dot"]

HEAD = """\
graph {{
  graph [label={name}, labelloc=t, rankdir=LR, fontname="sans-serif", nodesep=0.4, ranksep=1.1]
  node [shape=plain, fontname="sans-serif", fontsize=11]
  edge [color="#5b6b80"]
"""


def dot(scene: Scene) -> str:
    """The graph, with a port for each interface."""
    nest = Nest(scene)
    tiles: dict[str, str] = {}
    lines = [HEAD.format(name=f"<{escape(clean(scene.name)) or ' '}>"), *_group(nest, TOP, tiles, "  ")]
    cells = {plug.key: f"p{number}" for number, plug in enumerate(scene.plugs)}
    homes = {plug.key: key for key in tiles for plug in nest.plugs_of(key)}
    for cable in scene.cables:
        ends = [f"{tiles[homes[plug]]}:{cells[plug]}" for plug in (cable.left, cable.right)]
        looks = [*(["style=dashed"] if cable.kind == "tunnel" else []), *([f"penwidth=3, label={cable.count}"] if cable.count > 1 else [])]
        lines.append(f"  {ends[0]} -- {ends[1]}" + (f" [{', '.join(looks)}]" if looks else ""))
    return "\n".join([*lines, "}"]) + "\n"


def _group(nest: Nest, group: str, tiles: dict[str, str], indent: str) -> Iterator[str]:
    for kid in nest.kids(group):
        if nest.is_group(kid):
            yield f"{indent}subgraph cluster_{len(tiles)} {{"
            yield f'{indent}  label=<<b>{escape(clean(nest.boxes[kid].name))}</b>>; style="rounded,dashed"; color="#7d8a9a"'
            yield from _group(nest, kid, tiles, indent + "  ")
            yield f"{indent}}}"
        else:
            tiles[kid] = f"n{len(tiles)}"
            yield f"{indent}{tiles[kid]} [label=<{_label(nest, kid)}>]"


def _label(nest: Nest, kid: str) -> str:
    box, order = nest.box_of(kid), [plug.key for plug in nest.scene.plugs]
    fill = "#fff7e8" if box.kind == NETWORK else "#f6f8fb"
    head = "" if kid not in nest.boxes else "<br/>".join(
        [f"<b>{escape(clean(box.name)) or ' '}</b>", *(escape(clean(word)) for word in (*box.words, *box.addresses))],
    )
    rows = [f"<tr><td>{head}</td></tr>"] if head else []
    rows += [f'<tr><td port="p{order.index(plug.key)}" border="1" color="#b4bfcc">{_cell(plug)}</td></tr>' for plug in nest.plugs_of(kid)]
    body = "".join(rows) or "<tr><td></td></tr>"
    return f'<table border="1" cellborder="0" cellspacing="4" style="rounded" bgcolor="{fill}">{body}</table>'


def _cell(plug: Plug) -> str:
    lines = [f"<b>{escape(clean(plug.name))}</b>"] if plug.name else []
    return "<br/>".join([*lines, *(escape(clean(text)) for text in (*plug.addresses, *plug.words))]) or " "
