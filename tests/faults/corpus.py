"""The written cases: what breaks a lab, what is asked then, and what `why` has to answer.

Enters: *.toml files; leaves: cases as values, and for each that is run the problem, or nothing.
Rule of the file: an answer is judged by its words alone, as a user's own script would: finding, place, direction, warnings; a fix by asking
again. Whether a case is true is not decided here (`verify.py` decides it).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vethlab import Lab

if TYPE_CHECKING:
    from vethlab.lab.explaining import Answer
    from vethlab.model.finding import Finding

__all__ = ["HERE", "Case", "Twice", "judged", "load", "one_of_each", "run", "twice"]

Twice = tuple[str, str]

HERE = Path(__file__).resolve().parent
HEALTHY = "healthy"


class Untrue(Exception):  # noqa: N818 - it is what it says
    """A case that cannot be made on this machine."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case. Empty tuples: nothing is said about that. `needs`: programs, and files that have to be open to us."""

    group: str
    name: str
    lab: Path | None
    text: str
    inject: tuple[str, ...]
    why: tuple[str, ...]
    findings: tuple[str, ...]
    nodes: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    direction: str = ""
    fix: bool = False
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"

    def missing(self) -> list[str]:
        """What it needs and we do not have."""
        return [one for one in self.needs if not (os.access(one, os.R_OK | os.W_OK) if one.startswith("/") else shutil.which(one))]

    def question(self) -> tuple[str, str, dict[str, Any]]:
        """Both ends and the keywords of `Lab.why`."""
        src, dst, *options = self.why
        kind, number = options[0].removeprefix("--") if options else "", int(options[1]) if len(options) > 1 else None
        if kind in {"tcp", "udp"}:
            return src, dst, {"kind": kind, "port": number}
        return src, dst, {"size": number} if kind == "size" else {"kind": kind or "ping"}


def load(file: Path) -> list[Case]:
    """The cases of a file, in its order."""
    return [_case(file, one) for one in tomllib.loads(file.read_text())["case"]]


def one_of_each(cases: Iterable[Case]) -> list[Case]:
    """The first case of every finding that must be found, and can be here: where any of several would do, none is covered."""
    found: dict[str, Case] = {}
    for case in cases:
        if len(case.findings) == 1 and case.findings[0] != HEALTHY and not case.also and not case.missing():
            found.setdefault(case.findings[0], case)
    return list(found.values())


def run(case: Case, *, mode: str = "auto", mend: bool = True) -> str:
    """Bring the lab up, break it, ask. Leaves: the problem, or nothing."""
    try:
        with _broken(case, mode) as lab:
            return _asked(case, lab, mend=mend and case.fix)
    except Untrue as error:
        return str(error)


def twice(case: Case) -> Twice:
    """What is said of a case without BPF and with it: finding, place and direction of each answer."""
    with _broken(case, "auto") as lab:
        src, dst, how = case.question()
        without, with_ = (lab.why(src, dst, rehearse=False, truth=truth, **how).explanation.verdict for truth in (False, True))
    return _spelt(without), _spelt(with_)


def _spelt(verdict: Finding | None) -> str:
    return HEALTHY if verdict is None else f"{verdict.slug} at {verdict.where.node}:{verdict.where.interface} ({verdict.direction})"


@contextmanager
def _broken(case: Case, mode: str) -> Iterator[Lab]:
    """The lab of a case, up and broken. Untrue if it cannot be broken so."""
    with tempfile.TemporaryDirectory() as scratch:
        file = case.lab
        if file is None:
            file = Path(scratch, "case.lab.yaml")
            file.write_text(case.text)
        with Lab.load(file, mode=mode) as lab:
            for line in case.inject:
                node, command = line.split(": ", 1)
                done = lab[node].exec(["sh", "-c", command])
                if done.rc:
                    raise Untrue(f"inject failed: {line}: {done.stderr.strip()}")
            yield lab


def judged(case: Case, answer: Answer) -> str:
    """What is wrong with an answer, or nothing."""
    said = answer.explanation
    verdict = said.verdict
    seen = HEALTHY if verdict is None else verdict.slug
    warned = {one.slug for one in said.warnings}
    node, interface, direction = (verdict.where.node, verdict.where.interface, verdict.direction) if verdict else (None, None, "")
    named = {seen, *(one.slug for one in said.also)}
    checks: list[tuple[Callable[[], bool], str]] = [
        (lambda: seen in case.findings, f"said {seen} at {node}:{interface} ({direction}), expected {' or '.join(case.findings)}"),
        (lambda: not case.nodes or node in case.nodes, f"right finding, wrong node {node}, expected {' or '.join(case.nodes)}"),
        (lambda: not case.interfaces or interface in case.interfaces, f"right finding, wrong interface {interface}: {case.interfaces}"),
        (lambda: set(case.warnings) <= warned, f"no warning {case.warnings} among {sorted(warned)}"),
        (lambda: not case.direction or direction == case.direction, f"right finding, wrong direction {direction}"),
        (lambda: set(case.also) <= named, f"of {case.also} only {sorted(named)} is named"),
    ]
    return next((problem for holds, problem in checks if not holds()), "")


def _asked(case: Case, lab: Lab, *, mend: bool) -> str:
    src, dst, how = case.question()
    answer = lab.why(src, dst, rehearse=mend, **how)
    problem = judged(case, answer)
    if problem or not mend or answer.explanation.ok:
        return problem
    done = lab.fix(src, dst, **how)
    if done.applied is None:
        return "no fix is offered"
    after = lab.why(src, dst, rehearse=False, **how)
    if not after.explanation.ok:
        return f"the offered fix does not mend it: {[one.argv for one in done.applied.commands]}: {after.explanation.verdict}"
    return ""


def _case(file: Path, keys: dict[str, Any]) -> Case:
    lab = (file.parent / keys["lab"]).resolve() if "lab" in keys else None
    return Case(
        file.stem, keys["name"], lab, keys.get("lab_text", ""), _words(keys["inject"]), _words(keys["why"]), _words(keys["finding"]),
        nodes=_words(keys.get("node")), interfaces=_words(keys.get("interface")), warnings=_words(keys.get("warning")),
        also=_words(keys.get("also")), direction=keys.get("direction", ""), fix=keys.get("fix", False), needs=_words(keys.get("needs")),
    )


def _words(value: str | list[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)
