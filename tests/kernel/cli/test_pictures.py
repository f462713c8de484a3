"""Pictures of a lab that runs: as the kernel holds it, with a way that a real packet took."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from vethlab import Lab
from vethlab.present.cli import drawn
from vethlab.present.drawing.gather import gather
from vethlab.present.drawing.journey import Turn, journey, passed

pytestmark = pytest.mark.kernel

CAMPUS = """name: drawn
networks:
  br0: {subnet: 10.9.1.0/24, nodes: {a: 11, b: 12, r: 1}}
links: [{ends: "r:wan 10.9.2.1/24 -- d 10.9.2.14/24", rate: 100mbit}, "box:va 10.8.0.1/24 -- box:vb 10.8.0.2/24"]
nodes:
  a: {routes: ["default via 10.9.1.1"]}
  b: {}
  r: {forward: true}
  d: {routes: ["default via 10.9.2.1"]}
  box: {sysctl: {net.ipv4.conf.all.accept_local: 1, net.ipv4.conf.all.rp_filter: 0}}
"""


def test_a_running_lab_and_a_way_through_it(tmp_path: Path) -> None:
    """A fresh lab looks as declared; a ping is drawn there and back on the cables of its way and on no other, over lo where it goes so.

    What goes down shows, and what a link was told to do.
    """
    file = tmp_path / "drawn.lab.yaml"
    file.write_text(CAMPUS)
    with Lab.load(file) as lab:
        scene = gather(lab.topology, lab.state())
        assert gather(lab.topology) == scene
        answer = lab.trace("a", "d")
        found = journey(scene, answer.explanation)
        cables = {(scene.cables[leg.cable].left, leg.kind, leg.arrived) for leg in found.legs}
        way = ("r:wan", "a:eth0", "r:eth0")
        assert {(left, kind, True) for left in way for kind in ("request", "reply")} == cables
        page = drawn.answer("html", lab.topology, lab.state(), answer)
        assert (1, True) == (Counter(page.split())["</svg>"], "a → d" in page)
        looped = lab.trace("box:va", "10.8.0.2").explanation
        turns = journey(gather(lab.topology, lab.state(), also=passed(looped)), looped).turns
        assert {Turn("box:vb", "box:lo", "reply"), Turn("box:lo", "box:lo", "reply")} == set(turns)
        lab["b"].exec("ip link set dev eth0 down")
        texts = Counter(one.text for one in ET.fromstring(drawn.lab("svg", lab.topology, lab.state(), [])).iter())  # noqa: S314 - our own text
    assert (1, 2) == (texts["down"], texts["rate 100mbit"])
