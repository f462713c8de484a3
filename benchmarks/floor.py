"""The floor: the least that a Python process must do to build N namespaces. No record, no verification, no names.

What enters: `star N` (one bridge, N hosts with an address and a default route), `pairs N` (N/2 cables), `mesh N` (a star whose neighbours
are all known, then every pair pinged) or `overlay N` (N pods in ten hosts, each host with an entry for every pod elsewhere).
What leaves: one JSON line of seconds. Rule of the file: raw system calls and ready-made bytes only,
so that whatever vethlab adds shows; nothing here is shared with vethlab itself, or the yardstick would shrink with the cloth.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator

CLONE_NEWNET = 0x40000000
NEWLINK, GETLINK, SETLINK, NEWADDR, NEWROUTE, NEWNEIGH = 16, 18, 19, 20, 24, 28  # linux/rtnetlink.h
REQUEST, EXCLUSIVE, CREATE = 0x1, 0x200, 0x400
ADDRESS, NAME, MASTER, INFO, AF_SPEC, NETNS, TXQ, RXQ = 1, 3, 10, 18, 26, 28, 31, 32  # IFLA_*
SOL_RAW, ICMP_FILTER = 255, 1
NETWORK = 0x0A000000  # 10.0.0.0/16
HOSTS = 10  # of an overlay
BURST = 128  # pings in flight per socket: more would overflow the receive buffer

libc = ctypes.CDLL(None, use_errno=True)


def unshare() -> None:
    """Put this thread into a fresh network namespace."""
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")


def setns(descriptor: int) -> None:
    """Put this thread into the namespace of `descriptor`."""
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def attribute(kind: int, *parts: bytes) -> bytes:
    """One netlink attribute, padded to four bytes; `kind` 0x8000 marks a nested one."""
    payload = b"".join(parts)
    return struct.pack("=HH", len(payload) + 4, kind) + payload + b"\0" * (-len(payload) & 3)


def number(kind: int, value: int) -> bytes:
    """A 32-bit attribute."""
    return struct.pack("=HHI", 8, kind, value)


def message(kind: int, flags: int, body: bytes) -> bytes:
    """One request. Without NLM_F_ACK: the kernel handles it before send() returns, and answers only if it refuses."""
    return struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 0, 0) + body


def interface(index: int, *, up: bool = False) -> bytes:
    """The fixed part of a link message."""
    return struct.pack("=BxHiII", 0, 0, index, int(up), int(up))


def bridge(name: bytes, index: int = 0) -> bytes:
    """A bridge with multicast snooping off, down: it goes up last, once, for all ports."""
    info = attribute(1, b"bridge") + attribute(0x8002, attribute(23, b"\0"))
    return message(NEWLINK, CREATE | EXCLUSIVE, interface(index) + attribute(NAME, name + b"\0") + attribute(0x8000 | INFO, info))


def veth(name: bytes, index: int, peer_netns: int, *, mac: bytes = b"", master: int = 0) -> bytes:
    """A pair with one queue each, the near end up, the far end `eth0` with index 2 in the namespace of the descriptor."""
    queues = number(TXQ, 1) + number(RXQ, 1)
    far = interface(2) + attribute(NAME, b"eth0\0") + number(NETNS, peer_netns) + (attribute(ADDRESS, mac) if mac else b"") + queues
    near = interface(index, up=True) + attribute(NAME, name + b"\0") + (number(MASTER, master) if master else b"") + queues
    info = attribute(1, b"veth") + attribute(0x8002, attribute(1, far))
    return message(NEWLINK, CREATE | EXCLUSIVE, near + attribute(0x8000 | INFO, info))


def up(index: int) -> bytes:
    """Set an interface up."""
    return message(NEWLINK, 0, interface(index, up=True))


def no_link_local(index: int) -> bytes:
    """addr_gen_mode none: no IPv6 link-local address, so no flood of multicast when many ports come up."""
    return message(SETLINK, 0, interface(index) + attribute(0x8000 | AF_SPEC, attribute(0x8000 | socket.AF_INET6, attribute(8, b"\1"))))


def address(index: int, ip: int, length: int) -> bytes:
    """An IPv4 address."""
    packed = struct.pack("!I", ip)
    return message(NEWADDR, CREATE | EXCLUSIVE, struct.pack("=BBBBi", 2, length, 0, 0, index) + attribute(2, packed) + attribute(1, packed))


def default_route(index: int, gateway: int) -> bytes:
    """0.0.0.0/0 via `gateway`."""
    head = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 4, 0, 1, 0)
    return message(NEWROUTE, CREATE | EXCLUSIVE, head + attribute(5, struct.pack("!I", gateway)) + number(4, index))


def neighbour(index: int, ip: int, mac: bytes) -> bytes:
    """A permanent neighbour entry (state 0x80), which the machine-wide limit does not count."""
    head = struct.pack("=BxHiHBB", 2, 0, index, 0x80, 0, 1)
    return message(NEWNEIGH, CREATE | EXCLUSIVE, head + attribute(1, struct.pack("!I", ip)) + attribute(2, mac))


def send(route: socket.socket, data: bytes) -> None:
    """Send messages; nothing to receive means that the kernel took them all."""
    route.send(data)
    try:
        answer = route.recv(65536, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return
    code = struct.unpack_from("=i", answer, 16)[0]
    raise OSError(-code, os.strerror(-code))


class Namespaces:
    """N namespaces and a hub, held by a netlink socket and a descriptor each. `close()` lets go of all at once."""

    def __init__(self, count: int, *, ping: bool = False) -> None:
        self.routes: list[socket.socket] = []
        self.pings: list[socket.socket] = []
        self.descriptors: list[int] = []
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        unshare()
        self.hub = self._socket()
        for _ in range(count):
            unshare()
            self.routes.append(self._socket())
            self.descriptors.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
            if ping:
                raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
                # echo replies only: the requests of others would fill its buffer
                raw.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", ~1 & 0xFFFFFFFF))
                self.pings.append(raw)
        setns(home)
        os.close(home)

    @staticmethod
    def _socket() -> socket.socket:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)

    def close(self) -> None:
        """Let go; the kernel frees the namespaces later, in one worker of its own."""
        for held in (self.hub, *self.routes, *self.pings):
            held.close()
        for descriptor in self.descriptors:
            os.close(descriptor)


def host(number_: int) -> int:
    """The address of host `number_`, from 0."""
    return NETWORK + 1 + number_


def mac(number_: int) -> bytes:
    """A locally administered MAC for host `number_`."""
    return b"\2\0\0\0" + number_.to_bytes(2, "big")


def star(count: int, *, ping: bool = False) -> Namespaces:
    """One bridge in the hub, a host a namespace."""
    held = Namespaces(count, ping=ping)
    send(held.hub, bridge(b"br0") + no_link_local(2))
    ports = [veth(b"h%d" % i, 0, held.descriptors[i], mac=mac(i), master=2) for i in range(count)]
    for start in range(0, count, 32):
        send(held.hub, b"".join(ports[start : start + 32]))
    fixed, route = up(1) + no_link_local(2) + up(2), default_route(2, NETWORK + 0xFFFE)
    for i, netlink in enumerate(held.routes):
        send(netlink, fixed + address(2, host(i), 16) + route)
    send(held.hub, up(2))
    return held


def pairs(count: int) -> Namespaces:
    """count/2 cables, each between two namespaces."""
    held = Namespaces(count)
    for i in range(0, count, 2):
        send(held.routes[i], up(1) + veth(b"eth0", 2, held.descriptors[i + 1]) + no_link_local(2) + address(2, NETWORK + i * 2 + 1, 30))
        send(held.routes[i + 1], up(1) + no_link_local(2) + up(2) + address(2, NETWORK + i * 2 + 2, 30))
    return held


def vxlan(mac_: bytes, local: int, master: int) -> bytes:
    """A VXLAN device of vni 42 that learns nothing, index 3, a port of the bridge `master`, down."""
    data = number(1, 42) + attribute(15, struct.pack("!H", 4789)) + attribute(7, b"\0") + attribute(4, struct.pack("!I", local))
    info = attribute(1, b"vxlan") + attribute(0x8002, data)
    head = interface(3) + attribute(NAME, b"vx\0") + number(MASTER, master) + attribute(ADDRESS, mac_) + number(4, 1450)
    return message(NEWLINK, CREATE | EXCLUSIVE, head + attribute(0x8000 | INFO, info))


def forward(mac_: bytes, remote: int) -> bytes:
    """An entry of the VXLAN device; those of the all-zero MAC stand beside each other."""
    head = struct.pack("=BxHiHBB", 7, 0, 3, 0x80, 2, 0)
    flags = CREATE | (0x100 if any(mac_) else 0x800)
    return message(NEWNEIGH, flags, head + attribute(1, struct.pack("!I", remote)) + attribute(2, mac_))


def overlay(count: int) -> Namespaces:
    """Ten hosts at a bridge in the hub, and `count` pods at the bridges of the hosts."""
    held, hosts = Namespaces(HOSTS + count), range(HOSTS)
    send(held.hub, bridge(b"under") + no_link_local(2))
    cables = [veth(b"h%d" % i, 0, held.descriptors[i], mac=mac(i), master=2) for i in hosts]
    send(held.hub, b"".join(cables))
    for i in hosts:
        mine = range(HOSTS + i, HOSTS + count, HOSTS)
        ports = [veth(b"p%d" % pod, 0, held.descriptors[pod], mac=mac(pod), master=4) for pod in mine]
        others = [forward(bytes(6), host(j)) for j in hosts if j != i]
        others += [forward(mac(pod), host(pod % HOSTS)) for pod in range(HOSTS, HOSTS + count) if pod not in mine]
        send(held.routes[i], bridge(b"pods", 4) + no_link_local(4) + vxlan(mac(1000 + i), host(i), 4) + b"".join(ports))
        send(held.routes[i], up(1) + no_link_local(2) + up(2) + no_link_local(3) + up(3) + address(2, host(i), 24))
        send(held.routes[i], b"".join(others) + up(4))
    for pod in range(HOSTS, HOSTS + count):
        send(held.routes[pod], up(1) + no_link_local(2) + up(2) + address(2, host(pod) + 0x10000, 16))
    send(held.hub, up(2))
    return held


def mesh(count: int) -> Namespaces:
    """A star in which everybody's neighbours are known already."""
    held = star(count, ping=True)
    for i, netlink in enumerate(held.routes):
        entries = [neighbour(2, host(j), mac(j)) for j in range(count) if j != i]
        for start in range(0, len(entries), 256):
            send(netlink, b"".join(entries[start : start + 256]))
    return held


