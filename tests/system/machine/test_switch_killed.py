"""SIGKILL at any moment of a lab on the machine's Open vSwitch: what stays bears the mark, and `clean` or the next `up` takes it."""

import os
import signal
import time

import pytest
from tests.kernel.survival.corpus import moments, told
from tests.kernel.survival.machine import Machine, lacks, until
from tests.system.machine.labs import links, marks
from tests.system.machine.switched import LAB, bridges, same, settled, start, stop

pytestmark = [
    pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(bool(lacks("ovs-vswitchd")), reason="Open vSwitch is not installed"),
]
LEFT = "Open vSwitch bridge sw0 (vethlab:sw:sw0)"


def killed(here: Machine, number: int = signal.SIGKILL) -> None:
    """A lab whose keeper was killed, and whose ports went with its nodes."""
    here.ok("up")
    here.kill(here.labs()["sw"], number)
    until(lambda: not here.labs() and not [name for name in marks(here) if name.startswith("p-")], lambda: f"left: {marks(here)}")


def test_a_killed_keeper_leaves_what_clean_removes(switching: Machine) -> None:
    """The bridge stays, `clean` removes exactly it, in this network only; the next `up` begins anew; so with a daemon stopped meanwhile."""
    here, before = switching, settled(switching)
    here.write("sw", LAB)
    killed(here)
    assert [LEFT] == here.json("clean", "--dry-run")["would_remove"]
    assert [LEFT] == here.json("clean")["removed"]
    assert (before["links"], {"br-own": ""}) == (own_links(here), bridges(here))
    killed(here)
    here.ok("up")
    other = here.run("unshare", "--net", *here.words("clean", "-o", "json"))
    assert ('"removed": []' in other, {"br-own": "", "sw0": "sw"}) == (True, bridges(here))
    assert (True, []) == (here.json("check")["ok"], here.json("plan")["changes"])
    here.ok("down", "sw", "--wait")
    same(before, here)
    killed(here, signal.SIGTERM)  # it can still act
    until(lambda: bridges(here) == {"br-own": ""}, "a keeper that ended by itself left its bridge")
    assert [] == here.json("clean")["removed"]
    killed(here)
    stop(here, "ovs-vswitchd")
    assert {LEFT, "tun sw0 (vethlab:sw:sw0)"} == set(here.json("clean")["removed"])
    start(here)
    assert ({"br-own": ""}, {"lo", "own0", "own1", "br-own", "ovs-netdev"}) == (bridges(here), set(links(here)))


def own_links(here: Machine) -> object:
    """The interfaces as `own` has them."""
    return settled(here)["links"]


@pytest.mark.parametrize("who", ["up", "keeper"])
def test_killed_at_every_step_of_up(switching: Machine, who: str) -> None:
    """Whoever is killed while a lab is made: nothing, a whole lab, or what `clean` knows; the machine's own is as it was."""
    here, before = switching, settled(switching)
    here.write("sw", LAB)
    started = time.monotonic()
    here.ok("up")
    seconds = time.monotonic() - started
    here.ok("down", "sw", "--wait")
    ends: dict[str, int] = {}
    for moment in moments(2, 60, seconds * 1.02, f"machine's switch {who}"):
        status = here.kill_up(who, moment)
        said = told(f"{who} killed after {moment * 1000:.0f} of {seconds * 1000:.0f} ms (status {status})")
        whole = ["sw"] == [one["name"] for one in here.json("ls")["labs"]]
        ends["whole" if whole else "nothing"] = ends.get("whole" if whole else "nothing", 0) + 1
        if whole:
            assert (4, []) == (len(marks(here)), here.json("plan")["changes"]), said
            here.ok("down", "sw", "--wait")
        else:
            until(lambda: not here.keepers(), said)
            here.ok("clean")
        same(before, here)
    print(told(f"machine's switch: {who} killed over {seconds * 1000:.0f} ms: {ends}"))
