"""Into which column each box goes: candidates, of which the arrangement takes the one that draws best.

Enters: a graph; leaves: dictionaries from box to column. Rule of the file: every candidate is a breadth-first search from some boxes, or
a long row wound to and fro, so that a cable joins neighbouring columns or two boxes of one; only in a mesh do cables pass columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Graph", "candidates", "components"]

Graph = Mapping[str, Sequence[str]]  # neighbours, once for each cable; in the order of the lab file
Levels = dict[str, int]
DENSE, DENSITY = 3, 0.6  # boxes, and the share of all pairs that are joined, past which a graph is a mesh
LONG = 8  # boxes of a row that may be wound
SINGLE = 4  # single boxes that a search begins at, and classes of boxes


def components(graph: Graph) -> list[list[str]]:
    """The connected parts, and the boxes of each, in the order of the file."""
    found: list[list[str]] = []
    seen: set[str] = set()
    for first in graph:
        if first in seen:
            continue
        part = set(_search(graph, [first]))
        seen |= part
        found.append([box for box in graph if box in part])
    return found


def candidates(graph: Graph, kinds: Mapping[str, str], ends: Sequence[str] = ()) -> Iterator[tuple[Levels, int]]:
    """Ways to divide a graph into columns, each once, and how often each tears apart what is alike.

    `kinds`: what makes boxes alike; `ends`: boxes that should be last.
    """
    seen: list[Levels] = []
    classes = _classes(graph, kinds)
    for levels, symmetric in _every(graph, classes, ends):
        if levels not in seen:
            seen.append(levels)
            yield levels, 0 if symmetric else sum(len({levels[box] for box in group}) - 1 for group in classes)


def _every(graph: Graph, classes: Sequence[Sequence[str]], ends: Sequence[str]) -> Iterator[tuple[Levels, bool]]:
    if ends:
        yield from ((levels, False) for levels in _both(_whole(graph, list(ends))))
    apart = [group for group in classes if not any(near in group for box in group for near in graph[box])]
    for group in apart[:SINGLE]:
        levels = _whole(graph, group)
        yield levels, False
        yield from ((turned, True) for turned in _mirrored(graph, levels))
        if ends:
            yield from ((turned, False) for turned in _both(levels))
    yield from ((spread, True) for spread in (*_spread(graph), *_wound(graph)))
    far = sorted(graph, key=lambda box: -max(_search(graph, [box]).values()))
    for box in far[:SINGLE]:
        levels = _whole(graph, [box])
        yield levels, False
        yield from ((loose, False) for loose in _loosened(graph, levels))


def _spread(graph: Graph) -> Iterator[Levels]:
    """A mesh is one column to every search, and its cables then all lie beside it: one box a column, or two, in the order of the file."""
    joined = sum(len(set(near)) for near in graph.values())
    if len(graph) > DENSE and joined >= DENSITY * len(graph) * (len(graph) - 1):
        for tall in (1, 2):
            yield {box: place // tall for place, box in enumerate(graph)}


def _wound(graph: Graph) -> Iterator[Levels]:
    """A long row, wound to and fro like a text of oxen: in a few lines, or in as many as make a square."""
    ends = [box for box in graph if len(set(graph[box])) == 1]
    if len(graph) < LONG or len(ends) != 2 or any(len(set(near)) > 2 for near in graph.values()):
        return
    along = [box for box, _ in sorted(_search(graph, ends[:1]).items(), key=lambda one: one[1])]
    for lines in dict.fromkeys((2, 3, 4, 6, round(math.sqrt(len(along))))):
        wide = math.ceil(len(along) / lines)
        yield {box: place % wide if place // wide % 2 == 0 else wide - 1 - place % wide for place, box in enumerate(along)}


def _both(levels: Levels) -> Iterator[Levels]:
    last = max(levels.values())
    yield {box: last - level for box, level in levels.items()}
    yield levels


def _whole(graph: Graph, sources: Sequence[str]) -> Levels:
    """A search over all parts of the graph: a part without a source begins at its first box."""
    levels = _search(graph, sources)
    for part in components(graph):
        if not any(box in levels for box in part):
            levels |= _search(graph, part[:1])
    return levels


def _search(graph: Graph, sources: Sequence[str]) -> Levels:
    levels = dict.fromkeys(sources, 0)
    queue = list(levels)
    for box in queue:
        for near in graph[box]:
            if near not in levels:
                levels[near] = levels[box] + 1
                queue.append(near)
    return levels


def _classes(graph: Graph, kinds: Mapping[str, str]) -> list[list[str]]:
    """Boxes that are alike in kind, and in the kinds of their neighbours, three steps far (colour refinement)."""
    looks = {box: (kinds.get(box, ""), min(2, len(set(graph[box])))) for box in graph}  # an end, or something that joins
    names: dict[object, int] = {look: number for number, look in enumerate(dict.fromkeys(looks.values()))}
    colours = {box: names[look] for box, look in looks.items()}
    for _ in range(3):
        around = {box: (colours[box], *sorted({colours[near] for near in graph[box]})) for box in graph}
        names = {colour: number for number, colour in enumerate(dict.fromkeys(around.values()))}
        colours = {box: names[around[box]] for box in graph}
    groups: dict[int, list[str]] = {}
    for box, colour in colours.items():
        groups.setdefault(colour, []).append(box)
    return list(groups.values())


def _mirrored(graph: Graph, levels: Levels) -> Iterator[Levels]:
    """If everything hangs on one last box: the half of what hangs on it, on its other side."""
    last = max(levels.values())
    middle = [box for box, level in levels.items() if level == last]
    if len(middle) != 1 or not last:
        return
    rest = {box: [near for near in graph[box] if near != middle[0]] for box in graph if box != middle[0]}
    branches = components(rest)
    if len(branches) < 2:
        return
    half, placed, turned = sum(len(one) for one in branches) / 2, 0, dict(levels)
    for branch in branches:
        if placed and placed + len(branch) / 2 > half:
            turned |= {box: 2 * last - levels[box] for box in branch}
        placed += len(branch)
    yield turned


def _loosened(graph: Graph, levels: Levels) -> Iterator[Levels]:
    """Boxes with one neighbour moved to its other side where that has fewer: all of them, then the half of them."""
    ends = [box for box in graph if len(set(graph[box])) == 1 and levels[box] > levels[graph[box][0]]]
    hubs = {graph[box][0] for box in ends}
    back = dict(levels)
    for hub in hubs:
        mine = [box for box in ends if graph[box][0] == hub]
        others = [near for near in set(graph[hub]) if near not in mine and levels[near] > levels[hub]]
        for box in mine if others else mine[: (len(mine) - 1) // 2]:
            back[box] = levels[hub] - 1
    low = min(back.values())
    yield {box: level - low for box, level in back.items()}
