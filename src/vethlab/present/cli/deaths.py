"""Deaths of packets as people and programs read them: a line each, as text or as JSON.

Enters: Deaths; leaves: lines. Rule of the file: columns stand two spaces apart, in the order when, lab, where, who to whom, what, what
happened, why; programs get the addresses, people the lab's names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vethlab.observe.brief import brief, ends
from vethlab.observe.deaths import DROPPED, REFUSED, UNANSWERED
from vethlab.observe.text import address, line, protocol
from vethlab.present.cli.packets import clock, utc

if TYPE_CHECKING:
    from vethlab.lab.watching import Names
    from vethlab.observe.deaths import Death, Rule

__all__ = ["SCHEMA", "as_json", "as_text"]

SCHEMA = "vethlab.watch/1"
_COLOURS = {DROPPED: "red", REFUSED: "yellow", UNANSWERED: "yellow"}
_MACHINE = "this machine"


def as_text(lab: str, names: Names, paint: Callable[[str, str], str]) -> Callable[[Death], str]:
    """Lines such as `21:24:01.245882 web3  host:br0  web → db  ICMP echo  DROPPED nft-drop  bridge guard fw handle 2`."""

    def show(death: Death) -> str:
        seconds, ns = divmod(death.ns, 1_000_000_000)
        where = _MACHINE if not death.node else death.node if death.interface is None else f"{death.node}:{death.interface}"
        happened = f"{paint(death.type.upper(), _COLOURS[death.type])} {death.reason}"
        return "  ".join([f"{clock(seconds)}.{ns // 1000:06d} {lab}", where, *_packet(death, names), happened, *_why(death)])

    return show


def as_json(lab: str) -> Callable[[Death], str]:
    """One JSON object a death."""

    def show(death: Death) -> str:
        return json.dumps(_document(lab, death))

    return show


def _document(lab: str, death: Death) -> dict[str, Any]:
    seconds, ns = divmod(death.ns, 1_000_000_000)
    packet = death.packet
    pair = ends(packet) if packet is not None else None
    ports = None if packet is None else packet.tcp or packet.udp
    return {
        "type": death.type, "t": f"{utc(seconds)}.{ns:09d}Z", "ns": death.ns, "lab": lab,
        "where": {"node": death.node or None, "interface": death.interface, "hook": death.hook},
        "reason": death.reason, "grade": death.grade,
        "kernel": None if death.kernel is None else {"reason": death.kernel.reason, "location": death.kernel.location},
        "rule": None if death.rule is None else death.rule._asdict(),
        "packet": None if packet is None else line(packet, death.length), "protocol": None if packet is None else protocol(packet),
        "src": address(pair[0]) if pair else None, "dst": address(pair[1]) if pair else None,
        "src_port": ports.source if ports else None, "dst_port": ports.target if ports else None,
        "count": death.count, "says": death.says or None,
    }


def _packet(death: Death, names: Names) -> list[str]:
    """Who to whom, and what."""
    if death.packet is None:
        return [f"{death.count} packet{'' if death.count == 1 else 's'}"]
    pair = ends(death.packet)
    whom = [] if pair is None else [f"{names.show(pair[0])} → {names.show(pair[1])}"]
    return [*whom, brief(death.packet)]


def _why(death: Death) -> list[str]:
    """A rule, the kernel's reason, what was said: what is known of these."""
    words = []
    if death.rule is not None:
        words.append(_rule(death.rule))
    elif death.kernel is not None:
        words.append(f"{death.kernel.reason} at {death.kernel.location}" if death.kernel.location else death.kernel.reason)
    return [*words, death.says] if death.says else words


def _rule(rule: Rule) -> str:
    where = f"{rule.family} {rule.table} {rule.chain}"
    return f"{where} {rule.text}" if rule.handle is None else f"{where} handle {rule.handle}{f': {rule.text}' if rule.text else ''}"
