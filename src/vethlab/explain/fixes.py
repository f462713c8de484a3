"""Changes that should mend an obstacle, as values, and those that the lab file itself suggests.

Enters: a finding, the drift of the lab; leaves: fixes in the order in which to try them. Rule of the file: what the lab file says comes
first, since that is what somebody wanted; then what is least; a change of policy comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from vethlab.explain.settings import current
from vethlab.model.address import IPInterface
from vethlab.model.finding import Command, Finding, Fix
from vethlab.model.link import End
from vethlab.model.snapshot import Drift, Snapshot

__all__ = ["candidates", "command", "down_and_up", "fix", "reprefixed", "setting", "steps", "sysctl"]

# Of each finding: the kinds of drift that can be its cause.
KINDS: dict[str, tuple[str, ...]] = {
    "link-down": ("interface",), "lo-down": ("interface",), "port-down": ("interface",), "bridge-down": ("interface",),
    "no-carrier": ("interface", "link", "route"), "port-detached": ("interface",),
    "port-blocked": ("interface",), "port-isolated": ("interface", "port"), "hairpin-off": ("interface",),
    "openflow-drop": ("flows",), "ovs-tag-mismatch": ("port",), "ovs-port-missing": ("port",),
    "mtu-exceeded": ("interface",), "mtu-blackhole": ("interface",), "duplicate-mac": ("interface",),
    "no-address": ("interface", "address"), "wrong-prefix": ("address",), "duplicate-address": ("address",), "dad-failed": ("address",),
    "ipv6-disabled": ("sysctl", "interface", "address"), "neighbour-wrong": ("neighbour", "interface"),
    "neighbour-unresolved": ("address", "neighbour"),
    "no-route": ("route", "sysctl"), "no-return-route": ("route",), "route-blackhole": ("route",), "wrong-gateway": ("route",),
    "routing-loop": ("route",), "not-for-us": ("neighbour", "address", "interface"), "nft-drop": ("nft",), "nft-reject": ("nft",),
    "rp-filter": ("sysctl",), "local-source": ("sysctl", "address"), "forwarding-off": ("sysctl",), "echo-ignored": ("sysctl",),
    "nat-missing": ("table", "nft", "sysctl"), "nat-wrong": ("table", "nft"),
    "vxlan-no-fdb": ("fdb", "vxlan", "interface"),
    "arp-suppressed": ("sysctl",), "queue-drop": ("queue",), "ttl-expired": ("sysctl",), "port-closed": ("process",),
}


# The word of ip-link(8) or bridge(8) that is about the fault.
WORDS = {
    "link-down": "up", "lo-down": "up", "port-down": "up", "bridge-down": "up", "no-carrier": "up", "port-detached": "master",
    "port-blocked": "state", "port-isolated": "isolated", "mtu-exceeded": "mtu", "mtu-blackhole": "mtu", "duplicate-mac": "address",
    "hairpin-off": "hairpin",
}
# What the sysctls that can be the cause have in their names.
LEAVES = {
    "forwarding-off": ("forward",), "rp-filter": ("rp_filter",), "local-source": ("accept_local",), "echo-ignored": ("echo_ignore",),
    "arp-suppressed": ("arp_", "proxy"), "ttl-expired": ("ttl", "hop_limit"), "ipv6-disabled": ("disable_ipv6",),
    "no-route": ("disable_ipv6",), "nat-missing": ("route_localnet",),
}
DAEMONS, OF_DAEMONS = "Open", frozenset({"port", "flows"})  # `Open vSwitch of host` is to be started; what stands in its database
# What they leave behind has to go too, in neighbour tables or the database of a switch, which the lab file does not know.
OWN_FIRST = frozenset({"duplicate-address", "duplicate-mac", "neighbour-wrong", "ovs-port-missing"})


def command(node: str, *argv: str, undo: Iterable[tuple[str, ...]] = (), lost: str = "") -> Command:
    """One command line in a node."""
    return Command(node, argv, tuple(undo), lost)


def fix(title: str, *commands: Command, policy: bool = False) -> Fix:
    """A fix of some commands."""
    return Fix(title, commands, policy)


def setting(node: str, snapshot: Snapshot, key: str, value: int | str) -> Command:
    """Set a sysctl of a node; what it was takes it back."""
    before = current(snapshot, key)
    return command(node, "sysctl", "-w", f"{key}={value}", undo=() if before is None else (("sysctl", "-w", f"{key}={before}"),))


def sysctl(node: str, snapshot: Snapshot, key: str, value: int | str, title: str = "") -> Fix:
    """A fix of one sysctl."""
    return fix(title or f"set {key} to {value} in {node}", setting(node, snapshot, key, value))


def down_and_up(node: str, interface: str) -> Fix:
    """Bring an interface up."""
    return fix(f"bring {node}:{interface} up", command(node, "ip", "link", "set", "dev", interface, "up"))


def reprefixed(end: End, held: IPInterface, right: IPInterface) -> Fix:
    """Another prefix for an address. IPv6 knows each address once, so there the old one goes first."""
    family = ("-6",) if held.version == 6 else ()
    nodad = ("nodad",) if held.version == 6 else ()
    add = command(end.netns, "ip", *family, "address", "add", str(right), "dev", end.interface, *nodad)
    remove = command(end.netns, "ip", *family, "address", "del", str(held), "dev", end.interface)
    return fix(f"give {end} the prefix of its segment: {right}", *((add, remove) if held.version == 4 else (remove, add)))


def candidates(finding: Finding, drift: Iterable[Drift]) -> tuple[Fix, ...]:
    """The fixes to try for one finding: what drifted at this place, all of it together and one by one, then the finding's own."""
    drift, kinds = tuple(drift), KINDS.get(finding.slug, ())
    if any((one.kind, one.node) == (DAEMONS, finding.where.node) for one in drift):
        kinds = tuple(kind for kind in kinds if kind not in OF_DAEMONS)  # they come back with the daemons, and not before
    near = [one for one in drift if one.kind in kinds and one.node == finding.where.node and one.commands and _concerns(one, finding)]
    groups = list(_whole(near))
    returns = [Fix(f"as the lab file says: {one[-1].kind} {one[-1].subject}: {one[-1].reason}", _back(one, finding.slug)) for one in groups]
    if len(groups) > 1:
        returns.append(Fix(f"bring {finding.where} back to what the lab file says", _back(near, finding.slug)))
    forget = tuple(dict.fromkeys(one for fix in finding.fixes for one in fix.commands if _forgets(one)))
    returns = [replace(one, commands=(*one.commands, *forget)) for one in returns]
    own = sorted(finding.fixes, key=lambda one: one.policy)
    if finding.slug in OWN_FIRST:
        returns, own = own, returns
    seen: set[tuple[tuple[str, ...], ...]] = set()
    unique = []
    for one in (*returns, *own):
        key = tuple(part.argv for part in one.commands)
        if key not in seen:
            seen.add(key)
            unique.append(one)
    return tuple(unique)


