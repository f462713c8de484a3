"""Names of nodes and interfaces: what is allowed, what is reserved, how a long port name is shortened.

Rule of the file: pure text. IFNAMSIZ is 16 with the final NUL (include/uapi/linux/if.h), so 15 bytes are usable.
"""

from __future__ import annotations

import re
import zlib

NODE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
RESERVED = frozenset({"all", "world", "host", "localhost"})
HOST = "host"  # the namespace that plays the machine, or (`host: machine`) the machine's own: bridges live there
WORLD = "world"  # the namespace that plays everything outside, where a lab has one (plan/world.py)
MARK = "vethlab:"  # how the alternative names begin that tell whose an interface in the machine's namespace is
IFNAME_MAX = 15


def is_node_name(text: str) -> bool:
    """True if `text` is a legal node name; reserved words are legal names but may not be declared."""
    return NODE_NAME.fullmatch(text) is not None


def is_node(text: str) -> bool:
    """True if `text` names a node, or a node inside a host: `h1/pod1`."""
    host, nested, inner = text.rpartition("/")
    return is_node_name(inner) and (not nested or is_node_name(host))


def host_of(node: str) -> str:
    """`h1` of `h1/pod1`; empty for a node that is in no host."""
    return node.rpartition("/")[0]


def inner_name(node: str) -> str:
    """`pod1` of `h1/pod1`, and of `pod1`."""
    return node.rpartition("/")[2]


def dotted(node: str) -> str:
    """The name where a slash cannot stand (files, /etc/hosts): `h1.pod1`. No other node has it, because names hold no dot."""
    return node.replace("/", ".")


def interface_name_problem(text: str) -> str:
    """Why the kernel would refuse `text` as an interface name (net/core/dev.c dev_valid_name), or an empty string."""
    if not text:
        return "an interface name cannot be empty"
    if len(text.encode()) > IFNAME_MAX:
        return f"an interface name has at most {IFNAME_MAX} bytes, this has {len(text.encode())}"
    if text in {".", ".."}:
        return "`.` and `..` are not interface names"
    if any(character in "/:%" or character.isspace() or not character.isprintable() for character in text):
        return "an interface name cannot hold `/`, `:`, `%` or white space"
    return ""


def port_name(node: str, number: int = 1) -> str:
    """The bridge-side name of a node's `number`-th port: `p-<node>`, `p-<node>-<n>` from the second on.

    A node inside a host goes by its inner name: all ports there are of nodes inside the same host.
    """
    return _shortened(full_port_name(node, number))


def parent_name(network: str) -> str:
    """The name of the interface that the macvlans of a network stand on: `m-<network>`."""
    return _shortened(f"m-{network}")


def vxlan_name(network: str) -> str:
    """The interface name of a network's VXLAN device in each of its hosts."""
    return _shortened(f"vx-{network}")


def uplink_name(owner: str) -> str:
    """The machine's end of the cable to a lab (`uplink: machine`)."""
    return _shortened(f"vl-{owner}")


def _shortened(full: str) -> str:
    """Past 15 bytes: a readable head and four hex digits of the full name's CRC-32, the same on every run."""
    if len(full) <= IFNAME_MAX:
        return full
    digest = f"{zlib.crc32(full.encode()) & 0xFFFF:04x}"
    return f"{full[: IFNAME_MAX - 5].rstrip('-')}-{digest}"


def mark(owner: str, interface: str) -> str:
    """The alternative name (IFLA_ALT_IFNAME) of an interface that `owner` makes in the machine's namespace.

    It survives renaming, nobody overwrites it by the way (as an alias), and the kernel takes each one once in a namespace. At most 127
    bytes fit (ALTIFNAMSIZ): an owner has up to 63 and two numbers.
    """
    return f"{MARK}{owner}:{interface}"


def owner_of(marked: str) -> str:
    """The owner in a mark; empty if it is none."""
    word, _, interface = marked.removeprefix(MARK).rpartition(":")
    return word if marked.startswith(MARK) and interface else ""


def full_port_name(node: str, number: int = 1) -> str:
    """The unshortened port name, kept in the interface's alias."""
    name = inner_name(node)
    return f"p-{name}" if number == 1 else f"p-{name}-{number}"
