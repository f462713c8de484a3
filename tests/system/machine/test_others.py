"""What others do to a lab on the machine: a port of theirs on our bridge, an interface of ours renamed, moved, or taken away."""

import os
import signal
import time

import pytest
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.machine import Machine
from tests.system.machine.labs import JOINED, links, marks

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


def test_a_foreign_port_on_our_bridge_is_its_owners(here: Machine) -> None:
    """It is neither drift nor removed: it stays on the bridge over converging and a crash, and stays without it after `down`."""
    here.write("joined", JOINED)
    here.ok("up")
    here.run("sh", "-ec", "ip link add name eth9 type veth peer name far9; ip link set eth9 master br7 up; ip link set far9 up")
    assert [] == here.json("plan")["changes"]
    here.write("joined", JOINED.replace("n2]", "n2, n3]"))
    here.ok("up")
    here.kill(here.labs()["joined"])
    here.must_be_empty("by a killed keeper")
    here.ok("up")
    assert ("br7", True, []) == (links(here)["eth9"]["master"], here.json("check")["ok"], here.json("plan")["changes"])
    kept = links(here)["eth9"]["address"]
    here.ok("down", "joined", "--wait")
    seen = links(here)
    assert ({"lo", "eth9", "far9"}, None, kept) == (set(seen), seen["eth9"].get("master"), seen["eth9"]["address"])


def test_a_renamed_interface_is_still_ours(here: Machine) -> None:
    """A port and a bridge under other names, with other aliases and groups, are found by their marks: put right by `up`, gone by `down`."""
    here.write("joined", JOINED)
    here.ok("up")
    rename = "ip link set p-n1 down; ip link set p-n1 name x1; ip link set x1 alias mine; ip link set x1 group 5; ip link set x1 up"
    here.run("sh", "-ec", rename)
    assert {"link host:x1", "link host:p-n1 -- n1:eth0"} <= {one["object"] for one in here.json("plan")["changes"]}
    here.ok("up")
    assert ({"br7", "p-n1", "p-n2"}, True) == (set(marks(here)), here.json("check")["ok"])
    here.run("sh", "-ec", rename + "; ip link set br7 down; ip link set br7 name y7; ip link set y7 up")
    here.ok("down", "joined", "--wait")
    assert {"lo"} == set(links(here))


def test_what_somebody_added_to_our_bridge_is_drift(here: Machine) -> None:
    """The interface is the unit: an address on our bridge is the lab's business, as in every lab; one beside it is not."""
    here.write("joined", JOINED)
    here.ok("up")
    here.run("ip", "addr", "add", "10.7.0.77/24", "dev", "br7")
    here.run("sh", "-ec", "ip link add br0 type bridge; ip link set br0 up; ip addr add 10.70.0.1/24 dev br0")
    here.run("ip", "route", "add", "10.71.0.0/16", "via", "10.70.0.9")
    assert ["address 10.7.0.77/24 on host:br7"] == [one["object"] for one in here.json("plan")["changes"]]
    here.ok("up")
    assert (False, True, True) == tuple(word in here.run("ip", "-4", "addr") + here.run("ip", "route") for word in (
        "10.7.0.77", "10.70.0.1/24", "10.71.0.0/16 via 10.70.0.9"))
    here.ok("down", "joined", "--wait")
    assert {"lo", "br0"} == set(links(here))


@pytest.mark.parametrize("verb", ["down", "grow"])
def test_killed_at_every_step_of_a_change(here: Machine, verb: str) -> None:
    """After SIGKILL of `down`, or of `up` in a running lab, the lab is brought to its file or is gone, and nothing of it stays."""
    here.write("joined", JOINED)
    here.ok("up")
    grown = JOINED.replace("[n1, n2]", "[n1..9]") + "  br8: {subnet: 10.8.0.0/24, gateway: 1, nodes: [n1..4]}\n"
    ends = {True: 0, False: 0}
    for moment in moments(3, 40, 0.5, f"machine {verb}"):
        if verb == "grow":
            here.write("joined", grown)
        program = here.begin(*(("down", "joined") if verb == "down" else ("up",)))
        time.sleep(moment)
        program.send(signal.SIGKILL)
        program.end()
        said = told(f"{verb} killed after {moment * 1000:.0f} ms")
        ends[bool(here.labs())] += 1
        here.write("joined", JOINED)
        here.ok("up")
        assert ({"br7", "p-n1", "p-n2"}, []) == (set(marks(here)), here.json("plan")["changes"]), said
    here.ok("down", "joined", "--wait")
    assert ({"lo"}, []) == (set(links(here)), here.json("clean")["removed"])
    print(told(f"machine: {verb} killed: {ends}"))
