"""Questions that are killed, asked at once, or asked beside a check: nothing of them is left, and the next one is answered as ever."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import Any

import pytest
from tests.kernel.survival.conftest import here
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.machine import Machine, Started, until
from tests.kernel.why.portrait import portrait

__all__ = ["here"]

pytestmark = [pytest.mark.kernel, pytest.mark.long]

MODES = 2 if os.geteuid() == 0 else 1
NODES = ["a", "d", "host", "r"]
LAB = """\
nodes:
  a: {routes: ["default via 10.9.1.1"]}
  b: {routes: ["default via 10.9.1.1"]}
  r: {forward: true, sysctl: {net.ipv4.conf.all.rp_filter: 1}, nft: "table ip t { chain c { type filter hook forward priority 0; }; }"}
  d: {routes: ["default via 10.9.2.1"]}
networks:
  br0: {subnet: 10.9.1.0/24, nodes: {a: 11, b: 12, r: 1}}
links:
  - r:wan 10.9.2.1/24 -- d 10.9.2.14/24
"""
BREAK = ("exec", "r", "--", "ip", "route", "add", "10.9.1.11/32", "via", "10.9.2.14")
WHY = ("why", "a", "d", "-o", "json")


@pytest.fixture
def broken(here: Machine) -> Machine:
    """The lab, up, in which the router refuses what a sends."""
    here.write("asked", LAB)
    here.ok("up")
    here.ok(*BREAK)
    verdict(here, *WHY)  # what a first question teaches the kernel is known from here on
    return here


def verdict(machine: Machine, *words: str) -> tuple[int, str, str]:
    """Ask; exit status, finding and place."""
    done = machine.vethlab(*words)
    return done.returncode, *said(done.stdout)


def said(document: str) -> tuple[str, str]:
    """Finding and place of a printed answer."""
    one = json.loads(document)["verdict"]
    return (one["finding"], f"{one['where']['node']}:{one['where']['interface']}") if one else ("healthy", "")


def look(machine: Machine) -> dict[str, Any]:
    """The lab as other tools see it. A question that was killed cannot take away the neighbour it has asked for in vain."""
    seen = portrait(lambda node, script: machine.ok("exec", node, "--", "sh", "-c", script), NODES)
    return {node: {name: view for name, view in views.items() if name != "unanswered"} for node, views in seen.items()}


def ended(program: Started) -> tuple[int, str]:
    """Exit status and output of a program that has to end by itself."""
    status, out, _ = program.end()
    return status, out


def test_killed_at_any_moment(broken: Machine) -> None:
    """After SIGKILL of `why` or `trace` the lab and its processes are what they were, and `why` says what it said."""
    before, processes = look(broken), sorted(broken.processes().values())
    begun = time.monotonic()
    assert (1, "rp-filter", "r:eth0") == verdict(broken, *WHY)
    seconds = time.monotonic() - begun
    ends = []
    for turn, moment in enumerate(moments(6 // MODES, 60 // MODES, seconds, "why")):
        program = broken.begin(*(WHY if turn % 3 else ("trace", "a", "d")))
        time.sleep(moment)
        program.send(signal.SIGKILL)
        ends.append(program.end()[0])
        when = told(f"killed after {moment * 1000:.0f} of {seconds * 1000:.0f} ms (status {ends[-1]})")
        until(lambda: processes == sorted(broken.processes().values()), lambda: f"{when}: {broken.processes()}")  # noqa: B023 - asked now
        assert (1, "rp-filter", "r:eth0") == verdict(broken, *WHY, "--no-fix"), when
    assert before == look(broken), told(f"after {ends}")
    print(told(f"why: killed over {seconds * 1000:.0f} ms, {broken.flags}: {ends.count(-signal.SIGKILL)} of {len(ends)}"))


def test_at_once_and_beside_a_check(broken: Machine) -> None:
    """Two who ask at the same time, while a check of all pairs runs, are told the same truth, and the check counts what it counts alone."""
    before, alone = look(broken), broken.vethlab("check", "-o", "json").stdout
    checking, *asking = broken.begin("check", "-o", "json"), broken.begin(*WHY), broken.begin(*WHY)
    ends = [ended(one) for one in asking]
    assert [(1, ("rp-filter", "r:eth0"))] * 2 == [(status, said(out)) for status, out in ends]
    assert passed(alone) == passed(ended(checking)[1])
    assert (0, "healthy", "") == verdict(broken, "why", "b", "d", "-o", "json")
    assert before == look(broken)


def passed(document: str) -> list[tuple[str, str, bool]]:
    """Which paths of a check passed."""
    return [(one["src"], one["dst"], one["ok"]) for one in json.loads(document)["paths"]]
