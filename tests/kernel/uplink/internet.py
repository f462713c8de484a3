"""A machine with a way out: a card, default routes, and behind them a namespace that plays the internet, with a server in it.

Rule of the file: made with ip(8) alone; the server answers with the address that it was asked from.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE

from tests.kernel.survival.machine import Machine, Started

FAR4, FAR6 = "9.9.9.9", "2620:fe::9"
CARD = """
ip link set lo up
ip link add name eth0 address 02:00:00:00:99:02 type veth peer name far address 02:00:00:00:99:01 netns "$1"
ip address add 192.0.2.2/24 dev eth0; ip -6 address add fd99::2/64 dev eth0 nodad
ip link set eth0 addrgenmode none; ip -6 address add fe80::99:2/64 dev eth0 nodad; ip link set eth0 up
ip route add default via 192.0.2.1; ip -6 route add default via fd99::1
"""
SERVER = """
import socket, threading
said = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
said.bind(("9.9.9.9", 53))
threading.Thread(target=lambda: [said.sendto(*said.recvfrom(4096)) for _ in iter(int, 1)], daemon=True).start()
served = socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
while True:
    client, who = served.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + who[0].encode())
    client.shutdown(socket.SHUT_WR)
    client.settimeout(2)
    try:
        while client.recv(4096):
            pass
    except OSError:
        pass
    client.close()
"""
THERE = f"""
echo $$; read -r _
ip link set lo up; ip address add {FAR4}/32 dev lo; ip -6 address add {FAR6}/128 dev lo nodad
ip address add 192.0.2.1/24 dev far; ip -6 address add fd99::1/64 dev far nodad; ip link set far addrgenmode none; ip link set far up
exec python3 -c '{SERVER}'
"""
ASK = "exec 3<>/dev/tcp/{}/80; echo -e 'GET / HTTP/1.0\\r\\n\\r' >&3; tail -n 1 <&3"


@contextmanager
def internet(here: Machine, *, forwards: bool = True) -> Iterator[Started]:
    """Play it, until the block is left."""
    far = here.start("unshare", "--net", "sh", "-c", THERE, stdin=PIPE)
    assert far.outer.stdin is not None
    assert far.outer.stdout is not None
    here.run("sh", "-ec", CARD, "sh", far.outer.stdout.readline().strip())
    for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
        here.run("sysctl", "-qw", f"{key}={forwards:d}")
    print("go", file=far.outer.stdin, flush=True)
    assert "up\n" == far.outer.stdout.readline()
    try:
        yield far
    finally:
        here.run("kill", "-9", str(_inner(here, far)), check=False)
        far.end()


def lets_ping(here: Machine) -> None:
    """Let programs without privileges ping, which pasta does for the lab: most distributions do, the kernel by itself does not."""
    rest = here.run("cat", "/proc/self/gid_map").split()
    here.run("sysctl", "-qw", f"net.ipv4.ping_group_range=0 {min(int(rest[2]) - 1, 2147483647)}")


def _inner(here: Machine, far: Started) -> int:
    """Its number in the machine."""
    return next((pid for pid, command in here.processes().items() if "create_server" in command), far.pid)


def asked_from(here: Machine, node: str, address: str) -> str:
    """The address from which a node of the running lab seems to ask, told by the server."""
    return here.ok("exec", node, "--", "bash", "-c", ASK.format(address)).strip()
