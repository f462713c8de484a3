"""What is declared of each finding is true: its lab works, and after its commands the probe fails as the page says."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from time import monotonic

import pytest

from vethlab import Lab
from vethlab.explain.declaration import Declaration
from vethlab.explain.findings import declarations
from vethlab.model.topology import Topology

pytestmark = pytest.mark.kernel

CANNOT = {
    "xdp-drop": "the program has to be compiled from C first",
    "neighbour-table-full": "the table is the whole machine's: filling it would break labs that have nothing to do with this test",
    "unknown": "whatever can be shown is known",
}
SHOWN = [
    pytest.param(one, id=slug, marks=[pytest.mark.skip(reason=CANNOT[slug])] if slug in CANNOT else [])
    for slug, one in declarations().items()
]


def made(directory: Path, text: str) -> Lab:
    """The lab of a lab file's text, held by this process."""
    file = directory / "declared.lab.yaml"
    file.write_text(text)
    return Lab.load(file)


def owned(topology: Topology) -> dict[str, list[str]]:
    """The addresses that the lab file gives: of each node, and of each of its interfaces."""
    found: dict[str, list[str]] = {}
    ends = [end for cable in topology.cables for end in (cable.left, cable.right)]
    for end in [*ends, *(port.endpoint for network in topology.networks for port in network.ports)]:
        for name in (end.node, f"{end.node}:{end.interface}"):
            found.setdefault(name, []).extend(str(one.ip) for one in end.addresses)
    return found


def run(lab: Lab, line: str) -> None:
    """Run `NODE: shell command`; it must succeed."""
    node, _, command = line.partition(": ")
    done = lab[node].exec(["sh", "-c", command])
    assert (0, "") == (done.rc, done.stderr), line


def passes(lab: Lab, asks: tuple[str, ...]) -> bool:
    """Whether the system's own tools get through: ping, or a TCP connection."""
    source, target, *options = asks
    known = owned(lab.topology)
    node, _, interface = source.partition(":")
    address = known.get(target, [target])[0]
    if "--tcp" in options:
        end = monotonic() + 3 * bool(lab.processes())
        while True:  # a server of the lab takes a moment to listen
            with lab[node].socket() as client:
                client.settimeout(1)
                done = client.connect_ex((address, int(options[1])))
            if done != errno.ECONNREFUSED or monotonic() > end:
                return done == 0
    size = ["-s", options[1], "-M", "do"] if "--size" in options else []
    return bool(lab[node].exec(["ping", "-c1", "-W1", *(["-I", interface] if interface else []), *size, address]))


@pytest.mark.parametrize("declared", SHOWN)
def test_a_declared_lab_shows_its_finding(tmp_path: Path, declared: Declaration) -> None:
    """The probe passes in the lab as it is declared; once it is broken it fails, or passes if the finding is a warning."""
    with made(tmp_path, declared.lab) as lab:
        given = [address for held in owned(lab.topology).values() for address in held]
        target = declared.asks[1]
        if declared.breaks and (target in given or re.fullmatch(r"[a-z]\w*(:\w+)?", target)):
            assert passes(lab, declared.asks), "as declared"
    with made(tmp_path, declared.lab) as lab:
        for line in declared.breaks:
            run(lab, line)
        assert declared.passes == passes(lab, declared.asks), "once broken"
