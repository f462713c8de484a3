"""The command lines of a fix as wishes about a lab file. Enters: a Command. Leaves: what the file should say; nothing where it need not.

Rule of the file: words only, no lab. A command that takes away what no lab file ever gives (a neighbour entry, a queueing discipline, a
routing rule) is no wish: without it the running lab is what the file says. What a lab file has no words for is Unsaid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from vethlab.model.finding import Command
from vethlab.spec.layout import Unsaid

_OBJECTS = ("address", "link", "neighbour", "neighbor", "route", "rule")  # ip(8) takes any beginning of these, the first one wins
_REMOVES = frozenset({"del", "delete"})
_NO_WORD = "a lab file has no word for it"
_OTHERS = ("protocol", "proto", "scope")  # words of ip-route(8) whose value no lab file gives
_SWITCHES = {  # settings of a bridge's port that every lab file means
    "state": "3", "learning": "on", "flood": "on", "mcast_flood": "on", "bcast_flood": "on", "neigh_suppress": "off", "hairpin": "off",
    "guard": "off", "root_block": "off", "locked": "off",
}
_AS_MADE = frozenset({("arp", "on"), ("type", "vxlan"), ("ttl", "auto"), ("df", "unset")})  # settings that every interface of a lab has
ADDED, REMOVED = "add", "del"


class Wish(NamedTuple):
    """`kind`: sysctl, route, address, mtu, mac, master, isolated, rule, shell, device or forward.

    Of wishes that differ in `value` only, the last counts.
    """

    kind: str
    node: str
    subject: str
    value: str = ""


def wishes(command: Command) -> list[Wish]:
    """What a command asks of the lab file."""
    try:
        program, *words = command.argv
        reader = _PROGRAMS.get(program.rpartition("/")[2])
        if reader is None:
            raise Unsaid(_NO_WORD)
        return reader(command, words)
    except (IndexError, ValueError):  # a word is missing
        raise Unsaid("the command breaks off") from None


def _sysctl(command: Command, words: list[str]) -> list[Wish]:
    """`sysctl -w KEY=VALUE...`."""
    pairs = [word.partition("=") for word in words if not word.startswith("-")]
    if not all(equals for _, equals, _ in pairs):
        raise Unsaid(_NO_WORD)
    return [Wish("sysctl", command.node, key, value) for key, _, value in pairs]


def _ip(command: Command, words: list[str]) -> list[Wish]:
    """`ip [-6] OBJECT VERB ...`; a VXLAN device is deleted only to be made anew."""
    six = "-6" in words
    words = words[next((at for at, word in enumerate(words) if not word.startswith("-")), len(words)) :]
    kind = next((one for one in _OBJECTS if one.startswith(words[0])), "")
    verb, rest = words[1], words[2:]
    if kind == "link" and verb == "set":
        return _link(command, rest)
    if kind == "address" and verb in {*_REMOVES, "add", "replace"}:
        return [_address(command, rest, added=verb not in _REMOVES)]
    if kind == "route" and verb in {*_REMOVES, "add"}:
        return _route(command, rest, added=verb not in _REMOVES, six=six)
    if kind == "link" and verb in _REMOVES:
        return [Wish("device", command.node, _after(["dev", *rest] if rest[0] != "dev" else rest, "dev"))]
    if kind == "link" and verb == "add" and "vxlan" in rest:
        return [Wish("device", command.node, _after(rest, "name"), f"{_after(rest, 'id')} {_after(rest, 'dstport')}")]
    if (kind in {"neighbour", "neighbor", "rule"} and verb in _REMOVES) or words == ["route", "flush", "cache"]:
        return []
    raise Unsaid(_NO_WORD)


def _address(command: Command, words: list[str], *, added: bool) -> Wish:
    """`ip address add ADDRESS dev INTERFACE ...`."""
    address = words[0]
    if "/" not in address:
        address += "/128" if ":" in address else "/32"
    return Wish("address", command.node, f"{_after(words, 'dev')} {address}", ADDED if added else REMOVED)


def _route(command: Command, words: list[str], *, added: bool, six: bool) -> list[Wish]:
    """`ip route add SENTENCE`: the words that a lab file has."""
    sentence: list[str] = []
    while words:
        word, *words = words
        if word == "table" and words[0] not in {"main", "254"}:
            if added:
                raise Unsaid("a lab file has routes of the main table only")
            return []
        if word == "table" or word in _OTHERS:
            words = words[1:]
        elif word != "unicast" or sentence:
            sentence.append(word)
    if six and "default" in sentence:
        sentence[sentence.index("default")] = "::/0"
    return [Wish("route", command.node, " ".join(sentence), ADDED if added else REMOVED)]


def _link(command: Command, words: list[str]) -> list[Wish]:
    """`ip link set dev INTERFACE SETTING...`."""
    words = words[1:] if words[0] == "dev" else words
    interface, *words = words
    found: list[Wish] = []
    while words:
        word, *words = words
        if word == "up":
            continue
        if word in {"down", "nomaster"}:
            raise Unsaid(_NO_WORD)
        value, words = words[0], words[1:]
        if word in {"mtu", "master", "address"}:
            found.append(Wish("mac" if word == "address" else word, command.node, interface, value))
        elif (word, value) not in _AS_MADE and not (word.startswith("xdp") and value == "off"):
            raise Unsaid(_NO_WORD)
    return found


def _bridge(command: Command, words: list[str]) -> list[Wish]:
    """`bridge link set dev PORT SETTING VALUE...`, `bridge fdb del ...`, and an entry of a VXLAN device."""
    if words[0] == "fdb" and words[1] in _REMOVES:
        return []
    if words[0] == "fdb" and "dst" in words and not {"port", "vni"} & set(words):
        return [Wish("forward", command.node, _after(words, "dev"), _after(words, "dst"))]
    if words[:2] != ["link", "set"]:
        raise Unsaid(_NO_WORD)
    port = _after(words, "dev")
    settings = words[words.index("dev") + 2 :]
    found = []
    for name, value in zip(settings[::2], settings[1::2], strict=False):
        if name == "isolated":
            found.append(Wish(name, command.node, port, value))
        elif _SWITCHES.get(name) != value:
            raise Unsaid(_NO_WORD)
    return found


def _nft(command: Command, words: list[str]) -> list[Wish]:
    """`nft add rule CHAIN RULE`, and `nft delete rule CHAIN handle N`, whose rule stands in what takes it back."""
    verb, chain = words[0], " ".join(words[2:5])
    if words[1] != "rule" or len(words) < 6:
        raise Unsaid(_NO_WORD)
    if verb == "add" and words[5] not in {"handle", "position", "index"}:
        return [Wish("rule", command.node, f"{chain}\n{' '.join(words[5:])}", ADDED)]
    if verb in _REMOVES:
        back = next((undo[6:] for undo in command.undo if undo[:6] == ("nft", "insert", "rule", *words[2:5])), ())
        rule = " ".join(back[2:] if back[:1] == ("index",) else back)
        if rule:
            return [Wish("rule", command.node, f"{chain}\n{rule}", REMOVED)]
    raise Unsaid("the command does not tell which line of the lab file it means")


def _tc(_command: Command, words: list[str]) -> list[Wish]:
    """`tc qdisc del ...`, `tc filter del ...`."""
    if words[1] in _REMOVES:
        return []
    raise Unsaid(_NO_WORD)


def _shell(command: Command, words: list[str]) -> list[Wish]:
    """`sh -c LINE`: how a ruleset is loaded and a process started."""
    return [Wish("shell", command.node, words[1])]


def _after(words: list[str], key: str) -> str:
    """The word behind `key`."""
    return words[words.index(key) + 1]


_PROGRAMS: dict[str, Callable[[Command, list[str]], list[Wish]]] = {
    "sysctl": _sysctl, "ip": _ip, "bridge": _bridge, "nft": _nft, "tc": _tc, "sh": _shell,
}
