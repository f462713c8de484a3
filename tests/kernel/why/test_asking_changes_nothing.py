"""Asking changes nothing: after `why` and `trace` the lab is, as other tools see it, what it was before, and so is the machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.survival.corpus import LONG
from tests.kernel.survival.machine import until
from tests.kernel.why.portrait import Run, at_rest, portrait, taught, unanswered

from vethlab import Lab
from vethlab.errors import VethlabError
from vethlab.kernel.bpf.program import next_program
from vethlab.kernel.bpf.tracer import available

pytestmark = [pytest.mark.kernel, pytest.mark.long]

NODES = ["a", "b", "d", "host", "r"]
LAB = """\
name: unchanged-{pid}
networks:
  br0: {{subnet: [10.9.1.0/24, "fd09:1::/64"], nodes: {{a: 11, b: 12, r: 1}}}}
links:
  - r:wan 10.9.2.1/24 fd09:2::1/64 -- d 10.9.2.14/24 fd09:2::14/64
nodes:
  a: {{routes: ["default via 10.9.1.1", "default via fd09:1::1"]}}
  b: {{routes: ["default via 10.9.1.1", "default via fd09:1::1"]}}
  d: {{routes: ["default via 10.9.2.1", "default via fd09:2::1"], run: "python3 -m http.server 80 --bind ::"}}
  r:
    forward: true
    nft: |
      table inet wall {{
        counter pings {{ }}
        chain through {{
          type filter hook forward priority 0; policy accept;
          ct state established counter accept
          icmp type echo-request counter name pings accept
          tcp dport 9 counter drop
        }}
      }}
"""
HEALTHY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("a", "b", {}), ("a", "d", {}), ("a", "fd09:2::14", {}), ("a", "b", {"kind": "arp"}), ("a", "d", {"kind": "tcp", "port": 80}),
    ("a", "fd09:2::14", {"kind": "tcp", "port": 80}), ("a", "d", {"size": 1400}),
)
DEAD: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str, str, dict[str, Any]], ...]]] = {
    "everywhere": (("d: ip route del default", "d: ip -6 route del default"), (
        ("neighbour-unresolved", "a", "10.9.1.99", {}), ("neighbour-unresolved", "a", "fd09:1::99", {}), ("no-return-route", "a", "d", {}),
        ("no-return-route", "a", "fd09:2::14", {}), ("nft-drop", "a", "d", {"kind": "tcp", "port": 9}),
        ("port-closed", "a", "b", {"kind": "tcp", "port": 81}), ("port-closed", "a", "b", {"kind": "udp", "port": 81}),
    )),
    "at the router": (("r: sysctl -qw net.ipv4.ip_forward=0",), (("forwarding-off", "a", "d", {"kind": "tcp", "port": 80}),)),
    "on the bridge": (("host: ip link set br0 down",), (("bridge-down", "b", "d", {}), ("bridge-down", "a", "b", {"kind": "arp"}))),
}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """The lab with a keeper of its own, at rest."""
    file = tmp_path / "unchanged.lab.yaml"
    file.write_text(LAB.format(pid=os.getpid()))
    lab = Lab.load(file)
    lab.up()
    try:
        at_rest(inside(lab), NODES)
        yield lab
    finally:
        lab.down()


def inside(lab: Lab) -> Run:
    """What runs scripts in its nodes."""
    return lambda node, script: lab[node].exec(["sh", "-c", script]).stdout


class Before:
    """How everything was: the lab as it is seen and as State, its keeper, the machine's BPF programs."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.state, self.seen, self.descriptors, self.programs = lab.state(), self.look(), self.held(), programs()

    def look(self) -> dict[str, Any]:
        """The lab as other tools see it."""
        return portrait(inside(self.lab), NODES)

    def held(self) -> list[str]:
        """What the keeper's descriptors lead to; this process's own connection is among them both times."""
        folder = Path(f"/proc/{self.lab.info().pid}/fd")
        return sorted(kind(one) for one in folder.iterdir())

    def must_be_now(self, when: str) -> None:
        """Nothing is different."""
        assert self.state == self.lab.state(), when
        seen = self.look()
        for node, views in self.seen.items():
            for name, view in views.items():
                assert view == seen[node][name], f"{name} of {node} after {when}"
        until(lambda: self.descriptors == self.held(), lambda: f"{when}: {self.descriptors} became {self.held()}")
        until(lambda: programs() <= self.programs, lambda: f"{when}: programs {programs() - self.programs} stay")


def kind(descriptor: Path) -> str:
    """`socket`, `net`, a path."""
    try:
        return descriptor.readlink().name.partition(":")[0]
    except OSError:  # closed meanwhile
        return ""


def programs() -> set[int]:
    """The BPF programs that are loaded, where one may know."""
    found: set[int] = set()
    try:
        number = next_program(0)
        while number:
            found.add(number)
            number = next_program(number)
    except VethlabError:
        assert os.geteuid() != 0 or available()
    return found


def test_of_a_healthy_lab(lab: Lab) -> None:
    """Every kind of question, `trace` for pings: what stays is what any packet teaches the kernel, and no more."""
    before = Before(lab)
    for src, dst, how in HEALTHY:
        for ask in (lab.why,) if how else (lab.why, lab.trace):
            answer = ask(src, dst, **how)
            assert None is answer.explanation.verdict, (src, dst, how)
        if LONG:
            before.must_be_now(f"{src} {dst} {how}")
    before.must_be_now("all questions")
    assert taught(inside(lab), NODES) > 0


@pytest.mark.parametrize("where", DEAD)
def test_of_dead_paths(lab: Lab, where: str) -> None:
    """Answers that are no, their fixes tried on a copy: neither the copy nor a question in vain leaves anything."""
    breaks, questions = DEAD[where]
    for line in breaks:
        inside(lab)(*line.split(": ", 1))
    at_rest(inside(lab), NODES)
    before = Before(lab)
    for finding, src, dst, how in questions:
        for ask in (lab.why, lab.trace):
            verdict = ask(src, dst, **how).explanation.verdict
            assert finding == (verdict.slug if verdict else None), (src, dst, how)
        if LONG:
            before.must_be_now(f"{src} {dst} {how}")
    before.must_be_now("all questions")


def test_asking_in_vain_is_quick_again(lab: Lab) -> None:
    """A neighbour that was left unresolved would make the next question wait for a second."""
    for _ in range(2):
        begun = time.monotonic()
        verdict = lab.why("a", "10.9.1.99", rehearse=False).explanation.verdict
        assert "neighbour-unresolved" == (verdict.slug if verdict else None)
    assert {} == unanswered(inside(lab), NODES)
    assert time.monotonic() - begun < 3
