"""The same two nodes on each data plane, as a person types them: ip(8), and for a switch ovs-vsctl(8).

What enters: the name of a plane. What leaves: its commands, and the ends. Rule of the file: what a tutorial or manual page would have, and
nothing left out that helps (userspace-tso-enable, or TCP cannot connect); in namespaces of its own (measure.private).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

ONE, TWO = "10.0.0.1", "10.0.0.2"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Plane(NamedTuple):
    """Command lines and the addresses of a and b; `ip` is left away, since nearly all begin with it."""

    lines: tuple[str, ...]
    near: str = ONE
    far: str = TWO
    switched: bool = False


def _up(node: str, address: str, mtu: int = 1500) -> tuple[str, ...]:
    return f"-n {node} address add {address}/24 dev eth0", f"-n {node} link set dev eth0 mtu {mtu} up"


def _port(node: str, *, host: str = "", bridge: str = "br0") -> tuple[str, ...]:
    at = f"-n {host} " if host else ""
    return (
        f"{at}link add name p{node} type veth peer name eth0 netns {node}",
        f"{at}link set dev p{node} {f'master {bridge} ' if bridge else ''}up",
    )


def _overlay() -> Iterator[str]:
    yield from ("netns add h1", "netns add h2", "-n h1 link add name u type veth peer name u netns h2")
    for number, node in ((1, "a"), (2, "b")):
        host, other = f"h{number}", 3 - number
        yield from (f"-n {host} address add 192.168.50.{number}/24 dev u", f"-n {host} link set dev u up")
        yield from (f"-n {host} link add name br0 mtu 1450 type bridge", f"-n {host} link set dev br0 up")
        yield f"-n {host} link add name vx0 type vxlan id 1 dstport 4789 local 192.168.50.{number} remote 192.168.50.{other} dev u"
        yield f"-n {host} link set dev vx0 mtu 1450 master br0 up"
        yield from _port(node, host=host)
        yield f"-n {host} link set dev p{node} mtu 1450"
    yield from (*_up("a", ONE, 1450), *_up("b", TWO, 1450))


BOTH = (*_up("a", ONE), *_up("b", TWO))
PLANES = {
    "direct": Plane(("link add name eth0 netns a type veth peer name eth0 netns b", *BOTH)),
    "bridge": Plane(("link add name br0 type bridge", "link set dev br0 up", *_port("a"), *_port("b"), *BOTH)),
    "ovs": Plane((
        "ovs-vsctl add-br sw0 -- set Bridge sw0 datapath_type=netdev", *_port("a", bridge=""), *_port("b", bridge=""), *BOTH,
        "ovs-vsctl add-port sw0 pa", "ovs-vsctl add-port sw0 pb",
    ), switched=True),
    "vxlan": Plane(tuple(_overlay())),
    "routed": Plane((
        "netns add r",
        "link add name eth0 netns a type veth peer name x netns r", "link add name eth0 netns b type veth peer name y netns r",
        *_up("a", "10.0.1.2"), *_up("b", "10.0.2.2"), "-n r address add 10.0.1.1/24 dev x", "-n r address add 10.0.2.1/24 dev y",
        "-n r link set dev x up", "-n r link set dev y up", "netns exec r sysctl -qw net.ipv4.ip_forward=1",
        "-n a route add 10.0.2.0/24 via 10.0.1.1", "-n b route add 10.0.1.0/24 via 10.0.2.1",
    ), "10.0.1.2", "10.0.2.2"),
    "macvlan": Plane((
        "link add name q0 type veth peer name q1", "link set dev q0 up", "link set dev q1 up",
        *(f"link add link q1 name eth0 netns {node} type macvlan mode bridge" for node in "ab"), *BOTH,
    )),
}


@contextmanager
def built(plane: Plane) -> Iterator[None]:
    """The plane, one command after the other, for as long as the block lasts."""
    with _switch() if plane.switched else _nothing():
        for line in ("netns add a", "netns add b", "-n a link set dev lo up", "-n b link set dev lo up", *plane.lines):
            words = line.split()
            _run(words if words[0] == "ovs-vsctl" else ["ip", *words])
        yield


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _switch() -> Iterator[None]:
    """The daemons of Open vSwitch, as its manual page starts them, in a directory of their own."""
    place = tempfile.mkdtemp(prefix="bench-ovs-")
    os.environ |= {f"OVS_{name}DIR": place for name in ("RUN", "LOG", "DB", "SYSCONF")}
    _run(["ovsdb-tool", "create", f"{place}/conf.db", SCHEMA])
    _run(["ovsdb-server", f"{place}/conf.db", f"--remote=punix:{place}/db.sock", "--pidfile", "--detach", "--verbose=off"])
    _run(["ovs-vsctl", "--no-wait", "init", "--", "set", "Open_vSwitch", ".", "other_config:userspace-tso-enable=true"])
    _run(["ovs-vswitchd", f"unix:{place}/db.sock", "--pidfile", "--detach", "--verbose=off"])
    try:
        yield
    finally:
        for daemon in ("ovs-vswitchd", "ovsdb-server"):
            subprocess.run(["ovs-appctl", f"--target={daemon}", "exit"], check=False, capture_output=True)
        shutil.rmtree(place, ignore_errors=True)  # what the daemons remove themselves may be gone meanwhile


def _run(argv: Sequence[str]) -> None:
    subprocess.run(argv, check=True, capture_output=True)
