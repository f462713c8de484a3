"""The words of a published port. Enters: a sentence such as "8080:80". Leaves: a Publish, or Wrong.

Rule of the file: the words only; whether the host has such an address, and whether two want one port, is for `publish`.
"""

from __future__ import annotations

from ipaddress import ip_address

from vethlab.model.nat import Publish
from vethlab.spec.mistakes import Wrong
from vethlab.spec.tree import shown


def parse(text: str) -> Publish:
    """`[ADDRESS:]PORT:PORT[/udp]`, an IPv6 address in brackets. Wrong if a number or the address is."""
    words, _, protocol = text.partition("/")
    head, port, to = words.rsplit(":", 2) if words.count(":") > 1 else ("", *words.split(":"))
    for number in (port, to):
        if not 1 <= int(number) <= 65535:
            raise Wrong(f"`{shown(text)}` has a port outside 1 to 65535", there="not a port")
    try:
        address = ip_address(head.strip("[]")) if head else None
    except ValueError:
        raise Wrong(f"`{shown(head)}` is not an address", there="not an address") from None
    return Publish(int(port), int(to), protocol or "tcp", address)
