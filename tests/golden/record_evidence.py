"""Record evidence for tests/golden/test_evidence.py anew: real labs, broken as the corpora say, and asked about.

    python -m tests.golden.record_evidence [--only TEXT]
    VETHLAB_GOLDEN=write pytest tests/golden/test_evidence.py

Enters: the table of tests/golden/evidence_cases.py; leaves: evidence/<folder>/evidence.json, and a line for each with what was said.
Rule of the file: nothing is judged here but whether the finding and its node are among those that the case allows; whoever commits a
recording reads its explanation. Status 1 if one is not as its case says.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.golden.evidence_cases import Case, cases

from vethlab import Lab
from vethlab.explain import recording
from vethlab.model.journey import Observed
from vethlab.model.snapshot import Snapshot

EVIDENCE = Path(__file__).parent / "evidence"
PATIENCE = 5.0  # seconds for servers to start and for address detection to come to rest
READ = frozenset({"accept_local", "arp_announce", "arp_filter", "arp_ignore", "disable_ipv6", "forwarding", "hop_limit", "rp_filter"})
FORGET = "ip -4 neigh flush all; ip -6 neigh flush all; true"


def options(words: list[str]) -> dict[str, Any]:
    """`--tcp 80` as `Lab.why` takes it."""
    if not words:
        return {}
    if words[0] == "--arp":
        return {"kind": "arp"}
    return {"size": int(words[1])} if words[0] == "--size" else {"kind": words[0].removeprefix("--"), "port": int(words[1])}


def record(case: Case) -> str:
    """One case, from an empty machine to a file. Leaves what is wrong, or nothing."""
    file = EVIDENCE / case.folder / "evidence.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    source, target, *words = case.asks
    how = {**options(words), "truth": case.truth}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "case.lab.yaml").write_text(case.lab, encoding="utf-8")
        lab = Lab.load(Path(folder) / "case.lab.yaml")
    with lab:
        _run(lab, case.breaks[: case.setup])
        if case.works_before:
            _wait(lab, source, target, how)
            _run(lab, [f"{node.name}: {FORGET}" for node in lab.topology.nodes])
        _run(lab, case.breaks[case.setup :])
        answer = lab.why(source, target, rehearse=False, record=str(file), **how)
    file.write_text(trimmed(file.read_text(encoding="utf-8")), encoding="utf-8")
    verdict = answer.explanation.verdict
    said = ("healthy", None) if verdict is None else (verdict.slug, verdict.where.node)
    warned = {one.slug for one in answer.explanation.warnings}
    right = said[0] in case.findings and (not case.nodes or said[1] in case.nodes) and case.warnings <= warned
    place = "" if verdict is None else f" at {verdict.where}"
    print(f"{'ok  ' if right else 'FAIL'} {file.stat().st_size:7} bytes  {case.folder}: {said[0]}{place} {' '.join(warned)}", flush=True)
    return "" if right else f"{case.folder}: {said}, and not {case.findings} at {case.nodes}"


def trimmed(text: str) -> str:
    """The recording without what no rule reads, and without frames seen again, if it gives the same explanation."""
    flow, wiring, answers = recording.decode(text)
    small = [(question, _without(answer)) for question, answer in answers]
    short = recording.encode(flow, wiring, small) + "\n"
    return short if recording.replay(short) == recording.replay(text) else text


def _without(answer: Any) -> Any:
    if isinstance(answer, Observed):
        first = {(one.node, one.interface, one.direction, one.what, one.about, one.foreign): one for one in reversed(answer.sightings)}
        return replace(answer, sightings=tuple(reversed(first.values())))
    if not isinstance(answer, Snapshot):
        return answer
    interfaces = {
        name: replace(one, ipv4=_read(one.ipv4), ipv6=_read(one.ipv6), counters={}) for name, one in answer.interfaces.items()
    }
    routes = tuple(one for one in answer.routes if one.type not in {"broadcast", "multicast", "anycast"})
    return replace(answer, interfaces=interfaces, routes=routes, all4=_read(answer.all4), all6=_read(answer.all6))


def _read(settings: Mapping[str, int]) -> dict[str, int]:
    return {leaf: value for leaf, value in settings.items() if leaf in READ}


def _run(lab: Lab, lines: list[str]) -> None:
    for line in lines:
        node, _, command = line.partition(": ")
        done = lab[node].exec(["sh", "-c", command])
        if done.rc:
            raise SystemExit(f"failed: {line}: {done.stderr}")


def _wait(lab: Lab, source: str, target: str, how: dict[str, Any]) -> None:
    """Until the question is answered in the lab as it is declared."""
    deadline = time.monotonic() + PATIENCE
    while not lab.trace(source, target, **how).explanation.ok:
        if time.monotonic() > deadline:
            raise SystemExit(f"{source} {target}: it does not work before anything is broken")


def main() -> int:
    """Record every case that is asked for."""
    parser = argparse.ArgumentParser(description="Record evidence anew: real labs, broken as the corpora say, and asked about.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only folders with this in their name")
    only = parser.parse_args().only
    problems = [problem for case in cases() if only in case.folder and (problem := record(case))]
    print("\n".join(problems) if problems else "all as their cases say")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
