"""What every test of drift says: a change by hand is told, and `up` mends it."""

from __future__ import annotations

from vethlab import Lab


def told_and_repaired(lab: Lab, node: str, command: str, told: str) -> None:
    """Run the command in the node; the plan must tell `action object`, `up` mend it, and then nothing differ and every path pass."""
    done = lab[node].exec(command)
    assert done, done.stderr
    assert told in [f"{one.action} {one.object}" for one in lab.plan()]
    lab.up()
    assert () == lab.plan()
    assert lab.check().ok
