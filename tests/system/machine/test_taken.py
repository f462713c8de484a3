"""What the machine has already: an error before anything is touched, with what, where, why and help."""

import os

import pytest
from tests.kernel.survival.machine import Machine
from tests.system.machine.labs import JOINED, links, marks

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
CASES = {
    "a bridge of that name": ("ip link add br7 type bridge", "the machine has `br7` already", "another name"),
    "a port of that name": ("ip link add name p-n2 type veth peer name x", "the machine has `p-n2` already", "`port:`"),
    "another name that is this one": (
        "ip link add eth9 type bridge; ip link property add dev eth9 altname br7", "the machine has `br7` already", "another name",
    ),
    "the gateway's address": (
        "ip link add eth9 type bridge; ip addr add 10.7.0.1/32 dev eth9", "the machine has the address 10.7.0.1 already", "another subnet",
    ),
    "a wider route": (
        "ip link add eth9 type bridge; ip link set eth9 up; ip route add 10.0.0.0/8 dev eth9", "overlaps a route of the machine",
        "another subnet",
    ),
    "a narrower route that leads nowhere": ("ip route add blackhole 10.7.0.64/26", "overlaps a route of the machine", "another subnet"),
}


def look(here: Machine) -> str:
    """Interfaces and routes of the machine; whether an address is tentative still moves by itself."""
    return (here.run("ip", "addr") + here.run("ip", "route")).replace(" tentative", "")


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_moved_aside(here: Machine, case: str) -> None:
    """`up` ends with 2, says what is in the way, and the machine is byte for byte as before; nothing runs."""
    made, message, remedy = CASES[case]
    here.run("sh", "-ec", made)
    before = look(here)
    here.write("joined", JOINED)
    done = here.vethlab("up")
    assert (2, True, True) == (done.returncode, message in done.stderr and "error[machine-has-it]" in done.stderr,
                               remedy in done.stderr), done
    assert before == look(here)
    here.must_be_empty("by a refused up")


def test_a_running_lab_meets_something_new(here: Machine) -> None:
    """What comes in the way later stops the change and not the lab: it runs on as it was."""
    here.write("joined", JOINED)
    here.ok("up")
    here.run("ip", "link", "add", "br8", "type", "bridge")
    here.write("joined", JOINED + "  br8: {subnet: 10.8.0.0/24, gateway: 1, nodes: [n1]}\n")
    done = here.vethlab("up")
    assert (2, True) == (done.returncode, "the machine has `br8` already" in done.stderr), done
    assert {"br7", "p-n1", "p-n2"} == set(marks(here))
    here.write("joined", JOINED.replace("host: machine", "host: private"))
    done = here.vethlab("up")
    assert (2, True) == (done.returncode, "error[other-host]" in done.stderr), done
    here.write("joined", JOINED)
    assert here.json("check")["ok"]
    here.ok("down", "joined", "--wait")
    assert {"lo", "br8"} == set(links(here))


def test_two_labs_share_a_machine(here: Machine) -> None:
    """The second lab is told whose the port is that it wants; with one of its own both run, and each goes without the other."""
    here.write("one", JOINED)
    here.write("two", JOINED.replace("br7", "br8").replace("10.7.", "10.8."))
    here.ok("up", "one.lab.yaml")
    done = here.vethlab("up", "two.lab.yaml")
    assert (2, True) == (done.returncode, "a veth interface of lab `one`" in done.stderr), done
    here.write("two", JOINED.replace("br7", "br8").replace("10.7.", "10.8.").replace("[n1, n2]", "{n1: {port: two-1}, n2: {port: two-2}}"))
    here.ok("up", "two.lab.yaml")
    assert [True, True] == [here.json("check", "--lab", lab)["ok"] for lab in ("one", "two")]
    assert [[], []] == [here.json("plan", f"{lab}.lab.yaml")["changes"] for lab in ("one", "two")]
    here.ok("down", "one", "--wait")
    assert ({"br8", "two-1", "two-2"}, []) == (set(marks(here)), here.json("plan", "two.lab.yaml")["changes"])
    assert here.json("check", "--lab", "two")["ok"]
    here.ok("down", "two", "--wait")
    assert {"lo"} == set(links(here))
