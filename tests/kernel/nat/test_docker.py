"""Networks as Docker builds them: hidden behind the host, with ports that lead into them, and a world outside."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from vethlab import Lab, spec

pytestmark = pytest.mark.kernel

SERVER = "python3 -m http.server 80 --bind ::"
SOCKET = "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind((chr(58) * 2, 53))"
UDP = f"import socket; {SOCKET}; [s.sendto(*s.recvfrom(99)) for _ in iter(int, 1)]"
FILE = f"""
name: published
networks:
  docker0: {{subnet: [172.17.0.0/16, "fd00:17::/64"], gateway: 1, nat: masquerade, nodes: [app, dns, worker]}}
  back: {{subnet: 10.9.0.0/24, gateway: 1, nodes: [far]}}
nodes:
  app: {{run: "{SERVER}", publish: ["8080:80", "172.17.0.1:81:80", "127.0.0.1:82:80"]}}
  dns: {{run: "python3 -c '{UDP}'", publish: ["53:53/udp"]}}
  worker: {{}}
  far: {{}}
checks:
  - http host -> localhost:8080
  - http host -> host:8080
  - http host -> localhost:82
  - http host -> [fd00:17::1]:8080
  - http worker -> host:8080
  - http worker -> [fd00:17::1]:8080
  - http worker -> host:81
  - http far -> host:8080
  - http app -> host:8080
  - http app -> [fd00:17::1]:8080
  - http app -> app:80
  - udp host -> localhost:53
  - udp worker -> host:53
  - udp worker -> [fd00:17::1]:53
  - udp dns -> host:53
  - ping worker -> world
  - ping worker -> 2001:db8:ffff::1
  - ping far -> world: blocked
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """The lab of the file, in this process."""
    one = Lab("published")
    one._text, one._topology = FILE, spec.loads(FILE)
    with one:
        yield one


def test_every_way_to_a_published_port(lab: Lab) -> None:
    """By localhost and by address, from the host, a neighbour, another network and the node itself; TCP and UDP; IPv4 and IPv6."""
    report = lab.check()
    assert [] == [f"{one.path.src} -> {one.path.target}:{one.path.port}: {one.reason}" for one in report.results if not one.passed]


def test_who_is_hidden_and_who_is_not(lab: Lab) -> None:
    """The world sees the host's address; two nodes of one bridge see each other's own, and so does a node that another network asks."""
    world, worker, app = lab["world"], lab["worker"], lab["app"]
    with world.socket() as outside, worker.socket() as inside, worker.socket() as client, app.socket() as other:
        for server, port in ((outside, 5001), (inside, 5002)):
            server.bind(("", port))
            server.listen()
        client.connect(("203.0.113.1", 5001))
        other.connect(("172.17.0.4", 5002))
        assert ("198.51.100.2", "172.17.0.2") == (outside.accept()[1][0], inside.accept()[1][0])


def test_a_port_of_one_address_is_not_one_of_another(lab: Lab) -> None:
    """What is published on 127.0.0.1 is the host's own, what is published on 172.17.0.1 is refused on 10.9.0.1."""
    with lab["worker"].socket() as one, lab["host"].socket() as two:
        assert (errno.ECONNREFUSED, errno.ECONNREFUSED) == (one.connect_ex(("172.17.0.1", 82)), two.connect_ex(("10.9.0.1", 81)))


def test_a_neighbour_keeps_the_table_as_it_is(lab: Lab) -> None:
    """What is added beside our table is left alone and is no drift; what is done to it is, and is taken back."""
    host = lab["host"]
    host.exec("nft add table ip foreign")
    assert () == lab.plan()
    host.exec("nft flush chain inet vethlab-nat-published prerouting")
    assert ["table inet vethlab-nat-published in host"] == [one.object for one in lab.plan()]
    lab.up(detach=False)
    host.exec("nft delete table inet vethlab-nat-published")
    assert ["declared, but missing in the running lab"] == [one.reason for one in lab.plan()]
    lab.up(detach=False)
    assert () == lab.plan()
    assert ["table ip foreign", "table inet vethlab-nat-published"] == host.exec("nft list tables").stdout.splitlines()


def test_nothing_is_left_of_it_when_the_file_forgets_it(tmp_path: Path) -> None:
    """Table, world, forwarding, route_localnet and hairpin go, as if they had never been; a failure on the way brings them back."""
    file = tmp_path / "shrinks.lab.yaml"
    file.write_text("name: shrinks\nnetworks:\n  br0: {subnet: 10.0.0.0/24, gateway: 1, nat: masquerade, nodes: [a]}\n"
                    'nodes:\n  a: {publish: ["80:80"]}\n')
    with Lab.load(file) as lab:
        settings = "sysctl -n net.ipv4.ip_forward net.ipv4.conf.br0.route_localnet"
        assert "1\n1\n" == lab["host"].exec(settings).stdout
        lab._draft = None
        text = "name: shrinks\nnetworks:\n  br0: {subnet: 10.0.0.0/24, gateway: 1, nodes: [a]}\n"
        lab._text, lab._topology = text, spec.loads(text)
        lab.up(detach=False)
        assert ("", "0\n0\n", "off") == (
            lab["host"].exec("nft list ruleset").stdout, lab["host"].exec(settings).stdout,
            lab["host"].exec("bridge -d link show dev p-a").stdout.partition("hairpin ")[2].split()[0],
        )
        assert {"host", "a"} == lab.namespaces.names()
