"""The lab files of the benchmarks: the same networks as the floor builds, said in the lab file's words."""

from __future__ import annotations

from pathlib import Path


def star(count: int) -> str:
    """One bridge, `count` hosts with an address and a default route."""
    return f"name: bench-star\nipv6: none\nnetworks:\n  br0: {{subnet: 10.0.0.0/16, gateway: 65534, nodes: [h1..{count}]}}\n"


def pairs(count: int) -> str:
    """`count` cables, each between two nodes."""
    return f"name: bench-pairs\nipv6: none\nlinks:\n  - zip: a1..{count} -- b1..{count}\naddressing: {{links: 10.0.0.0/16, prefix: 30}}\n"


def write(folder: Path, text: str) -> Path:
    """Put a lab file into `folder`; returns its path."""
    name = text.split("\n", 1)[0].removeprefix("name: ")
    path = folder / f"{name}-{len(list(folder.iterdir()))}.lab.yaml"
    path.write_text(text)
    return path
