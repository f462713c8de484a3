"""What is outside of a lab that has an uplink. Enters: the lab as a whole. Leaves: mistakes.

Rule of the file: what is real has no name here: where a check goes out of the lab it says to which address.
"""

from __future__ import annotations

from vethlab.model.names import WORLD
from vethlab.spec.mistakes import Mistakes
from vethlab.spec.rules import Whole


def check(whole: Whole, mistakes: Mistakes) -> None:
    """Every rule about an uplink that is there."""
    uplink = whole.lab.get("uplink", "none")
    for one in whole.checks:
        if one.check.target.word == WORLD:
            mistakes.add(
                one.item, "world-is-real", f"with `uplink: {uplink}` the world is the real one, and `world` is no address of it",
                why="who of all the world?", help="name an address: `ping a -> 192.0.2.1`", part=one.target, topic="uplink",
            )
    if uplink == "pasta" and whole.lab.get("host", "private") == "machine":
        mistakes.add(
            whole.lab.at("uplink"), "wrong-value", "`uplink: pasta` leads out of a private host, and this lab has `host: machine`",
            why="the machine has its own way out", help="say `uplink: machine`, or leave `host: machine` away", topic="uplink",
        )
