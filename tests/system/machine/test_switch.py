"""`type: ovs` with `host: machine`: bridges on the machine's running Open vSwitch, marked, beside its own, which stay as they are."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.survival.machine import Machine, lacks, until
from tests.system.machine.labs import links, marks
from tests.system.machine.switched import LAB, bridges, own, rows, same, settled, start, stop

pytestmark = [
    pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(bool(lacks("ovs-vswitchd")), reason="Open vSwitch is not installed"),
]
CHECKS = 'checks: [ping all -> all, ping a -> host, ping host -> b, "http a -> c:80", "http host -> c:80"]\n'


def test_a_lab_beside_the_machines_own_bridge(switching: Machine) -> None:
    """Ping and TCP pass, every row and interface of ours is marked, drift is repaired, and `down` leaves exactly what was there."""
    here, before = switching, settled(switching)
    here.write("sw", LAB + CHECKS)
    here.ok("up")
    assert {"br-own": "", "sw0": "sw"} == bridges(here)
    mine = [row for table in ("Bridge", "Port", "Interface") for row in rows(here, table) if ["vethlab", "sw"] in row["external_ids"][1]]
    assert ["p-a"] * 2 + ["p-b"] * 2 + ["p-c"] * 2 + ["sw0"] * 3 == sorted(str(row["name"]) for row in mine)
    assert {name: f"vethlab:sw:{name}" for name in ("sw0", "p-a", "p-b", "p-c")} == marks(here)
    assert (True, []) == (here.json("check")["ok"], here.json("plan")["changes"])
    assert "tx-checksumming: off" in here.ok("exec", "a", "--", "ethtool", "-k", "eth0")
    here.run("sh", "-ec", "ovs-vsctl del-port sw0 p-a -- set Port p-b tag=7; ip link property del dev sw0 altname vethlab:sw:sw0")
    here.ok("exec", "c", "--", "ethtool", "-K", "eth0", "tx", "on")
    assert ["add port host:p-a of sw0", "change interface host:sw0", "change offload c:eth0", "change port host:p-b of sw0"] == sorted(
        f"{one['action']} {one['object']}" for one in here.json("plan")["changes"])
    here.ok("up")
    assert (True, []) == (here.json("check")["ok"], here.json("plan")["changes"])
    here.run("ovs-vsctl", "del-br", "sw0")
    here.ok("up")
    assert (True, []) == (here.json("check")["ok"], here.json("plan")["changes"])
    here.ok("down", "sw", "--wait")
    same(before, here)


def test_tags_and_rules_and_their_explanation(switching: Machine) -> None:
    """A rule that drops and a wrong VLAN are named by `why`, with the machine's own daemon as the witness; `fix` mends what is ours."""
    here, before = switching, settled(switching)
    rules = "['priority=9,in_port=p-b,icmp,actions=drop', 'priority=0,actions=normal']"
    here.write("sw", LAB.replace("c]}", f"c], tags: {{a: 5, b: 5}}, flows: {rules}}}"))
    here.ok("up")
    assert [] == here.json("plan")["changes"]
    found = why(here, "a", "b")
    assert ("openflow-drop", "host", "sw0") == (found["finding"], found["where"]["node"], found["where"]["interface"])
    assert "priority 9" in str([one for one in found["evidence"] if one["source"] == "openflow-trace"])
    here.run("ovs-vsctl", "set", "Port", "p-b", "tag=6")
    here.run("ovs-ofctl", "--strict", "del-flows", "sw0", "priority=9,in_port=p-b,icmp")
    found = why(here, "a", "b")
    assert ("ovs-tag-mismatch", "p-b") == (found["finding"], found["where"]["interface"])
    here.ok("fix", "a", "b", "--yes")
    here.ok("why", "a", "b")
    here.write("sw", LAB)
    here.ok("up")
    assert [] == here.json("plan")["changes"]
    here.ok("down", "sw", "--wait")
    same(before, here)


