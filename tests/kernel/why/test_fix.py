"""`fix` on a campus that was broken by hand: applied, taken back, said in the file, and rolled back where it fails half-way."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.kernel.rehearse.looking import lasting
from tests.kernel.survival.corpus import LONG
from tests.kernel.why.portrait import at_rest, portrait
from tests.kernel.why.schemas import FIX, WHY

from vethlab import Lab
from vethlab.apply.commands import carry_out
from vethlab.errors import KernelError
from vethlab.lab import fixing
from vethlab.model.journey import Observed
from vethlab.present.cli.main import run

pytestmark = [pytest.mark.kernel, pytest.mark.long]

ROOT = Path(__file__).parents[3]
NODES = ["a", "b", "d", "host", "r"]
WALL = (
    "r: nft add table inet wall", "r: nft 'add chain inet wall through { type filter hook forward priority 0; policy accept; }'",
    "r: nft add rule inet wall through ip daddr 10.9.2.14 tcp dport 9 counter accept",
    "r: nft add rule inet wall through ip daddr 10.9.2.14 counter drop",
    "r: nft add rule inet wall through ip daddr 10.9.2.15 counter drop",
)
FAULTS = {
    "forwarding-off": ("r: sysctl -qw net.ipv4.ip_forward=0",),
    "no-route": ("a: ip route del default",),
    "no-return-route": ("d: ip route del default",),
    "link-down": ("d: ip link set dev eth0 down",),
    "bridge-down": ("host: ip link set dev br0 down",),
    "port-detached": ("host: ip link set dev p-r nomaster",),
    "nft-drop": WALL,
    "nft-drop by policy": (WALL[0], "r: nft 'add chain inet wall through { type filter hook forward priority 0; policy drop; }'"),
    "route-blackhole": ("r: ip route add blackhole 10.9.2.14/32",),
    "neighbour-wrong": ("a: ip neigh replace 10.9.1.1 lladdr 02:00:00:00:00:77 dev eth0 nud permanent",),
    "rp-filter": ("r: sysctl -qw net.ipv4.conf.all.rp_filter=1", "r: ip route add 10.9.1.11/32 via 10.9.2.14"),
    "echo-ignored": ("d: sysctl -qw net.ipv4.icmp_echo_ignore_all=1",),
}
CHOSEN = FAULTS if LONG else ["link-down", "port-detached", "nft-drop", "nft-drop by policy", "rp-filter"]
TWO = ("a: ip route del default", "r: sysctl -qw net.ipv4.ip_forward=0")


class Broken:
    """The campus under a name of its own, as the command line and as the API see it."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys, self.name = capsys, f"mended-{os.getpid()}"
        self.file = directory / "campus.lab.yaml"
        self.file.write_text((ROOT / "examples" / "routed.lab.yaml").read_text().replace("name: campus", f"name: {self.name}"))
        self.lab = Lab.load(self.file)
        self.lab.up()
        at_rest(self.inside, NODES)

    def inside(self, node: str, script: str) -> str:
        """What a script in a node writes."""
        return self.lab[node].exec(["sh", "-c", script]).stdout

    def spoil(self, *lines: str) -> None:
        """Break it."""
        for line in lines:
            node, command = line.split(": ", 1)
            done = self.lab[node].exec(["sh", "-c", command])
            assert (0, "") == (done.rc, done.stderr), line

    def json(self, verb: str, *words: str) -> tuple[int, Any]:
        """Run the program: exit status and document."""
        self.capsys.readouterr()
        status = run([verb, "-l", self.name, *words, "-o", "json"])
        return status, json.loads(self.capsys.readouterr().out)

    def refusal(self, verb: str, *words: str) -> tuple[int, str]:
        """Exit status and slug of what cannot be done."""
        status, document = self.json(verb, *words)
        return status, document["slug"]

    def look(self) -> tuple[Any, Any]:
        """The lab as State, and as other tools see it, once it is at rest."""
        at_rest(self.inside, NODES)
        return self.lab.state(), lasting(portrait(self.inside, NODES))


@pytest.fixture
def broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Broken]:
    """The campus, up, not broken yet."""
    made = Broken(tmp_path, capsys)
    try:
        yield made
    finally:
        made.lab.down()