def _forgets(command: Command) -> bool:
    """Whether it only makes a node forget what it learned, which it has to whatever mends the rest."""
    return command.argv[-2:] == ("flush", "cache")


def steps(fix: Fix) -> int:
    """How many changes a fix is."""
    return sum(not _forgets(one) for one in fix.commands)


def _whole(near: Iterable[Drift]) -> Iterator[list[Drift]]:
    """Each by itself; but an address that has another prefix now is one change, of which neither half mends anything."""
    found: dict[object, list[Drift]] = {}
    for one in near:
        found.setdefault((one.node, one.subject.split("/")[0]) if one.kind == "address" else one, []).append(one)
    yield from found.values()


def _back(drift: Iterable[Drift], slug: str) -> tuple[Command, ...]:
    """The commands that take drift back.

    An IPv4 address is added before another is deleted, because those that go take the routes that stand on them along. IPv6 knows each
    address once, whatever its prefix.
    """
    ordered = sorted(drift, key=lambda one: one.kind == "address" and ":" not in one.subject.split()[0] and "delete" in one.commands[0])
    return tuple(command for one in ordered for command in _one_back(one, slug))


def _one_back(drift: Drift, slug: str) -> tuple[Command, ...]:
    """The commands that take one drift back; of an interface's only those about what is at fault, where there are such."""
    word = WORDS.get(slug)
    about = [argv for argv in drift.commands if word in argv] if drift.kind == "interface" else []
    undo = ((("sysctl", "-w", f"{drift.subject}={drift.before}"),) if drift.before else ())
    return tuple(Command(drift.node, argv, undo) for argv in about or drift.commands)


def _concerns(drift: Drift, finding: Finding) -> bool:
    """Whether it is about the interface at fault; routes, rulesets and processes are about the node."""
    if drift.kind in {"route", "nft", "table", "process", "neighbour"} or finding.where.interface is None or finding.slug == "local-source":
        return True
    if drift.kind == "sysctl":
        words = drift.subject.split(".")
        if not any(leaf in words[-1] for leaf in LEAVES.get(finding.slug, ())):
            return False
        return finding.where.interface in words or not ({"conf", "neigh"} & set(words)) or "all" in words
    return finding.where.interface in drift.subject.replace(":", " ").split() or finding.where.interface == drift.subject
