"""A page of its own: the picture, the story of the journey, the table of addresses, and all of it in words. One file, nothing is fetched.

Enters: a picture, the scene it is of with nothing folded, hops and sections of a story; leaves: an HTML document. Rule of the file: it is
complete without its script, which only highlights what belongs together and zooms.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vethlab.present.drawing.page import SCRIPT, STYLE
from vethlab.present.drawing.scene import Scene
from vethlab.present.drawing.shapes import Picture
from vethlab.present.drawing.sheet import sheet
from vethlab.present.drawing.svg import attribute, svg, text
from vethlab.present.drawing.told import told
from vethlab.present.steps import NEVER, Step

__all__ = ["Section", "html"]

TOOLS = """\
<div class="tools" hidden>
<button data-zoom="1.25">Larger</button><button data-zoom="0.8">Smaller</button><button data-zoom="0">Fit</button>
</div>
<div class="view" tabindex="0" role="group" aria-label="Picture, can be scrolled">"""
HEAD = "<thead><tr><th>node</th><th>interface</th><th>addresses</th><th>leads to</th><th></th></tr></thead>"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a story: a title, sentences, and command lines with what is said of each."""

    title: str
    lines: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = ()


def html(
    picture: Picture, scene: Scene, said: Sequence[tuple[str, str]], hops: tuple[Sequence[Step], Sequence[Step]] | None = None,
    story: Sequence[Section] = (),
) -> str:
    """The document. `said`: lines below the name; `hops`: of the request and of the reply."""
    lines = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">',
        f"<title>{text(picture.title)}</title>\n<style>{STYLE}{sheet()}</style>\n</head>\n<body>",
        f"<header><h1>{text(scene.name)}</h1>",
        *(f'<p class="{tone or "plain"}">{text(line)}</p>' for line, tone in said),
        "</header>\n<main>\n<figure>", TOOLS, svg(picture, inline=True), "</div>\n</figure>",
        *(_journey(*hops) if hops is not None and (hops[0] or hops[1]) else ()),
        *(part for section in story for part in _section(section)),
        *_addresses(scene),
        '<section>\n<h2>In words</h2>\n<ul class="words">', *(f"<li>{text(line)}</li>" for line in told(scene)), "</ul>\n</section>",
        f"</main>\n<script>{SCRIPT}</script>\n</body>\n</html>",
    ]
    return "\n".join(lines) + "\n"


def _journey(request: Sequence[Step], reply: Sequence[Step]) -> Iterator[str]:
    yield '<section>\n<h2>The journey</h2>\n<div class="wide"><table>\n<thead><tr><th class="number">hop</th><th>where</th><th></th>'
    yield '<th>what</th><th class="number">time</th><th></th></tr></thead>'
    number = 0
    for title, steps in (("The request", request), ("The reply", reply)):
        if not steps:
            continue
        yield f'<tbody><tr><th colspan="6" scope="rowgroup">{title}</th></tr>'
        for step in steps:
            number += 1
            key = f"{step.node}:{step.interface}" if step.interface else step.node
            tone = ' class="fault"' if step.mark else ' class="never"' if step.time == NEVER else ""
            cells = f"<td>{text(f'{step.node} {step.interface}'.strip())}</td><td>{text(step.way)}</td><td>{text(step.what)}</td>"
            tail = f"{'✗ ' if step.mark else ''}{step.tail.removeprefix('← ')}"
            yield f'<tr{tone} data-key={attribute(key)} tabindex="0"><td class="number">{number}</td>{cells}'
            yield f'<td class="number">{text(step.time)}</td><td>{text(tail)}</td></tr>'
        yield "</tbody>"
    yield "</table></div>\n</section>"


def _section(section: Section) -> Iterator[str]:
    yield f"<section>\n<h2>{text(section.title)}</h2>"
    tag = ("<ul>", "<li>", "</li>", "</ul>") if len(section.lines) > 2 else ("", "<p>", "</p>", "")
    yield "\n".join([tag[0], *(f"{tag[1]}{text(line)}{tag[2]}" for line in section.lines), tag[3]]).strip()
    yield from (f"<p><code>{text(command)}</code> {text(aside)}</p>" for command, aside in section.commands)
    yield "</section>"


def _addresses(scene: Scene) -> Iterator[str]:
    """Every interface, nothing folded; and the bridges' own addresses."""
    far: dict[str, list[str]] = {}
    for cable in scene.cables:
        far.setdefault(cable.left, []).append(cable.right)
        far.setdefault(cable.right, []).append(cable.left)
    yield f'<section>\n<h2>Addresses</h2>\n<div class="wide"><table>\n{HEAD}\n<tbody>'
    for box in scene.boxes:
        if box.addresses:
            yield _row(box.parent or box.key, box.name, box.addresses, (), box.words, box.key)
        for plug in (one for one in scene.plugs if one.box == box.key and one.name):
            node, _, name = plug.key.rpartition(":")
            yield _row(node, name, plug.addresses, far.get(plug.key, ()), plug.words, plug.key)
    yield "</tbody>\n</table></div>\n</section>"


def _row(node: str, name: str, addresses: Sequence[str], far: Sequence[str], words: Sequence[str], key: str) -> str:
    owned = "<br>".join(f"<code>{text(one)}</code>" for one in addresses)
    cells = (text(node), text(name), owned, text(", ".join(far)), text(", ".join(words)))
    return f'<tr data-key={attribute(key)} tabindex="0">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
