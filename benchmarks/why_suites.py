"""What `why` and looking on are measured against, and what is promised of them.

What enters: a folder for lab files. What leaves: rows. Rule of the file: as in suites.py; a ratio of one is allowed a twentieth more,
since two runs with nobody looking on differ by that much (the rows of noise say by how much they did).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import labs
from benchmarks.blaster import RATE
from benchmarks.measure import Row, best, median, milliseconds, rounds, subject

ROUNDS = 3
EQUAL = 1.05
SIGHTINGS = 4  # of a datagram between two hosts at a bridge: it leaves and comes in twice
EYES = {
    "nothing again": "nobody looks on, again (noise)", "capture": "`vethlab capture` records", "why": "the rings of `why` wait",
    "why with BPF": "the rings and the BPF layer of `why` wait",
}
RINGS = {
    "one": "`capture b`, one ring", "all": "`capture`, all rings", "tcpdump": "tcpdump in each namespace", "flow": "the rings of `why`",
}
ROUTED = {
    "healthy": "d", "router's link down": "d", "dropped by a router's nftables": "d", "no return route": "d", "arp_ignore": "b",
    "forwarding off": "d",
}
SWITCHED = ("healthy", "link down", "dropped by nftables", "arp_ignore")


def observe(folder: Path) -> Iterator[Row]:
    """Looking on: what it costs the others, what is lost, how soon BPF stands."""
    file = labs.write(folder, labs.watched())
    yield from _traffic(best({"ours": subject("observing", "traffic", file)}, 1)["ours"])
    yield from _rings(rounds({"ours": subject("observing", "rings", file)}, ROUNDS)["ours"])
    bpf = median({"ours": subject("bpf")}, 9)["ours"]
    again = f"{milliseconds(bpf['again'])} a second time in one process"
    yield Row("BPF layer, from nothing to watching", milliseconds(bpf["start"]), again, bpf["start"] * 1000, "ms", 150)
    yield Row("BPF layer, stop", milliseconds(bpf["stop"]), "", bpf["stop"] * 1000, "ms")


def _traffic(numbers: dict[str, float]) -> Iterator[Row]:
    for kind, what in {"flood": "one echo of `ping -f`", "stream": "1 GiB by iperf3"}.items():
        if f"{kind} nothing" not in numbers:
            yield Row(f"{what}: not measured, there is no iperf3", "", "", 0, "")
            continue
        alone, beside = (numbers[f"{kind} {name}"] for name in ("nothing", "tcpdump"))
        lost = numbers[f"{kind} tcpdump dropped"]
        for name, eyes in EYES.items():
            took, dropped = numbers[f"{kind} {name}"], numbers[f"{kind} {name} dropped"]
            if name == "nothing again":
                yield Row(f"{what}, {eyes}", _took(took), f"{_took(alone)} nobody", took / alone, "times as long")
                yield Row(f"{what}, tcpdump records", _took(beside), f"{_took(alone)} nobody", beside / alone, "times as long")
                continue
            ours = _took(took) + (f", {dropped:.0%} dropped" if name == "capture" else "")
            other = f"{_took(beside)} tcpdump" + (f", {lost:.0%} dropped" if name == "capture" else "") + f"; {_took(alone)} nobody"
            yield Row(f"{what}, {eyes}", ours, other, took / beside, "times as long", EQUAL)


def _took(value: float) -> str:
    return f"{value * 1e6:.3g} µs" if value < 1e-3 else milliseconds(value)


def _rings(runs: list[dict[str, float]]) -> Iterator[Row]:
    """Of each ring the worst round, of those in which the sender was given the processor for its rate."""
    for name, what in RINGS.items():
        full = [run for run in runs if run[f"{name} rate"] >= 0.95 * RATE] or runs
        worst = max(full, key=lambda run: (run[f"{name} dropped"], run[f"{name} rate"]))
        seen, dropped, used = (worst[f"{name} {key}"] for key in ("seen", "dropped", "processor"))
        ours, kept = f"{seen:,.0f} seen, {dropped:,.0f} dropped, {used:.2g} s of processor", 1 - dropped / max(1, seen)
        if name == "flow":
            ours, kept = f"{worst['flow asked']:,.0f} probes, {ours}", min(kept, seen / (SIGHTINGS * worst["flow asked"]))
        title = f"2 s at {worst[f'{name} rate']:,.0f} datagrams a second, {what}"
        yield Row(title, ours, "", 100 * kept, "% kept", 0 if name == "tcpdump" else 100, at_least=True)


def explain(folder: Path) -> Iterator[Row]:
    """Answers: in the campus lab, in the same lab with 200 nodes, and in a star of 200."""
    campus, large, star = (labs.write(folder, text) for text in (labs.campus(), labs.campus(195), labs.star200()))
    for case, dst in ROUTED.items():
        took = median({
            "campus": subject("explaining", campus, case, "a", dst), "large": subject("explaining", large, case, "a", dst),
        }, ROUNDS)
        limit, one = 0.3 if case == "healthy" else 1.5, took["campus"]
        parts = f"{milliseconds(one['no fix'])} without trying fixes, {milliseconds(one['rings alone'])} without BPF too"
        yield Row(f"`lab.why`, campus, {_right(case, one)}", milliseconds(one["ask"]), parts, one["ask"], "s", limit)
        first = f"{milliseconds(one['first'])} the first `lab.why`"
        yield Row(f"`vethlab why`, whole process, campus, {case}", milliseconds(one["program"]), first, one["program"], "s", limit)
        yield _larger("campus of 200 nodes", case, took["large"], one)
    for case in SWITCHED:
        took = median({
            "campus": subject("explaining", campus, case, "a", "b"), "large": subject("explaining", star, case, "h1", "h200"),
        }, ROUNDS)
        yield _larger("star200", case, took["large"], took["campus"])


def _larger(lab: str, case: str, large: dict[str, float], small: dict[str, float]) -> Row:
    what = f"`lab.why`, {lab}, {_right(case, large)}"
    return Row(what, milliseconds(large["ask"]), f"{milliseconds(small['ask'])} campus", large["ask"] / small["ask"], "times as long", 2)


def _right(case: str, numbers: dict[str, float]) -> str:
    """The case, and that it was not found, where it was not."""
    return case if numbers["right"] == 1 else f"{case} (**{numbers['right']:.0%} right**)"
