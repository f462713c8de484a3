"""A rehearsal of a real lab: what happens in the copy stays there, and nothing of it is left."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from tests.kernel.killed import gone_with_its_maker
from tests.kernel.rehearse.looking import NODES, carrying, namespaces, ping, rehearsal, settle, spoil, state

from vethlab import Lab
from vethlab.errors import KernelError
from vethlab.lab.mode import choose_mode
from vethlab.lab.undo import undoing
from vethlab.model.finding import Command
from vethlab.rehearse import warm

pytestmark = pytest.mark.kernel


def test_a_fix_is_tried_and_the_lab_stays_broken(lab: Lab) -> None:
    """What fails in the lab fails in the copy; the fix mends the copy; after a reset it is broken again; the lab was never touched."""
    spoil(lab, "r", "sysctl -qw net.ipv4.ip_forward=0")
    before = state(lab, namespaces(lab))
    with rehearsal(lab) as copy:
        assert 1 == ping(copy.namespaces, "a", "10.9.2.14")
        copy.run([Command("r", ("sysctl", "-w", "net.ipv4.ip_forward=1"))])
        assert 0 == ping(copy.namespaces, "a", "10.9.2.14")
        copy.reset()
        assert 1 == ping(copy.namespaces, "a", "10.9.2.14")
    assert before == state(lab, namespaces(lab))


def test_a_command_that_fails_says_so(lab: Lab) -> None:
    """The error names the command and the node, and the copy can be built anew."""
    with rehearsal(lab) as copy:
        with pytest.raises(KernelError, match=r"run `ip link delete dev eth7` in a: Cannot find device"):
            copy.run([Command("a", ("ip", "link", "delete", "dev", "eth7"))])
        copy.reset()
        assert "" == copy.refused


@pytest.mark.parametrize("commands", [
    [("a", "ip link set dev eth0 down")],
    [("r", "ip route add blackhole 10.9.2.14/32"), ("r", "sysctl -w net.ipv4.ip_forward=0"), ("host", "ip link set dev p-b nomaster")],
    [("a", "ip address delete 10.9.1.11/24 dev eth0"), ("b", "ip link set dev eth0 mtu 1300"),
     ("c", "sysctl -w net.ipv4.ip_default_ttl=9")],
    [("a", "ip neigh replace 10.9.1.12 lladdr 02:00:00:00:00:99 dev eth0 nud permanent"), ("host", "bridge link set dev p-a isolated on")],
])
def test_what_was_done_is_taken_back(lab: Lab, commands: list[tuple[str, str]]) -> None:
    """The commands computed from the states before and after lead back to the state before."""
    with rehearsal(lab) as copy:
        done = [Command(node, tuple(line.split())) for node, line in commands]
        before = state(lab, copy.namespaces)
        copy.run(done)
        after = state(lab, copy.namespaces)
        assert before != after
        copy.run(undoing(before, after, done))
        assert before == state(lab, copy.namespaces)


def test_far_ends_that_are_not_copied_carry_as_they_did(lab: Lab) -> None:
    """A cable that leads out of the copy has carrier where it had, and none where the far end was down."""
    spoil(lab, "b", "ip link set dev eth0 down")
    settle(lab)
    with rehearsal(lab, ("host", "a")) as copy:
        assert {"a", "host", "~outside"} == copy.namespaces.names()
        there, here = carrying(namespaces(lab), "host"), carrying(copy.namespaces, "host")
        assert there == here
        assert (True, False) == (here["p-c"], here["p-b"])


def test_a_near_end_that_is_down_is_brought_up_by_a_fix(lab: Lab) -> None:
    """The far end's state is asked of the lab, so that a fix that brings the near end up finds what it would find there."""
    spoil(lab, "host", "ip link set dev p-b down; ip link set dev p-c down")
    spoil(lab, "b", "ip link set dev eth0 down")
    with rehearsal(lab, ("host",)) as copy:
        copy.run([Command("host", ("ip", "link", "set", "dev", port, "up")) for port in ("p-b", "p-c")])
        carries = carrying(copy.namespaces, "host")
        assert (False, True) == (carries["p-b"], carries["p-c"])