@pytest.mark.parametrize("fault", CHOSEN)
def test_a_fix_and_back(broken: Broken, fault: str) -> None:
    """`fix --yes` mends what `why` found, and `--undo` leaves the lab exactly as broken as it was."""
    finding = fault.split(maxsplit=1)[0]
    broken.spoil(*FAULTS[fault])
    before = broken.look()
    status, answer = broken.json("why", "a", "d", "--no-fix")
    assert (1, finding, []) == (status, answer["verdict"]["finding"], answer["fix"])
    status, done = broken.json("fix", "--yes")
    assert (0, True, done["before"]["fix"][0]) == (status, done["after"]["ok"], done["applied"])
    assert before[0] != broken.lab.state() or finding == "nft-drop"
    status, back = broken.json("fix", "--undo")
    assert (0, finding) == (status, back["after"]["verdict"]["finding"])
    after = broken.look()
    assert before[0] == after[0]
    assert before[1] == after[1]
    assert (2, "no-fix") == broken.refusal("fix", "--undo")


def test_a_fix_of_two_faults_that_fails_half_way(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the second command is refused, the first is taken back, nothing is remembered to undo, and the exit status is 5."""
    broken.spoil(*TWO)
    before, calls = broken.look(), list[int]()

    def half(namespaces: Any, commands: Any, _declared: Any = ()) -> None:
        calls.append(len(commands))
        if len(calls) > 1:  # the way back
            carry_out(namespaces, commands)
            return
        carry_out(namespaces, commands[:1])
        raise KernelError("run", "the second command", errno.EPERM)

    monkeypatch.setattr(fixing, "carry_out", half)
    status, said = broken.json("fix", "a", "d", "--yes")
    assert (5, "vethlab.error/1", "rolled-back") == (status, said["schema"], said["slug"])
    assert (2, 1) == tuple(calls)
    assert before == broken.look()
    assert (2, "no-fix") == broken.refusal("fix", "--undo")
    monkeypatch.undo()
    assert (0, True) == (broken.json("fix", "a", "d", "--yes")[0], broken.lab.why("a", "d").explanation.ok)


def test_a_server_that_died(broken: Broken) -> None:
    """It is not in a copy, so nobody tries; what starts it is the lab, which then misses nothing, and `--undo` ends that one alone."""
    broken.spoil("d: pkill --full 'http[.]server 80'; while pgrep --full 'http[.]server 80' >/dev/null; do :; done")
    status, answer = broken.json("why", "a", "d", "--tcp", "80")
    assert (1, "port-closed", [None]) == (status, answer["verdict"]["finding"], [one["rehearsed"] for one in answer["fix"]])
    status, done = broken.json("fix", "--yes")
    assert (0, True, ()) == (status, done["after"]["ok"], broken.lab.plan())
    status, back = broken.json("fix", "--undo")
    assert (0, "port-closed") == (status, back["after"]["verdict"]["finding"])
    assert ["add process of d"] == [f"{one.action} {one.object}" for one in broken.lab.plan()]
    status, again = broken.json("fix", "--yes")
    assert (0, True, ()) == (status, again["after"]["ok"], broken.lab.plan())


def test_the_documents_have_their_shape(broken: Broken) -> None:
    """Healthy or dead, offered, applied or taken back: every document is as promised."""
    jsonschema.validate(broken.json("why", "a", "d")[1], WHY)
    jsonschema.validate(broken.json("why", "a", "d", "--tcp", "80")[1], WHY)
    broken.spoil(*TWO)
    status, dead = broken.json("why", "a", "d")
    jsonschema.validate(dead, WHY)
    assert (1, {"pass": 1, "of": 1}, ["forwarding-off"]) == (status, dead["fix"][0]["rehearsed"], [one["finding"] for one in dead["also"]])
    for words in (("--dry-run",), ("--yes",), ("--undo",)):
        jsonschema.validate(broken.json("fix", *words)[1], FIX)


def test_a_fix_of_what_works(broken: Broken) -> None:
    """There is nothing to mend, and that is a success."""
    status, done = broken.json("fix", "a", "b", "--yes")
    assert (0, None, None) == (status, done["applied"], done["after"])


def test_a_full_neighbour_table(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel counts refused entries (a double: the real table is everybody's): no fix changes the lab, which is not to blame."""
    from vethlab.kernel.netlink import neighbour_table
    from vethlab.lab import inquiry

    fill, refused = neighbour_table.fill, iter(range(10_000))
    monkeypatch.setattr(
        neighbour_table, "fill", lambda connection: {key: one._replace(refused=next(refused)) for key, one in fill(connection).items()},
    )
    nothing = Observed(ok=False, errno=errno.ENOBUFS, refused=True, reason="No buffer space available")
    monkeypatch.setattr(inquiry, "probe", lambda *_, **__: nothing)
    status, answer = broken.json("why", "a", "b")
    assert (1, "neighbour-table-full", "a", []) == (
        status, answer["verdict"]["finding"], answer["verdict"]["where"]["node"], answer["fix"],
    )
    assert 1 == broken.json("fix", "--yes")[0]
