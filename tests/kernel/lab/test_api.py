"""Labs inside a Python process: several at once, from threads, beside asyncio, and gone with the process."""

from __future__ import annotations

import asyncio
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.kernel.killed import gone_with_its_maker

from vethlab import Lab
from vethlab.errors import LabError, NotFoundError, SpecErrors

pytestmark = pytest.mark.kernel


def pair(name: str) -> Lab:
    """Two nodes on one cable."""
    lab = Lab(name)
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    return lab


def test_declarations_inside_with_are_real_at_once() -> None:
    """Each later declaration is converged; a bridge joins the nodes that exist."""
    with Lab("grows") as lab:
        lab.link("a 10.0.0.1/24", "b 10.0.0.2/24", mtu=9000)
        assert lab["a"].ping("b").ok
        lab.bridge("br0", subnet="10.1.0.0/24", nodes={"a": 1, "c": 3})
        assert lab["a"].ping("10.1.0.3").ok
        assert "9000" in lab["a"].exec("ip link show dev eth0").stdout


def test_the_lab_round_trips_through_yaml() -> None:
    """What was declared in Python is a lab file."""
    from vethlab import spec

    lab = pair("round")
    assert spec.loads(lab.to_yaml()) == lab.topology


def test_results_are_values() -> None:
    """A failing command is a falsy value with its status; JSON is decoded on request; input is passed on."""
    with pair("values") as lab:
        failed = lab["a"].exec(["sh", "-c", "echo oops >&2; exit 3"])
        assert (3, "", "oops\n", False) == (failed.rc, failed.stdout, failed.stderr, bool(failed))
        assert "eth0" in [one["ifname"] for one in lab["a"].exec("ip -j link").json()]
        assert "hello" == lab["b"].exec("cat", input="hello").stdout
        assert 127 == lab["a"].exec("no-such-command").rc


def test_sockets_live_in_their_nodes() -> None:
    """A server socket of one node and a client socket of another meet over the cable, in one process."""
    with pair("sockets") as lab, lab["b"].socket() as server, lab["a"].socket() as client:
        server.bind(("10.0.0.2", 7777))
        server.listen()
        client.settimeout(2)
        client.connect(("10.0.0.2", 7777))
        connection, peer = server.accept()
        connection.close()
        assert "10.0.0.1" == peer[0]


def test_names_resolve_inside_nodes() -> None:
    """Every node finds the others by name, without DNS."""
    with pair("names") as lab:
        assert "10.0.0.2" in lab["a"].exec("getent hosts b").stdout


def test_several_labs_with_the_same_addresses_do_not_meet() -> None:
    """Two labs of one name and one address plan live side by side."""
    with pair("twin") as first, pair("twin") as second:
        second["b"].exec("ip link set dev eth0 down")
        assert first["a"].ping("b").ok
        assert not second["a"].ping("b", timeout=0.2).ok


def test_labs_are_used_from_threads() -> None:
    """Eight threads with a lab each build, ping and drop at the same time; nobody's namespace changes."""
    here = str(Path("/proc/self/ns/net").readlink())

    def work(number: int) -> bool:
        with pair(f"thread{number}") as lab:
            inside = lab["a"].exec("readlink /proc/self/ns/net").stdout.strip()
            return lab["a"].ping("b").ok and inside not in {here, ""}

    with ThreadPoolExecutor(8) as pool:
        assert [True] * 16 == list(pool.map(work, range(16)))
    assert here == str(Path("/proc/self/ns/net").readlink())


def test_one_lab_is_shared_by_threads() -> None:
    """Threads that ping and exec in one lab do not disturb each other."""
    with pair("shared") as lab, ThreadPoolExecutor(6) as pool:
        pings = [pool.submit(lab["a"].ping, "b") for _ in range(20)]
        execs = [pool.submit(lab["b"].exec, "true") for _ in range(10)]
        assert all(one.result().ok for one in pings)
        assert all(one.result() for one in execs)


def test_a_lab_works_beside_a_running_event_loop() -> None:
    """Inside asyncio a lab is used from a worker thread, and its sockets by the loop itself."""
    async def main() -> bytes:
        with await asyncio.to_thread(pair("loop").__enter__) as lab:
            server = lab["b"].socket()
            server.bind(("10.0.0.2", 8888))
            listening = await asyncio.start_server(lambda _, writer: writer.write(b"hi"), sock=server)
            client = lab["a"].socket()
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("10.0.0.2", 8888))
            data = await loop.sock_recv(client, 2)
            client.close()
            listening.close()
            return data

    assert b"hi" == asyncio.run(main())


CHILD = """
import sys, time
from vethlab import Lab
with Lab("doomed") as lab:
    lab.node("a", run="sleep 1000")
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    print(lab.processes()[0].pid, flush=True)
    time.sleep(60)
"""


def test_a_killed_process_takes_its_lab_along() -> None:
    """After SIGKILL of the Python process, the `run:` process of its lab is gone too: nothing can hold the namespaces."""
    assert gone_with_its_maker(CHILD)


def test_a_lab_that_is_not_up_says_so() -> None:
    """Using a node of a lab that was not brought up is a clear error; so is an unknown node."""
    lab = pair("cold")
    with pytest.raises(LabError, match="not up"):
        lab.check()
    with pytest.raises(NotFoundError, match="no node `x`"):
        lab["x"]


def test_popen_passes_signals_and_status() -> None:
    """A command in a node is ended by signals to its launcher, and the status tells it."""
    command = ["sh", "-c", "trap 'exit 9' TERM; echo ready; sleep 60 & wait"]
    with pair("signals") as lab, lab["a"].popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        process.terminate()
        assert 9 == process.wait(5)


def test_dual_stack_is_usable_at_once() -> None:
    """No duplicate address detection delays the first IPv6 packet, across a router too."""
    lab = Lab("six")
    lab.node("r", forward=True)
    lab.node("a", routes=["default via fd00:1::1"])
    lab.node("b", routes=["default via fd00:2::1"])
    lab.link("a fd00:1::2/64", "r fd00:1::1/64")
    lab.link("r fd00:2::1/64", "b fd00:2::2/64")
    with lab:
        assert [] == [line for line in lab["r"].exec("ip -6 address show tentative").stdout.splitlines() if "inet6" in line]
        assert lab["a"].ping("fd00:2::2", timeout=0.9).ok


def test_a_declaration_that_fails_is_not_declared() -> None:
    """After an error the lab is what it was, in the kernel and in Python."""
    with pair("undo") as lab:
        before = lab.topology
        with pytest.raises(SpecErrors):
            lab.link("a 10.0.0.1/24", "c 10.0.0.1/24")
        assert before == lab.topology
        assert () == lab.plan()
