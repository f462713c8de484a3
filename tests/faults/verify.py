#!/usr/bin/env python3
"""Prove that the fault corpus is true, without `vethlab why`.

Enters: cases (README.md beside this file says what their keys mean). Leaves: a line per case, and status 0 if all are true.
Rule of the file: real tools inside the nodes decide (ping, sockets, the neighbour table); nothing here explains anything.

For every case: the lab comes up; the first `setup` lines of `inject` run; the probe passes (unless `broken_before`);
neighbour tables are emptied; the fault is injected; the probe fails, twice (or passes, twice, if the case is healthy);
ping tells by the destination's own counter whether the request or the reply died;
after `mend` it passes again, and with `also` not before its last command.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PATIENCE = 5.0  # seconds for a server to start, or for a mended link to be used again
SETTLE = 1.0  # seconds in which duplicate address detection and link watching come to rest
SOCKET = "import socket,sys;s=socket.socket(socket.{family},socket.{kind});s.settimeout(1);"
ASK = SOCKET + "{bind}s.connect((sys.argv[1],int(sys.argv[2])));{talk}"
FORGET = "; ".join(f"ip {family} {what}" for family in ("-4", "-6") for what in ("neigh flush all", "route flush cache"))
TALK = {"tcp": "", "udp": "s.send(b'?');s.recv(99)"}
KINDS = {"tcp": "SOCK_STREAM", "udp": "SOCK_DGRAM"}
BIND = "s.setsockopt(socket.SOL_SOCKET,25,{interface!r}.encode());"  # 25 = SO_BINDTODEVICE
ECHOES = "awk '/^Icmp: [0-9]/{a=$10} FILENAME~/snmp6/&&/Icmp6InEchos /{b=$2} END{print a+b}' /proc/net/snmp /proc/net/snmp6"
DATAGRAMS = "awk '/^Udp: [0-9]/{a=$2} /^Udp6InDatagrams /{b=$2} END{print a+b}' /proc/net/snmp /proc/net/snmp6"
ARRIVES = {"echo-ignored"}  # the request is counted, and not answered


class Untrueness(Exception):  # noqa: N818 # it is what it says
    """A case that does not hold on this machine."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the network: SRC DST and the options of `why`."""

    node: str
    interface: str | None
    target: str
    kind: str
    number: str | None

    @classmethod
    def read(cls, words: list[str], shown: dict[str, Any]) -> Question:
        """The words after `why`, with DST turned into an address."""
        node, _, interface = words[0].partition(":")
        options = words[2:]
        kind = options[0].removeprefix("--") if options else "ping"
        if kind not in {"ping", "size", "tcp", "udp", "arp"}:
            raise Untrueness(f"unknown option {options[0]}")
        return cls(node, interface or None, _target(words[1], node, shown), kind, options[1] if len(options) > 1 else None)

    def command(self) -> list[str]:
        """The tool that asks, to be run in the source node."""
        if self.kind in TALK:
            family = "AF_INET6" if ":" in self.target else "AF_INET"
            bind = BIND.format(interface=self.interface) if self.interface else ""
            code = ASK.format(family=family, kind=KINDS[self.kind], bind=bind, talk=TALK[self.kind])
            return [sys.executable, "-ISc", code, self.target, str(self.number)]
        ping = ["ping", "-n", "-c1", "-W1", *(["-I", self.interface] if self.interface else [])]
        if self.kind == "arp":
            known = f"ip neigh show {self.target} | grep -q lladdr"
            return ["sh", "-c", f"ip neigh flush {self.target}; {shlex.join([*ping, self.target])}; {known}"]
        return [*ping, *(["-M", "do", "-s", str(self.number)] if self.kind == "size" else []), self.target]


def _target(name: str, source: str, shown: dict[str, Any]) -> str:
    """The address that DST means: the first in file order, one on a segment of the source preferred."""
    where, _, wanted = name.partition(":")
    nodes = {node["name"]: node["interfaces"] for node in shown["nodes"]}
    if where not in nodes:
        return name
    mine = [ipaddress.ip_interface(a).network for i in nodes.get(source, []) for a in i["addresses"]]
    theirs = [ipaddress.ip_interface(a) for i in nodes[where] if wanted in {"", i["name"]} for a in i["addresses"]]
    usable = [a for a in theirs if not a.ip.is_link_local]
    return str(min(usable, key=lambda a: a.network not in mine).ip)


