"""`host: machine`: bridges and ports stand in the machine's own network, marked, and nothing else there is changed."""

import os

import pytest
from tests.kernel.survival.machine import Machine, until
from tests.system.machine.labs import JOINED, links, marks
from tests.system.survival.test_foreign import furnish, look

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


def test_a_machine_with_networks_of_its_own_is_as_before(here: Machine) -> None:
    """A lab on a machine with br0, veth pairs, routes, nft tables and settings works through it; `down` leaves exactly what was there."""
    before = furnish(here)
    here.run("nft", "delete", "table", "inet", "vethlab")  # its policy drop would stop bridged packets: that is another test's
    before |= {words: text for words, text in look(here).items() if words == "nft list ruleset"}
    here.write("joined", JOINED + "checks: [ping all -> all, ping n1 -> host, ping host -> n2]\n")
    here.ok("up")
    assert {"br7": "vethlab:joined:br7", "p-n1": "vethlab:joined:p-n1", "p-n2": "vethlab:joined:p-n2"} == marks(here)
    assert here.json("check")["ok"]
    assert [] == here.json("plan")["changes"]
    seen = links(here)
    assert ({"br7"}, 0) == ({seen[port]["master"] for port in ("p-n1", "p-n2")}, sum(one["ifindex"] < 0x1000000 for one in (
        seen["br7"], seen["p-n1"], seen["p-n2"])))
    assert ["none"] * 2 == [one["inet6_addr_gen_mode"] for one in (seen["p-n1"], seen["p-n2"])]
    assert ["machine"] == [one["host"] for one in here.json("ls")["labs"]]
    quiet = [line for line in here.run("ip", "-o", "addr").splitlines() if " p-n" in line]
    assert [] == quiet
    assert "br0" in here.ok("exec", "host", "--", "ip", "link")
    here.ok("down", "joined", "--wait")
    assert before == look(here)
    assert ([], set()) == (here.json("clean", "--dry-run")["removed"], here.names() - {"a", "b", "host", "foreign-a"})


def test_converging_changes_ours_only(here: Machine) -> None:
    """A network and a node are added and taken away in the running lab; the machine's own bridge keeps its port and its address."""
    here.run("sh", "-ec", "ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up")
    here.write("joined", JOINED)
    here.ok("up")
    kept = here.run("ip", "-4", "addr", "show", "docker0")
    grown = JOINED.replace("n2]", "n2, n3]") + "  br8: {subnet: 10.8.0.0/24, gateway: 1, nodes: [n1, n4]}\n"
    here.write("joined", grown + "checks: [ping n1 -> n3, ping n1 -> n4, ping n4 -> host]\n")
    here.ok("up")
    assert {"br7", "br8", "p-n1", "p-n2", "p-n3", "p-n1-2", "p-n4"} == set(marks(here))
    assert here.json("check")["ok"]
    here.write("joined", JOINED)
    here.ok("up")
    assert ({"br7", "p-n1", "p-n2"}, kept) == (set(marks(here)), here.run("ip", "-4", "addr", "show", "docker0"))
    here.ok("link", "n3", "br7", "--add")
    here.ok("link", "n2", "--remove")
    assert {"br7", "p-n1", "p-n3"} == set(marks(here))
    here.ok("fix", "--undo")
    assert {name: f"vethlab:joined:{name}" for name in ("br7", "p-n1", "p-n2", "p-n3")} == marks(here)
    here.ok("down", "joined")
    until(lambda: set(links(here)) == {"lo", "docker0"}, lambda: f"left: {links(here)}")


def test_only_root_joins_the_machine(here: Machine) -> None:
    """A rootless lab with `host: machine` is refused with 3 and a clear word, and nothing was made."""
    here.write("joined", JOINED)
    done = here.vethlab("up", "--rootless")
    assert (3, True, {"lo"}) == (done.returncode, "error[not-root]: `host: machine` needs root" in done.stderr, set(links(here))), done
    here.must_be_empty("by a refused up")
    here.ok("validate")
