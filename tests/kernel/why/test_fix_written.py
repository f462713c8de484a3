"""`fix --write`: the file that was wrong says the fix, keeps every comment, and makes a lab in which the packet arrives."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from vethlab import Lab
from vethlab.present.cli.main import run

pytestmark = pytest.mark.kernel

LOOPY = """\
# Both ends in one box
name: {name}
nodes: [box]  # nobody else
links:
  # one cable
  - box:va 10.0.0.1/24 -- box:vb 10.0.0.2/24   # and no other
"""
ROUTED = """\
name: {name}

# The router comes first,
nodes:
  r: {{}}   # who wrote this forgot something
  a:
    routes: ["default via 10.1.0.1"]  # the router
  b: {{routes: ["default via 10.2.0.1"]}}
links:   # then the cables
  - a 10.1.0.2/24 -- r:west 10.1.0.1/24
  - r:east 10.2.0.1/24 -- b 10.2.0.2/24
# The end.
"""
FILTERED = ROUTED.replace("r: {{}}   # who wrote this forgot something", """\
r:
    forward: true
    nft: |
      table inet wall {{
        chain through {{
          type filter hook forward priority 0; policy accept;
          tcp dport 9 accept  # discard is what it says
          icmp type echo-request counter drop  # who needs pings?
        }}
      }}""")
FORGOTTEN = """\
name: {name}
nodes:
  a: {{}}
  b: {{}}
  r1: {{forward: true}}   # the first
  r2: {{forward: true}}
links:   # nobody said a route
  - a fd01::2/64 -- r1 fd01::1/64
  - r1 fd09::1/64 -- r2 fd09::2/64
  - r2 fd02::1/64 -- b fd02::2/64
"""
FILES = {
    "no-route": (FORGOTTEN, "a", "b"),
    "local-source": (LOOPY, "box:va", "box:vb"), "forwarding-off": (ROUTED, "a", "b"), "nft-drop": (FILTERED, "a", "b"),
}


def comments(text: str) -> list[str]:
    """What stands behind each number sign."""
    return re.findall(r"#.*", text)


@pytest.mark.parametrize("finding", FILES)
def test_the_file_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str], finding: str) -> None:
    """The fix is in the running lab and in its file, nothing else of the file is lost, and a fresh lab of it is healthy."""
    text, src, dst = FILES[finding]
    file = tmp_path / "wrong.lab.yaml"
    file.write_text(text.format(name=f"written-{os.getpid()}"))
    before = file.read_text()
    running = Lab.load(file)
    running.up()
    try:
        status = run(["fix", src, dst, "-l", running.name, "--yes", "--write", "-o", "json"])
        done: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert (0, finding, str(file)) == (status, done["before"]["verdict"]["finding"], done["wrote"])
    finally:
        running.down()
    after = file.read_text()
    kept = [line for line in before.splitlines() if line in after.splitlines()]
    changed = {one["node"] for one in done["applied"]["commands"]}
    assert len(before.splitlines()) - len(changed) <= len(kept)
    assert [] == [one for one in comments(before) if one not in after]
    with Lab.load(file) as fresh:
        assert None is fresh.why(src, dst).explanation.verdict
        assert () == fresh.plan()


def test_the_file_says_it_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lab that was changed by hand goes back to its file, which stays as it is to the last byte."""
    file = tmp_path / "right.lab.yaml"
    file.write_text(ROUTED.replace("r: {{}}", "r: {{forward: true}}").format(name=f"right-{os.getpid()}"))
    before = file.read_bytes()
    running = Lab.load(file)
    running.up()
    try:
        running["b"].exec("ip route del default")
        status = run(["fix", "a", "b", "-l", running.name, "--yes", "--write", "-o", "json"])
        done: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert (0, "no-return-route", None, before) == (status, done["before"]["verdict"]["finding"], done["wrote"], file.read_bytes())
    finally:
        running.down()


def test_what_the_file_cannot_say_is_not_promised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule in the host has no words in a lab file: the offer says how it is applied, and nothing of --write."""
    file = tmp_path / "open.lab.yaml"
    file.write_text(
        f"name: open-{os.getpid()}\nnetworks:\n  br0: {{subnet: 10.4.0.0/24, gateway: 1, nodes: [app]}}\nchecks: [ping app -> world]\n",
    )
    running = Lab.load(file)
    running.up()
    try:
        (offer,) = running.why("app", "world").fixes
        assert ("nft", False) == (offer.commands[0].argv[0], offer.sayable)
        run(["why", "app", "world", "-l", running.name])
        told = capsys.readouterr().out
        assert (True, False) == ("apply: vethlab fix" in told, "--write" in told)
    finally:
        running.down()


def test_what_does_not_mend_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is rehearsed beside a tap, so the first of two fixes is applied alone: the file stays, and so does one that is none."""
    file = tmp_path / "two.lab.yaml"
    file.write_text(ROUTED.replace('b: {{routes: ["default via 10.2.0.1"]}}', "b: {{}}").format(name=f"two-{os.getpid()}"))
    before = file.read_bytes()
    running = Lab.load(file)
    running.up()
    try:
        running["r"].exec("ip tuntap add dev tap0 mode tap")
        status = run(["fix", "a", "b", "-l", running.name, "--yes", "--write", "-o", "json"])
        done: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert (1, "forwarding-off", "no-return-route") == (status, *(done[one]["verdict"]["finding"] for one in ("before", "after")))
        assert (None, True, before) == (done["wrote"], "does not arrive" in done["unwritten"], file.read_bytes())
        run(["fix", "--undo", "-l", running.name])
        assert "0" == running["r"].exec("sysctl -n net.ipv4.ip_forward").stdout.strip()
        running["b"].exec("ip route add default via 10.2.0.1")
        file.write_bytes(b"\xff")
        capsys.readouterr()
        status = run(["fix", "a", "b", "-l", running.name, "--yes", "--write", "-o", "json"])
        said = json.loads(capsys.readouterr().out)
        assert (2, True, True) == (status, "the lab is mended" in said["message"], "--undo" in said["help"])
        assert (True, b"\xff") == (running.why("a", "b").ok, file.read_bytes())
        assert "forwarding-off" == running.undo().explanation_after.verdict.slug  # type: ignore[union-attr] # both are there
    finally:
        running.down()
