"""The lab files of the benchmarks: the same networks as the floor builds, said in the lab file's words."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import ROOT


def star(count: int) -> str:
    """One bridge, `count` hosts with an address and a default route."""
    return f"name: bench-star\nipv6: none\nnetworks:\n  br0: {{subnet: 10.0.0.0/16, gateway: 65534, nodes: [h1..{count}]}}\n"


def pairs(count: int) -> str:
    """`count` cables, each between two nodes."""
    return f"name: bench-pairs\nipv6: none\nlinks:\n  - zip: a1..{count} -- b1..{count}\naddressing: {{links: 10.0.0.0/16, prefix: 30}}\n"


def overlay(count: int) -> str:
    """Ten hosts at a bridge, and `count` pods on a VXLAN network across them."""
    return (
        "name: bench-overlay\nipv6: none\nnetworks:\n  under: {subnet: 10.0.0.0/24, nodes: [h1..10]}\n"
        f"  pods: {{type: vxlan, vni: 42, subnet: 10.1.0.0/16, nodes: [h1..10/p1..{count // 10}]}}\n"
    )


def watched() -> str:
    """Two hosts at a bridge."""
    return "name: bench-look\nipv6: none\nnetworks:\n  br0: {subnet: 10.0.0.0/24, nodes: [a, b]}\n"


def campus(more: int = 0) -> str:
    """The example with a router, under a name of its own; `more` hosts at its switch."""
    text = (ROOT / "examples" / "routed.lab.yaml").read_text()
    hosts = {f"h{number}": 19 + number for number in range(1, more + 1)}
    text = text.replace("r: 1}", f"r: 1, {', '.join(f'{name}: {at}' for name, at in hosts.items())}}}") if more else text
    text = text.replace("nodes:\n  a:", f"nodes:\n  h1..{more}: {{}}\n  a:") if more else text
    return f"name: bench-campus{more or ''}\n" + text.split("name: campus\n", 1)[1]


def star200() -> str:
    """The example with 200 hosts at one bridge, under a name of its own."""
    text = (ROOT / "examples" / "star200.lab.yaml").read_text()
    return "name: bench-star200\n" + text.split("name: star200\n", 1)[1]


def write(folder: Path, text: str) -> Path:
    """Put a lab file into `folder`; returns its path."""
    name = text.split("\n", 1)[0].removeprefix("name: ")
    path = folder / f"{name}-{len(list(folder.iterdir()))}.lab.yaml"
    path.write_text(text)
    return path
