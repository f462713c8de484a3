"""Large labs on one screen: nodes that differ only in their number become a stack, their cables a bundle.

Enters: a scene, and the boxes that stay as they are; leaves: a scene. Rule of the file: every node and every cable is drawn or counted,
and only what stands alike in the lab is put together: same stem of the name, same words, interfaces alike that lead to boxes alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from vethlab.present.drawing.levels import components
from vethlab.present.drawing.runs import between, names, split
from vethlab.present.drawing.scene import NODE, Box, Cable, Plug, Scene

__all__ = ["folded"]

LEGIBLE, TRACEABLE = 16, 50  # nodes that a picture shows one by one, and cables: a mesh of ten has 45
KINDS = 3  # of words that are told of many interfaces, the rest is counted
FEWEST = 5  # nodes that a stack is made of


def folded(scene: Scene, keep: Collection[str] = ()) -> Scene:
    """The scene with its ranges folded, if it is large. `keep`: boxes that a journey passes."""
    if sum(box.kind == NODE for box in scene.boxes) <= LEGIBLE and len(scene.cables) <= TRACEABLE:
        return scene
    stacks: dict[str, str] = {}
    boxes: list[Box] = []
    for group in _alike(scene, keep):
        stack = _stack(group, _among(scene, {box.key for box in group})) if len(group) >= FEWEST else None
        stacks |= {box.key: stack.key if stack else box.key for box in group}
        boxes += [stack] if stack else group
    order = {box.key: place for place, box in reversed(list(enumerate(scene.boxes)))}
    first = {stacks[key]: order[key] for key in reversed(stacks)}
    boxes.sort(key=lambda box: min(first[box.key], *(order[key] for key, at in stacks.items() if at == box.key)))
    return _bundled(scene, tuple(boxes), stacks)


def _alike(scene: Scene, keep: Collection[str]) -> list[list[Box]]:
    """Boxes by what they are, refined by what their interfaces lead to until that tells nothing new."""
    parents = {box.parent for box in scene.boxes}
    plugs: dict[str, list[Plug]] = {}
    for plug in scene.plugs:
        plugs.setdefault(plug.box, []).append(plug)
    box_of, far = {plug.key: plug.box for plug in scene.plugs}, _far(scene)
    looks: dict[str, object] = {}
    for box in scene.boxes:
        alone = box.kind != NODE or box.key in parents or not split(box.name)[1]
        looks[box.key] = box.key if alone else (box.parent, split(box.name)[0], box.words)
    for _ in scene.boxes:
        beyond = {plug.key: sorted({str(looks[box_of[other]]) for other in far.get(plug.key, ())}) for plug in scene.plugs}
        around = {
            key: (look, *sorted({(split(plug.name)[0], *beyond[plug.key]) for plug in plugs.get(key, ())})) for key, look in looks.items()
        }
        numbers = {look: str(number) for number, look in enumerate(dict.fromkeys(around.values()))}
        settled = len(numbers) == len(set(looks.values()))
        looks = {key: numbers[look] for key, look in around.items()}
        if settled:
            break
    groups: dict[object, list[Box]] = {}
    for box in scene.boxes:
        groups.setdefault(box.key if box.key in keep else looks[box.key], []).append(box)
    return list(groups.values())


def _far(scene: Scene) -> dict[str, list[str]]:
    far: dict[str, list[str]] = {}
    for cable in scene.cables:
        far.setdefault(cable.left, []).append(cable.right)
        far.setdefault(cable.right, []).append(cable.left)
    return far


def _among(scene: Scene, members: Collection[str]) -> Iterator[str]:
    """How those of one stack are joined to each other, if they are: a bundle of cables does not show it."""
    box_of = {plug.key: plug.box for plug in scene.plugs}
    ends = [(box_of[cable.left], box_of[cable.right]) for cable in scene.cables]
    near: dict[str, list[str]] = {member: [] for member in members}
    for a, b in ends:
        if a in near and b in near and a != b and b not in near[a]:
            near[a].append(b)
            near[b].append(a)
    size, joined = len(near), sum(map(len, near.values())) // 2
    line = joined and max(map(len, near.values())) <= 2 and len(components(near)) == 1
    if joined == size * (size - 1) // 2:
        yield "each with each"
    elif line:
        yield "in a row" if joined < size else "in a ring"
    elif joined:
        yield f"{joined} cables among them"


def _stack(group: Sequence[Box], among: Iterable[str]) -> Box:
    first, members = group[0], tuple(box.key for box in group)
    words = (*first.words, ", ".join([f"{len(group)} nodes", *among]))
    return replace(first, key=f"{first.key}..{len(group)}", name=names([box.name for box in group]), words=words, members=members)


def _bundled(scene: Scene, boxes: tuple[Box, ...], stacks: Mapping[str, str]) -> Scene:
    """Interfaces and cables that begin at one box and end at one, together: those of stacks, and those that lead to a stack."""
    far, plugs = _far(scene), {plug.key: plug for plug in scene.plugs}
    single = {box.key for box in scene.boxes}
    bundles: dict[tuple[str, ...], list[Plug]] = {}
    for plug in scene.plugs:
        mine, there = stacks[plug.box], sorted({stacks[plugs[other].box] for other in far.get(plug.key, ())})
        if any(one not in single for one in there):
            key: tuple[str, ...] = (mine, "", *there)
        else:
            key = (plug.key,) if mine == plug.box else (mine, plug.name, *there)
        bundles.setdefault(key, []).append(plug)
    merged = {plug.key: group[0].key for group in bundles.values() for plug in group}
    counts = Counter((merged[cable.left], merged[cable.right], cable.kind) for cable in scene.cables for _ in range(cable.count))
    return Scene(
        scene.name, boxes, tuple(_merged(group, stacks) for group in bundles.values()),
        tuple(Cable(left, right, kind, count) for (left, right, kind), count in counts.items()),
    )


def _merged(group: Sequence[Plug], stacks: Mapping[str, str]) -> Plug:
    first = group[0]
    if len(group) == 1:
        return replace(first, box=stacks[first.box])
    return Plug(
        first.key, stacks[first.box], names(list(dict.fromkeys(plug.name for plug in group))), tuple(_addresses(group)),
        (f"{len(group)} interfaces", *_words(group)), any(plug.bad for plug in group), all(plug.loose for plug in group),
        tuple(plug.key for plug in group),
    )


def _addresses(group: Sequence[Plug]) -> Iterator[str]:
    """The range of the first addresses, of the second, and so on: IPv4 and IPv6 stand in the same order everywhere."""
    for place in range(max(len(plug.addresses) for plug in group)):
        yield between([plug.addresses[place] for plug in group if len(plug.addresses) > place])


def _words(group: Sequence[Plug]) -> Iterator[str]:
    counts = Counter(word for plug in group for word in plug.words)
    shown = len(counts) if len(counts) <= KINDS + 1 else KINDS
    for word, count in list(counts.items())[:shown]:
        yield word if count == len(group) else f"{count} {word}"
    if len(counts) > shown:
        yield f"and {len(counts) - shown} more such words"
