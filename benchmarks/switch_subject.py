"""`python -m benchmarks.switch_subject hand|ours|bridge`: two nodes on a switch, by hand or as a lab; how long, and how much passes.

What enters: which. What leaves: a line of JSON: seconds of building, gigabits a second of one TCP connection, seconds of adding 50 ports.
Rule of the file: by hand means the commands that a person would type, in a network namespace of this process's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from vethlab import Lab

SECONDS = 2.0
SERVER = """import socket as s,time
c=s.create_server(('10.9.9.2',5001)).accept()[0];b=bytearray(1<<20);n=0;t=time.monotonic()
while (k:=c.recv_into(b)): n+=k
print(n*8/(time.monotonic()-t)/1e9)"""
CLIENT = f"""import socket as s,time
for _ in range(500):
    c=s.socket()
    if c.connect_ex(('10.9.9.2',5001))==0: break
    time.sleep(.01)
b=bytes(1<<20);e=time.monotonic()+{SECONDS}
while time.monotonic()<e: c.sendall(b)"""
PORTS = [f"x{number}" for number in range(50)]


def run(*argv: str) -> str:
    """One command, which has to succeed."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def rate(start: Callable[[str, str], subprocess.Popen[str]]) -> float:
    """Gigabits a second from a to b, as the receiver counts. `start`: begins a Python program in a node."""
    server, client = start("b", SERVER), start("a", CLIENT)
    client.wait()
    return float(server.communicate()[0])


def hand() -> dict[str, float]:
    """The recipe of the manual pages, with userspace-tso-enable."""
    place = tempfile.mkdtemp(prefix="bench-ovs-")
    os.environ |= {f"OVS_{name}DIR": place for name in ("RUN", "LOG", "DB", "SYSCONF")}
    began = time.perf_counter()
    run("ovsdb-tool", "create", f"{place}/conf.db", "/usr/share/openvswitch/vswitch.ovsschema")
    run("ovsdb-server", f"{place}/conf.db", f"--remote=punix:{place}/db.sock", "--pidfile", "--detach", "--verbose=off")
    run("ovs-vsctl", "--no-wait", "init", "--", "set", "Open_vSwitch", ".", "other_config:userspace-tso-enable=true")
    run("ovs-vswitchd", f"unix:{place}/db.sock", "--pidfile", "--detach", "--verbose=off")
    run("ovs-vsctl", "add-br", "sw0", "--", "set", "Bridge", "sw0", "datapath_type=netdev")
    for number, node in enumerate("ab", 1):
        run("ip", "netns", "add", node)
        run("ip", "link", "add", "name", f"p-{node}", "type", "veth", "peer", "name", "eth0", "netns", node)
        run("ip", "link", "set", "dev", f"p-{node}", "up")
        run("ip", "-n", node, "address", "add", f"10.9.9.{number}/24", "dev", "eth0")
        run("ip", "-n", node, "link", "set", "dev", "eth0", "up")
        run("ovs-vsctl", "add-port", "sw0", f"p-{node}")
    built = time.perf_counter() - began
    fast = rate(lambda node, code: subprocess.Popen(
        ["ip", "netns", "exec", node, sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
    ))
    for name in PORTS:
        run("ip", "link", "add", "name", name, "type", "veth", "peer", "name", f"{name}p")
    began = time.perf_counter()
    for name in PORTS:
        run("ovs-vsctl", "add-port", "sw0", name)
    one_by_one = time.perf_counter() - began
    words = [word for name in PORTS for word in ("--", "--if-exists", "del-port", name)]
    run("ovs-vsctl", *words[1:])
    began = time.perf_counter()
    run("ovs-vsctl", *[word for name in PORTS for word in ("--", "add-port", "sw0", name)][1:])
    together = time.perf_counter() - began
    for daemon in ("ovs-vswitchd", "ovsdb-server"):
        run("ovs-appctl", f"--target={daemon}", "exit")
    shutil.rmtree(place, ignore_errors=True)  # what the daemons remove themselves may be gone meanwhile
    return {"build": built, "rate": fast, "one by one": one_by_one, "together": together}


def ours(kind: str) -> dict[str, float]:
    """The same as a lab."""
    folder = Path(tempfile.mkdtemp(prefix="bench-ovs-"))
    file = folder / "bench-switch.lab.yaml"
    file.write_text(f"name: bench-switch\nnetworks: {{sw0: {{type: {kind}, subnet: 10.9.9.0/24, nodes: {{a: 1, b: 2}}}}}}\n")
    began = time.perf_counter()
    run(sys.executable, "-m", "vethlab", "up", str(file))
    built = time.perf_counter() - began
    run(sys.executable, "-m", "vethlab", "down", "bench-switch", "--wait")
    with Lab.load(file) as lab:
        fast = rate(lambda node, code: lab[node].popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True))
    shutil.rmtree(folder)
    if kind == "bridge":
        return {"build": built, "rate": fast}
    lab = Lab("bench-ports")
    lab.bridge("sw0", type="ovs", subnet="10.9.8.0/24", nodes=[f"n{number}" for number in range(1, 51)])
    with lab:
        words = [word for number in range(1, 51) for word in ("--", "del-port", f"p-n{number}")]
        assert lab["host"].exec(["ovs-vsctl", *words[1:]])  # noqa: S101 - it has to succeed
        before = lab.plan()
        began = time.perf_counter()
        lab._engine().kernel.apply(before)  # noqa: SLF001 - the change alone
        together = time.perf_counter() - began
    return {"build": built, "rate": fast, "together": together}


if __name__ == "__main__":
    print(json.dumps(hand() if sys.argv[1] == "hand" else ours("ovs" if sys.argv[1] == "ours" else "bridge")))