def echo(sequence: int) -> bytes:
    """An ICMP echo request; the kernel does not fill in the checksum of a raw ICMP socket."""
    total = 0x0800 + 0x4242 + sequence
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, 0x4242, sequence)


def bursts(count: int, own: int) -> Iterator[list[int]]:
    """Everybody but `own`, in bursts."""
    others = [j for j in range(count) if j != own]
    for start in range(0, len(others), BURST):
        yield others[start : start + BURST]


def ping_all(held: Namespaces) -> int:
    """Ping every ordered pair from one raw socket a namespace; returns how many answered."""
    count, answered = len(held.pings), 0
    for own, raw in enumerate(held.pings):
        raw.settimeout(1)
        for burst in bursts(count, own):
            for j in burst:
                raw.sendto(echo(j), (socket.inet_ntoa(struct.pack("!I", host(j))), 0))
            waiting = set(burst)
            while waiting:
                packet = raw.recv(128)
                if packet[20] == 0:  # an echo reply
                    waiting.discard(struct.unpack_from("!H", packet, 26)[0])
            answered += len(burst)
    return answered


def settle() -> float:
    """Wait until the kernel has freed every namespace let go of before this call; returns the seconds that took.

    One worker frees namespaces in the order in which they were let go of (net_namespace.c), so a veth whose far end sits in a namespace
    queued last disappears last.
    """
    began = time.perf_counter()
    held = Namespaces(1)
    send(held.hub, veth(b"barrier", 2, held.descriptors[0]))
    held.routes[0].close()
    os.close(held.descriptors[0])
    while True:
        held.hub.send(message(GETLINK, 0, interface(2)))
        if struct.unpack_from("=H", held.hub.recv(65536), 4)[0] == 2:  # NLMSG_ERROR: no such device
            break
        time.sleep(0.001)
    held.hub.close()
    return time.perf_counter() - began


def main(shape: str, count: int) -> None:
    """Build, perhaps ping, let go, wait; print what each took."""
    build: dict[str, Callable[[int], Namespaces]] = {"star": star, "pairs": pairs, "mesh": mesh, "overlay": overlay}
    gc.disable()
    t0 = time.perf_counter()
    held = build[shape](count)
    t1 = time.perf_counter()
    answered = ping_all(held) if shape == "mesh" else 0
    t2 = time.perf_counter()
    held.close()
    gone = settle()
    t3 = time.perf_counter()
    print(json.dumps({"build": t1 - t0, "ping": t2 - t1, "answered": answered, "freed": t3 - t2, "settle": gone}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
