"""How long `why` takes: asked in process (`lab.why`), and as the program that a person starts.

What enters: a lab file, a case, the ends of the path. What leaves: one JSON line: seconds of the first question, the median of several with
and without trying fixes on a copy and with rings alone, the median of the whole program, and what share of the answers was right.
Rule of the file: a lab of its own for each case; a wrong answer that comes quickly is told apart.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import VETHLAB, program, seconds
from benchmarks.observing import running

if TYPE_CHECKING:
    from vethlab import Lab

TIMES = 3
_FILTER = (
    "nft add table inet fw; nft 'add chain inet fw f { type filter hook %s priority 0; }'; "
    "nft add rule inet fw f icmp type echo-request drop"
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is broken, where (empty: at the destination), and what `why` has to find; without a slug the path is healthy."""

    command: str = ""
    node: str = ""
    slug: str = ""


CASES = {
    "healthy": Case(),
    "router's link down": Case("ip link set wan down", "r", "link-down"),
    "link down": Case("ip link set eth0 down", slug="link-down"),
    "dropped by a router's nftables": Case(_FILTER % "forward", "r", "nft-drop"),
    "dropped by nftables": Case(_FILTER % "input", slug="nft-drop"),
    "no return route": Case("ip route del default", slug="no-return-route"),
    "arp_ignore": Case("sysctl -qw net.ipv4.conf.all.arp_ignore=8", slug="arp-suppressed"),
    "forwarding off": Case("sysctl -qw net.ipv4.ip_forward=0", "r", "forwarding-off"),
}


def main(file: Path, name: str, src: str, dst: str) -> dict[str, float]:
    """Break the lab, and ask."""
    case, right = CASES[name], []
    with running(file) as lab:
        if case.command and not (done := lab[case.node or dst].exec(["sh", "-c", case.command])):
            raise SystemExit(f"{case.command}: {done.stderr}")

        def ask(**how: Any) -> float:
            took, found = asked(lab, src, dst, **how)
            right.append(found == case.slug)
            return took

        first = ask()
        numbers = {"first": first, "ask": statistics.median([first, *(ask() for _ in range(TIMES - 1))])}
        numbers["no fix"] = statistics.median(ask(rehearse=False) for _ in range(TIMES))
        numbers["rings alone"] = statistics.median(ask(rehearse=False, truth=False) for _ in range(TIMES))
        argv = [VETHLAB, "why", src, dst, "-l", lab.name]
        numbers["program"] = statistics.median(seconds(lambda: program(argv, statuses=(0, 1))) for _ in range(TIMES))
    return numbers | {"right": statistics.fmean(right)}


def asked(lab: Lab, src: str, dst: str, **how: Any) -> tuple[float, str]:
    """Ask once: seconds, and what was found (empty: the path is healthy)."""
    began = time.perf_counter()
    explanation = lab.why(src, dst, **how).explanation
    took = time.perf_counter() - began
    if explanation.ok:
        return took, ""
    return took, explanation.verdict.slug if explanation.verdict is not None else "none"


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), *sys.argv[2:])))
