"""What a switch would do with a frame: ofproto/trace of ovs-vswitchd (ovs-appctl(8)), asked over its control socket.

Enters: a question; leaves: the answer, taken from the text that people read. Rule of the file: nothing is sent and nothing is learned
(a trace without a packet has no side effects, ofproto/ofproto-dpif-trace.c); what is not understood counts as no output. Where no rule
acts (a port or a mirror stops the frame before), or connection tracking decides, the trace is no answer.
"""

from __future__ import annotations

import re

from vethlab.model.question import Forwarded

__all__ = ["read"]

_RULE = re.compile(r"^ *(\d+)\. (.*)$")
_PRIORITY = re.compile(r"(?:^|, )priority (\d+)$")
_ACTIONS = "Datapath actions: "
_FLOODED = "no learned MAC for destination, flooding"
_TRACKED = "resume conntrack"  # the trace takes every packet for the first of a connection then


def read(text: str, bridge: str) -> Forwarded:
    """The answer in a trace of `bridge`."""
    rules, actions, plain, idle = [], [], False, False
    matched = ""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        rule = _RULE.match(line)
        if rule is not None:
            matched = f"table={rule[1]},{_match(rule[2])}"
            done = " ".join(_actions(lines[at + 1 :]))
            rules.append(f"table {rule[1]}: {rule[2]}: {done}")
            plain, idle = "NORMAL" in done.split(), not done
            if rule[2].startswith("No match"):
                matched = ""
        elif line.startswith(_ACTIONS):
            actions.append(line.removeprefix(_ACTIONS))
    outputs = tuple(dict.fromkeys(name for one in actions for name in _outputs(one)))
    remove = ("ovs-ofctl", "--strict", "del-flows", bridge, matched) if matched and not plain else ()
    failed = "no rule acts on the frame" if idle else "connection tracking decides" if _TRACKED in text else ""
    return Forwarded(outputs, tuple(rules), plain, remove, failed, _FLOODED in text)


def _actions(lines: list[str]) -> list[str]:
    """The indented lines behind a rule, notes (`->`) left out."""
    found = []
    for line in lines:
        if not line.startswith("    ") or _RULE.match(line):
            break
        if not line.strip().startswith(("->", ">>")):
            found.append(line.strip())
    return found


def _match(words: str) -> str:
    """`tcp, priority 8` as ovs-ofctl takes it."""
    priority = _PRIORITY.search(words)
    if priority is None:
        return words
    fields = words[: priority.start()].strip()
    return ",".join(filter(None, (f"priority={priority[1]}", fields)))


def _outputs(actions: str) -> list[str]:
    """The ports a frame leaves by as it came, without a VLAN header of the switch's."""
    found, tagged = [], False
    for action in re.findall(r"(?:[^,(]|\((?:[^()]|\([^()]*\))*\))+", actions):
        word = action.strip()
        if word.startswith("push_vlan"):
            tagged = True
        elif word.startswith("pop_vlan"):
            tagged = False
        elif "(" not in word and word != "drop" and not tagged:
            found.append(word.strip('"'))
    return found