def test_placeholders_listen(lab: Lab) -> None:
    """A port that is asked for is open in the copy, another one is closed; and they are there again after a reset."""
    knock = "import socket, sys; socket.create_connection(('10.9.2.14', int(sys.argv[1])), 2)"
    with rehearsal(lab, listen=[("d", "tcp", "0.0.0.0", 80), ("d", "udp", "::", 53), ("d", "tcp", "10.9.2.14", 8080)]) as copy:  # noqa: S104
        assert "" == copy.refused
        for _ in range(2):
            assert [0, 0, 1] == [copy.namespaces.run("a", [sys.executable, "-c", knock, port]).status for port in ("80", "8080", "81")]
            copy.reset()


@pytest.mark.parametrize(
    ("node", "command", "sentence"),
    [
        ("d", "ip link add name i0 type ifb", "d has an interface of kind ifb, i0, which a copy has not"),
        ("d", "ip nexthop add id 7 via 10.9.2.1 dev eth0; ip route add 10.5.0.0/16 nhid 7",
         "d has a route through a next-hop object, which a copy has not"),
    ],
)
def test_what_cannot_be_copied_is_said(lab: Lab, node: str, command: str, sentence: str) -> None:
    """There is no copy then, and a sentence says why."""
    spoil(lab, node, command)
    with rehearsal(lab) as copy:
        assert (sentence, frozenset()) == (copy.refused, copy.namespaces.names())


def test_an_address_that_somebody_else_has_fails_again() -> None:
    """An IPv6 address that failed duplicate address detection fails it in the copy, and works there once the other one is gone."""
    with Lab("twice") as lab:
        lab.link("a 2001:db8::1/64", "b 2001:db8::2/64")
        spoil(lab, "b", "ip address add 2001:db8::1/64 dev eth0")
        deadline = time.monotonic() + 5
        while "dadfailed" not in namespaces(lab).run("b", ["ip", "-6", "address"]).stdout and time.monotonic() < deadline:
            time.sleep(0.05)
        with rehearsal(lab, ("a", "b")) as copy:
            assert "" == copy.refused
            assert "dadfailed" in copy.namespaces.run("b", ["ip", "-6", "address", "show", "to", "2001:db8::1"]).stdout
            copy.run([Command("b", ("ip", "-6", "address", "delete", "2001:db8::1/64", "dev", "eth0"))])
            assert 0 == ping(copy.namespaces, "b", "2001:db8::1")
        with rehearsal(lab, ("b",)) as alone:
            assert "in the copy of b, an IPv6 address does not turn out to be somebody else's as in the lab" == alone.refused


def kept_by(lab: Lab) -> int:
    """How many namespaces the keeper of this process holds, copies included."""
    assert lab._held is not None
    return lab._held.keeper.status().namespaces


def test_nothing_is_left_after_the_block(lab: Lab) -> None:
    """The keeper holds as many namespaces as before, also after a reset and after an error in the block."""
    before = kept_by(lab)
    copy = rehearsal(lab)
    with copy:
        copy.reset()
        assert before + len(NODES) == kept_by(lab)
    assert before == kept_by(lab)
    with pytest.raises(KernelError), copy:
        copy.run([Command("a", ("false",))])
    assert before == kept_by(lab)


CHILD = """
import sys, time
from vethlab import Lab
from vethlab.lab.mode import choose_mode
from vethlab.rehearse import Rehearsal
with Lab("child") as lab:
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    with Rehearsal(lab._held.namespaces, ("a", "b"), choose_mode("auto")) as copy:
        assert not copy.refused
        print(copy.namespaces.pid, flush=True)
        time.sleep(60)
"""


def test_nothing_is_left_after_sigkill() -> None:
    """A process that is killed while it rehearses takes its keeper, and so the copy, with it."""
    assert gone_with_its_maker(CHILD)


def test_warming_starts_the_keeper_that_is_used() -> None:
    """A keeper that was begun early is the one that `helper` gives; warming twice starts one."""
    code = (
        "from vethlab.keep import client\nfrom vethlab.lab.mode import choose_mode\nmode = choose_mode('auto')\n"
        "client.warm(mode)\nclient.warm(mode)\nbegun = client._warming[mode][1]\n"
        "print(client.helper(mode).pid > 0, begun._done, client._warming)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "True True {}\n" == done.stdout
    warm(choose_mode("auto"))
