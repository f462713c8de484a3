"""Changes as what is run: the words of a command, or a line for a shell where it needs one.

Enters: a change; leaves: argument vectors. Rule of the file: what has a pipe, a redirection or a process in the background needs a shell,
and so does what ends such a process, so that both are known again by their line.
"""

from __future__ import annotations

import shlex

from vethlab.change import Change, LoadRuleset, LoadTable, SetFlows, StartProcess, StopProcess

SHELL = ("sh", "-c")


def argvs(change: Change) -> tuple[tuple[str, ...], ...]:
    """The command lines of a change, in order."""
    if isinstance(change, LoadRuleset | LoadTable | SetFlows | StartProcess | StopProcess):
        return tuple((*SHELL, line) for line in change.commands())
    return tuple(tuple(shlex.split(line)) for line in change.commands())
