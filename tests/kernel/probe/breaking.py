"""What tests do to a lab by hand, and how they read a report."""

from __future__ import annotations

from collections.abc import Callable

from vethlab.kernel.netlink import neighbour_table
from vethlab.lab import Lab
from vethlab.model.path import Report, Result
from vethlab.probe.survey import asking

Up = Callable[[str], Lab]

STAR = """
name: star
networks:
  br0: {subnet: 10.5.0.0/24, nodes: [a, b, c]}
"""


def large_star(count: int) -> str:
    """A star whose pairs do not fit into half of the machine's neighbour table."""
    return f"name: large\nipv6: none\nnetworks:\n  br0: {{subnet: 10.5.0.0/16, nodes: [h1..{count}]}}\n"


def do(lab: Lab, node: str, command: str, stdin: str = "") -> None:
    """Run a command inside a node; it must succeed."""
    done = lab.namespaces.run(node, ["sh", "-c", command], stdin)
    assert done.status == 0, f"{command}: {done.stderr}"


def ignore_arp(lab: Lab, node: str) -> None:
    """Let a node answer no ARP request (arp_ignore 8)."""
    lab.namespaces.write_sysctls([(node, "net.ipv4.conf.all.arp_ignore", "8")])


def rule(lab: Lab, node: str, family: str, hook: str, text: str) -> None:
    """One nft rule at a filter hook of a node."""
    do(lab, node, "nft -f -", f"table {family} broken {{\n chain c {{\n type filter hook {hook} priority 0\n {text}\n }}\n}}\n")


def failed(report: Report) -> set[tuple[str, str]]:
    """Source and target of what did not pass."""
    return {(result.path.src, result.path.target) for result in report.results if not result.passed}


def result(report: Report, source: str, target: str) -> Result:
    """The result of one path."""
    return next(one for one in report.results if (one.path.src, one.path.target) == (source, target))


def loans(lab: Lab) -> int:
    """How many entries of ours are in the lab's namespaces."""
    inside = asking(lab.namespaces, lab.namespaces.names())
    return sum(entry.loan for _name, connection in inside for entry in neighbour_table.entries(connection))
