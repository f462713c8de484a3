"""Random faulted labs, asked about by `why`, and the score of its answers.

    python -m tests.faults.score --labs 500 --healthy 300 --seed 1 [--rootless] [--double] [--fix] [--planes | --kind overlay]

Rule of the file: the kernel judges first. A lab that does not carry the packet before it is broken is thrown away and counted; one that
still carries it afterwards must be called healthy; otherwise the finding and the node must be among what is true of the injection.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.faults.injections import MAKERS
from tests.faults.oddities import oddities
from tests.faults.planes import KINDS
from tests.faults.scenes import Injection, Maker, Question, Scene
from tests.faults.worlds import World, world

from vethlab import Lab

if TYPE_CHECKING:
    from vethlab.lab.explaining import Answer

HARMLESS_WARNINGS = frozenset({"asymmetric-path"})


@dataclass(slots=True)
class Case:
    """One random lab and what came of it. `problem` empty: right."""

    seed: int
    name: str
    problem: str = ""
    said: str = ""
    seconds: float = 0.0
    kind: str = "fault"  # fault | healthy | skipped


@dataclass(slots=True)
class Score:
    """All cases of a run."""

    cases: list[Case] = field(default_factory=list)

    def right(self, kind: str) -> tuple[int, int]:
        """(right, of)."""
        some = [case for case in self.cases if case.kind == kind]
        return sum(not case.problem for case in some), len(some)


def run_case(seed: int, *, healthy: bool, mode: str, double: bool = False, mend: bool = False, kinds: tuple[str, ...] = ()) -> Case:
    """One random lab from its own seed. `kinds`: of which of planes/ it may be; none of them without it."""
    chance = Random(seed)  # noqa: S311 - a repeatable choice is the point
    kind = chance.choice(kinds) if kinds else ""
    scene = KINDS[kind].scene(chance, seed) if kind else _plain(chance, seed)
    made = scene.world
    scene, injected = _broken(scene, KINDS[kind].makers if kind else MAKERS, faults=0 if healthy else 2 if double else 1)
    case = Case(seed, " + ".join(one.name for one in injected) or "healthy", kind="healthy" if healthy else "fault")
    case.name = f"{kind}: {case.name}" if kind else case.name
    with tempfile.NamedTemporaryFile("w", suffix=".lab.yaml") as file:
        file.write(made.text())
        file.flush()
        lab = Lab.load(file.name, mode=mode)
    with lab:
        odd = _odd(scene, kind) if healthy or chance.random() < 0.5 else []
        for line in odd:
            _type(lab, line)
        if not injected or injected[0].findings != ("port-closed",):
            _listening(lab, made)
            before = lab.trace(scene.question.src, scene.target, **_how(scene.question.options))
            if not before.explanation.ok:
                case.kind = "healthy"  # a healthy lab that was not recognized, or is none
                case.problem = f"before anything was broken ({odd}): {_said(before)}"
                return case
            for node in made.everybody:
                _type(lab, f"{node}: ip neigh flush all")
        try:
            for one in injected:
                for line in one.lines:
                    _type(lab, line)
        except RuntimeError as error:  # two of them, or one and an oddity, want the same place
            case.kind, case.said = "skipped", str(error)
            return case
        begun = time.monotonic()
        answer = lab.why(scene.question.src, scene.target, rehearse=mend, **_how(scene.question.options))
        case.seconds = time.monotonic() - begun
        _judge(case, injected, answer)
        if mend and not case.problem and not answer.explanation.ok and "port-closed" not in injected[0].findings:
            _mend(case, lab, scene, answer)
    return case


def _plain(chance: Random, number: int) -> Scene:
    made = world(chance, number)
    src, dst = chance.sample(list(made.hosts), 2)
    question = Question(src, dst, chance.choice(made.versions))
    if chance.random() < 0.2:
        question = replace(question, dst=made.server, options=("--tcp", str(made.port)))
        question = replace(question, src=chance.choice([host for host in made.hosts if host != made.server]))
    return Scene(made, question, made.way(question.src, question.dst), chance)


def _broken(scene: Scene, makers: tuple[Maker, ...], *, faults: int) -> tuple[Scene, list[Injection]]:
    """The scene with the options that its faults ask for, and the faults."""
    injected: list[Injection] = []
    while len(injected) < faults:
        one = scene.chance.choice(makers)(scene)
        if one is None or one.name in {other.name for other in injected}:
            continue
        if one.options is not None and (scene.question.target or (injected and one.options != scene.question.options)):
            continue
        injected.append(one)
        if one.options is not None:
            scene = replace(scene, question=replace(scene.question, options=one.options))
    return scene, injected


def _odd(scene: Scene, kind: str) -> list[str]:
    """Some oddities of the kind, and some that are odd anywhere."""
    found = oddities(scene) if not kind or scene.chance.random() < 0.5 else []
    own = KINDS[kind].oddities(scene) if kind else []
    some = scene.chance.sample(own, min(len(own), scene.chance.randint(1, 3)))
    return found + [line for lines in some for line in lines]


def _judge(case: Case, injected: list[Injection], answer: Answer) -> None:
    """Compare with what is true."""
    case.said = _said(answer)
    verdict = answer.explanation.verdict
    if verdict is None:
        if case.kind == "healthy":
            wrong = [one.slug for one in answer.explanation.warnings if one.slug not in HARMLESS_WARNINGS]
            case.problem = f"false warnings: {wrong}" if wrong else ""
        return  # the kernel still carries it: whatever was injected does not stop this packet
    if case.kind == "healthy":
        case.problem = f"false alarm: {case.said}"
    elif not any(verdict.slug in one.findings and verdict.where.node in one.nodes for one in injected):
        case.problem = f"said {case.said}, injected {[(one.findings, one.nodes, one.lines) for one in injected]}"


def _listening(lab: Lab, made: World) -> None:
    """Wait until the server has come up: whoever asks for its port before that is told so, and rightly."""
    if made.server:
        lab[made.server].exec(["timeout", "5", "sh", "-c", f"until ss -Hltun | grep -q ':{made.port} '; do sleep 0.02; done"])


def _mend(case: Case, lab: Lab, scene: Scene, answer: Answer) -> None:
    if not answer.fixes:
        case.problem = f"no fix offered for {case.said}"
        return
    done = lab.fix(scene.question.src, scene.target, **_how(scene.question.options))
    if done.after is None or not done.after.explanation.ok:
        case.problem = f"the fix does not mend {case.said}: {answer.fixes[0].commands}"


def _said(answer: Answer) -> str:
    verdict = answer.explanation.verdict
    return "healthy" if verdict is None else f"{verdict.slug} at {verdict.where} ({verdict.direction}, {verdict.grade})"


def _how(options: tuple[str, ...]) -> dict[str, Any]:
    if not options:
        return {}
    return {"size": int(options[1])} if options[0] == "--size" else {"kind": options[0][2:], "port": int(options[1])}


def _type(lab: Lab, line: str) -> None:
    """Type a line into its node."""
    node, _, command = line.partition(": ")
    while "{mac:" in command:
        owner, _, interface = command.partition("{mac:")[2].partition("}")[0].partition(":")
        mac = lab[owner].exec(["cat", f"/sys/class/net/{interface}/address"]).stdout.strip()
        if not mac or ":" not in mac:
            mac = next(part for part in lab[owner].exec(["ip", "-o", "link", "show", interface]).stdout.split() if part.count(":") == 5)
        command = command.replace(f"{{mac:{owner}:{interface}}}", mac)
    done = lab[node].exec(["sh", "-c", command])
    if done.rc:
        raise RuntimeError(f"{line}: {done.stderr.strip()}")


def main() -> int:
    """Run and print; exit 1 below what is promised."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--labs", type=int, default=500)
    parser.add_argument("--healthy", type=int, default=300)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--rootless", action="store_true")
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("--planes", action="store_true", help="labs of all kinds of planes/, in place of plain ones")
    parser.add_argument("--kind", action="append", choices=KINDS, default=[], help="only this kind, several times for several")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after that time")
    asked = parser.parse_args()
    mode, kinds = "rootless" if asked.rootless else "auto", tuple(KINDS) if asked.planes else tuple(asked.kind)
    score, began = Score(), time.monotonic()
    print(f"seed {asked.seed}, {asked.labs} faulted labs, {asked.healthy} healthy", flush=True)
    for number in range(asked.labs + asked.healthy):
        healthy = number % max(2, (asked.labs + asked.healthy) // max(1, asked.healthy)) == 0 if asked.healthy else False
        case = run_case(asked.seed * 100_000 + number, healthy=healthy, mode=mode, double=asked.double, mend=asked.fix, kinds=kinds)
        score.cases.append(case)
        if case.problem:
            print(f"WRONG {case.seed} {case.name}: {case.problem}", flush=True)
        if time.monotonic() - began > asked.seconds:
            break
    return _report(score, asked.json)


def _report(score: Score, file: Path | None) -> int:
    good, of = score.right("fault")
    fine, well = score.right("healthy")
    times = sorted(case.seconds for case in score.cases if case.kind == "fault")
    print(f"faulted: {good} of {of} right ({100 * good / max(1, of):.1f} %); healthy: {fine} of {well} without alarm")
    if times:
        print(f"seconds to answer: median {times[len(times) // 2]:.2f}, worst {times[-1]:.2f}")
    print("missed:", dict(Counter(case.name for case in score.cases if case.problem)))
    if file is not None:
        file.write_text(json.dumps([[case.seed, case.kind, case.name, case.said, case.problem, case.seconds] for case in score.cases]))
    return 0 if good >= 0.97 * of and fine == well else 1


if __name__ == "__main__":
    sys.exit(main())