def _owner(address: str, shown: dict[str, Any]) -> str | None:
    """The node whose address it is in the file."""
    for node in shown["nodes"]:
        if any(text.split("/")[0] == address for interface in node["interfaces"] for text in interface["addresses"]):
            return str(node["name"])
    return None


class Tool:
    """The installed `vethlab`."""

    def __init__(self, command: str, mode: list[str]) -> None:
        self.command = shlex.split(command)
        self.mode = mode
        self.lab = ""

    def call(self, *words: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """Run one verb."""
        return subprocess.run([*self.command, *words], text=True, capture_output=True, timeout=timeout, check=False)

    def up(self, file: Path) -> dict[str, Any]:
        """Bring the lab up; what `show` says of it."""
        lines = file.read_text().splitlines()
        self.lab = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("name:"))
        done = self.call("up", *self.mode, str(file))
        if done.returncode:
            raise Untrueness(f"up exited {done.returncode}: {done.stderr.strip()[-300:]}")
        shown: dict[str, Any] = json.loads(self.call("show", "-l", self.lab, "-o", "json").stdout)
        return shown

    def inside(self, node: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a node."""
        return self.call("exec", "-l", self.lab, node, "--", *command)

    def do(self, line: str) -> None:
        """Run one line `NODE: shell command`, which has to succeed."""
        node, command = line.split(": ", 1)
        done = self.inside(node, "sh", "-c", command)
        if done.returncode:
            raise Untrueness(f"failed: {line}: {done.stderr.strip()[-300:]}")


class Trial:
    """One case on one running lab."""

    def __init__(self, case: dict[str, Any], tool: Tool, *, cold: bool) -> None:
        self.case, self.tool, self.cold = case, tool, cold
        self.healthy = case["finding"] == "healthy"

    def run(self, file: Path) -> None:
        """All steps; Untrueness if one is not as the case says."""
        shown = self.tool.up(file)
        question = Question.read(self.case["why"], shown)
        places = {node["name"] for node in shown["nodes"]} | {"host"}
        if bad := set(_names(self.case.get("node", []))) - places:
            raise Untrueness(f"no node {bad}")
        setup = self.case.get("setup", 0)
        for line in self.case["inject"][:setup]:
            self.tool.do(line)
        if not self.cold and not self.case.get("broken_before"):
            if not self.becomes_good(question):
                raise Untrueness("the probe fails before anything is injected")
            for node in places:
                self.tool.inside(node, "sh", "-c", FORGET)
        for line in self.case["inject"][setup:]:
            self.tool.do(line)
        if self.case.get("unanswered"):
            self.arrives_unanswered(question, _owner(question.target, shown))
        elif self.healthy:
            self.stays_good(question)
        else:
            self.stays_bad(question, _owner(question.target, shown))
            self.mends(question)

    def good(self, question: Question) -> bool:
        """Ask once."""
        return self.tool.inside(question.node, *question.command()).returncode == 0

    def becomes_good(self, question: Question) -> bool:
        """Ask until it passes or patience ends."""
        deadline = time.monotonic() + PATIENCE
        while not self.good(question):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def stays_good(self, question: Question) -> None:
        """A healthy case passes at the first attempt, and after everything has settled."""
        if not self.good(question):
            late = self.becomes_good(question)
            raise Untrueness("healthy, but the first probe fails" if late else "healthy, but the probe fails")
        if "settle" in self.case:
            time.sleep(SETTLE)
        if not self.good(question):
            raise Untrueness("healthy at first, but later the probe fails")

    def stays_bad(self, question: Question, owner: str | None) -> None:
        """A fault stops the first probe and a later one; the destination's counter says which direction died."""
        before = self._echoes(owner)
        for moment in ("at once", "later"):
            if self.good(question):
                raise Untrueness(f"the probe passes in spite of the fault ({moment})")
            if moment == "at once":
                time.sleep(SETTLE if "settle" in self.case else 0)
        if question.kind not in {"ping", "size"} or owner is None or ARRIVES & set(_names(self.case["finding"])):
            return
        arrived = self._echoes(owner) > before
        if arrived != (self.case.get("direction") == "reply"):
            raise Untrueness(f"the request {'arrived' if arrived else 'did not arrive'} at {owner}: direction is wrong")

    def arrives_unanswered(self, question: Question, owner: str | None) -> None:
        """A datagram is delivered to a socket, and who sent it hears nothing; after `mend` it hears the answer."""
        before = self._count(DATAGRAMS, owner)
        if self.good(question):
            raise Untrueness("the datagram is answered")
        if self._count(DATAGRAMS, owner) <= before:
            raise Untrueness(f"the datagram did not arrive at {owner}")
        self.mends(question)

    def _echoes(self, node: str | None) -> int:
        """How many echo requests a node's kernel has been given."""
        return self._count(ECHOES, node)

    def _count(self, counter: str, node: str | None) -> int:
        """A counter of a node's kernel, read by a shell command."""
        return int(self.tool.inside(node, "sh", "-c", counter).stdout or 0) if node else 0

    def mends(self, question: Question) -> None:
        """The case's own mend takes the fault away; with several faults, only all of it does."""
        mend = self.case.get("mend", [])
        if self.case.get("fix") and not mend:
            raise Untrueness("`fix` without `mend`: nothing proves that a change inside the lab mends it")
        for step, line in enumerate(mend, 1):
            self.tool.do(line)
            if "also" in self.case and step < len(mend) and self.good(question):
                raise Untrueness(f"one fault is enough to mend: {line}")
        if mend and not self.becomes_good(question):
            raise Untrueness("the mend does not mend it")


def _names(value: str | list[str]) -> list[str]:
    """A list of what may be one word."""
    return [value] if isinstance(value, str) else value


def _cases(files: list[Path], only: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The cases asked for, with the folder that their labs are relative to."""
    for file in files:
        for case in tomllib.loads(file.read_text())["case"]:
            if only in f"{file.stem}: {case['name']}":
                yield file, case


def verify(tool: Tool, folder: Path, case: dict[str, Any], *, cold: bool) -> str:
    """Try one case. Leaves: the problem, or nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        file = folder / case.get("lab", "")
        if "lab_text" in case:
            file = Path(scratch, "case.lab.yaml")
            file.write_text(case["lab_text"])
        problem = ""
        try:
            Trial(case, tool, cold=cold).run(file)
        except (Untrueness, subprocess.TimeoutExpired, OSError, ValueError, KeyError) as error:
            problem = f"{'' if isinstance(error, Untrueness) else type(error).__name__ + ': '}{error}"
        down = tool.call("down", "--wait", tool.lab)
        return problem or (f"down exited {down.returncode}: {down.stderr.strip()[-200:]}" if down.returncode else "")


def main() -> int:
    """Read the command line, try every case, count."""
    parser = argparse.ArgumentParser(description="Prove that the fault corpus is true, without `vethlab why`.")
    parser.add_argument("files", nargs="*", type=Path, help="default: every *.toml beside this script")
    parser.add_argument("--rootless", action="store_true", help="bring the labs up as an ordinary user would")
    parser.add_argument("--cold", action="store_true", help="inject at once, without the probe before")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with this in `FILE: NAME`")
    parser.add_argument("--vethlab", default=f"{sys.executable} -m vethlab", metavar="CMD", help="the command to run")
    args = parser.parse_args()
    tool = Tool(args.vethlab, ["--rootless"] if args.rootless else [])
    total = true = 0
    for file, case in _cases(args.files or sorted(HERE.glob("*.toml")), args.only):
        began = time.monotonic()
        problem = verify(tool, file.resolve().parent, case, cold=args.cold)
        total, true = total + 1, true + (not problem)
        print(f"{'FAIL' if problem else 'true'} {time.monotonic() - began:5.1f}s  {file.stem}: {case['name']}", flush=True)
        if problem:
            print(f"       {problem}", flush=True)
    print(f"{true} of {total} true")
    return 0 if total == true else 1


if __name__ == "__main__":
    sys.exit(main())