def why(here: Machine, src: str, dst: str) -> dict[str, Any]:
    """The verdict on a path that fails."""
    done = here.vethlab("why", src, dst, "-o", "json")
    assert 1 == done.returncode, done
    found: dict[str, Any] = json.loads(done.stdout)["verdict"]
    return found


def test_what_is_there_already_is_not_taken(switching: Machine) -> None:
    """A bridge, a port or a patch port of the machine with the lab's name, or one of another lab: an error, and nothing was made."""
    here, before = switching, settled(switching)
    for name, told in (("br-own", "a bridge of the machine's Open vSwitch"), ("patch0", "a port of the machine's Open vSwitch")):
        here.write("sw", LAB.replace("sw0", name))
        done = here.vethlab("up")
        assert (2, True) == (done.returncode, f"the machine has `{name}` already" in done.stderr and told in done.stderr), done
    same(before, here)
    here.write("sw", LAB)
    here.ok("up", "sw.lab.yaml")
    here.write("other", LAB.replace("10.7", "10.8"))
    done = here.vethlab("up", "other.lab.yaml")
    assert (2, True) == (done.returncode, "a bridge of the machine's Open vSwitch of lab `sw`" in done.stderr), done
    here.write("other", LAB.replace("10.7", "10.8").replace("sw0", "sw1").replace("a: {}", "a: {}, d: {}").replace("[a, b, c]", "[d]"))
    here.ok("up", "other.lab.yaml")
    here.ok("down", "sw", "--wait")
    assert {"br-own": "", "sw1": "other"} == bridges(here)
    here.ok("down", "other", "--wait")
    same(before, here)


def test_without_a_running_switch_nothing_is_touched(switching: Machine) -> None:
    """No daemon, half of them, or one of another network: exit 3 and what to start, before anything is made."""
    here = switching
    here.write("sw", LAB)
    elsewhere = here.run("unshare", "--net", *here.words("up"), check=False)
    assert "" == elsewhere
    stop(here, "ovs-vswitchd")
    assert "its Open vSwitch does not run, which a network of type ovs there needs" in here.run(*here.words("doctor"), check=False)
    before = set(links(here))
    for _ in range(2):
        done = here.vethlab("up")
        assert (3, True) == (done.returncode, "systemctl start openvswitch-switch" in done.stderr), done
        assert "error[ovs-not-running]" in done.stderr
        if Path(f"/proc/{here.init}/root/run/openvswitch/ovsdb-server.pid").exists():
            stop(here, "ovsdb-server")
    assert (before, {}) == (set(links(here)), here.labs())


def test_the_machines_daemons_come_and_go(switching: Machine) -> None:
    """Stopped under the lab they are missed in plain words; started again, the next `up` brings the lab back; so it is after a restart."""
    here, before = switching, settled(switching)
    here.write("sw", LAB.replace("c]}", "c], flows: ['priority=0,actions=normal']}") + CHECKS)
    here.ok("up")
    stop(here, "ovs-vswitchd")
    for verb in ("plan", "up"):
        done = here.vethlab(verb)
        assert (3, True) == (done.returncode, "the machine's Open vSwitch does not run" in done.stderr), done
    assert ("ovs-port-missing", 1) == (why(here, "a", "b")["finding"], here.vethlab("check").returncode)
    here.ok("show")
    start(here)
    here.ok("up")
    assert (True, []) == (here.json("check")["ok"], here.json("plan")["changes"])
    stop(here, "ovs-vswitchd")
    here.ok("down", "sw", "--wait")
    assert ({"br-own": ""}, {}) == (bridges(here), marks(here))
    start(here)
    here.run("ip", "link", "set", "br-own", "up")
    until(lambda: own(here)["Bridge"] == before["Bridge"], "the machine's bridge does not come back")
    assert {one["ifname"] for one in before["links"]} == set(links(here))
