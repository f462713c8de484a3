"""What a link does to packets besides carrying them: its MTU, rate, delay and loss, larger segments; in the words of the lab file.

Enters: what is wanted of an interface and what the kernel holds; leaves: words. Rule of the file: of a cable both ends say it, of a network
its box does, and an interface on it only where it differs; what is as usual is not worth a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vethlab.model.link import DEFAULT_MTU, LOOPBACK, USUAL_GSO
from vethlab.model.shaping import Queue, Shaping
from vethlab.plan.shaping import queue
from vethlab.plan.tuning import SEGMENT
from vethlab.spec.amounts import texts

if TYPE_CHECKING:
    from vethlab.model.state import Netns
    from vethlab.model.topology import Cable, Network

__all__ = ["Traits", "as_declared", "as_found", "of_network"]

TUNED, UNTUNED, UNSHAPED = "tuned", "not tuned", "not shaped"


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one interface. `queue` None: nothing is slowed down, delayed or lost; `gso` None: segments as large as usual."""

    mtu: int = DEFAULT_MTU
    queue: Queue | None = None
    gso: int | None = None

    @classmethod
    def of(cls, space: Netns, name: str) -> Traits:
        """As a state has it; the usual ones where it has no such interface."""
        link = space.links.get(name)
        if link is None:
            return cls()
        large = link.gso if link.gso is not None and link.gso > USUAL_GSO else None
        return cls(DEFAULT_MTU if name == LOOPBACK else link.mtu, space.queues.get(name), large)


USUAL = Traits()


def as_declared(cable: Cable) -> tuple[str, ...]:
    """What is said of a cable, at each of its ends."""
    return _words(Traits(cable.mtu, queue(cable.shaping, cable.mtu), SEGMENT if cable.tuned else None), USUAL)


def of_network(network: Network) -> tuple[str, ...]:
    """What is said of a network, on one line."""
    one = Traits(network.mtu, queue(network.shaping, network.mtu), SEGMENT if network.tuned else None)
    return tuple(filter(None, [", ".join(_words(one, USUAL))]))


def as_found(found: Traits, wanted: Traits, *, shared: bool) -> tuple[str, ...]:
    """What an interface has that nobody would expect, and what it lacks. `shared`: its network says what is wanted."""
    lacks = [UNSHAPED] if wanted.queue and not found.queue else []
    return (*_words(found, wanted if shared else USUAL), *lacks, *([UNTUNED] if wanted.gso and not found.gso else []))


def _words(one: Traits, usual: Traits) -> tuple[str, ...]:
    words = [f"mtu {one.mtu}"] if one.mtu != usual.mtu else []
    if one.queue is not None and one.queue != usual.queue:
        held = texts(Shaping(one.queue.rate, one.queue.delay, one.queue.loss))
        words += [", ".join(f"{key} {text}" for key, text in held.items())] if held else []
    if one.gso is not None and one.gso != usual.gso:
        words.append(TUNED if one.gso == SEGMENT else f"segments of {one.gso} bytes")
    return tuple(words)
