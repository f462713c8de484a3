"""A lab with a node, a place or a link more or less, and what goes along with it."""

from __future__ import annotations

import pytest

from vethlab import spec
from vethlab.errors import NotFoundError, SpecErrors, UsageError
from vethlab.model.topology import Topology
from vethlab.spec.membership import cable_of, node_of, place_of, with_link, with_place, without

LAB = """\
name: x
nodes:
  a:
    routes: [10.9.0.0/16 via 10.0.0.2, 10.8.0.0/16 dev eth0, 10.7.0.0/16 via 10.1.0.3, {plain}]
    sysctl: {net.ipv4.conf.eth0.rp_filter: 2, net.ipv4.ip_default_ttl: 9}
  b: {forward: true}
  c: {}
links:
  - a 10.0.0.1/24 -- b 10.0.0.2/24
  - b 10.0.1.1/24 -- c 10.0.1.2/24
networks:
  br0: {subnet: 10.1.0.0/24, nodes: [a, b, c], isolated: [b, c]}
checks:
  - ping all -> all
  - ping a -> b
  - ping a:eth0 -> c
  - {ping a -> c: {via: b}}
  - ping a -> c
""".replace(", {plain}", ", 10.6.0.0/16 via 10.0.0.2 src 10.1.0.1")


@pytest.fixture
def lab() -> Topology:
    """The lab."""
    return spec.loads(LAB)


def test_a_node_goes_with_what_needs_it(lab: Topology) -> None:
    """Its cables, its places, the checks that name it, and of the others the routes and settings over the interfaces they lose."""
    rest, along = without(lab, node_of(lab, "b"))
    assert (["a", "c"], (), ["a:eth1", "c:eth1"]) == (
        [one.name for one in rest.nodes], rest.cables, [str(port.endpoint) for port in rest.networks[0].ports],
    )
    assert (
        "route `10.9.0.0/16 via 10.0.0.2` of `a`", "route `10.8.0.0/16 dev eth0` of `a`",
        "route `10.6.0.0/16 via 10.0.0.2 src 10.1.0.1` of `a`", "sysctl `net.ipv4.conf.eth0.rp_filter` of `a`",
        "check `ping a -> b`", "check `ping a:eth0 -> c`", "check `ping a -> c`",
    ) == along
    assert (("net.ipv4.ip_default_ttl", "9"),) == rest.nodes[0].sysctl
    assert ["ping all -> all", "ping a -> c"] == [one.text for one in rest.checks]


def test_a_place_goes_and_its_node_stays(lab: Topology) -> None:
    """A route over the subnet it loses goes along, and one whose source it was."""
    rest, along = without(lab, place_of(lab, "br0", "a"))
    assert ("route `10.7.0.0/16 via 10.1.0.3` of `a`", "route `10.6.0.0/16 via 10.0.0.2 src 10.1.0.1` of `a`") == along
    assert ["b", "c"] == [port.endpoint.node for port in rest.networks[0].ports]


def test_who_has_no_address_left_is_asked_no_more(lab: Topology) -> None:
    """A check needs something to ask for; who only asks goes on asking."""
    alone = spec.loads("name: y\nnodes: [a, b]\nlinks: [a 10.0.0.1/24 -- b 10.0.0.2/24]\nchecks: [ping a -> b, ping all -> all]\n")
    assert ("check `ping a -> b`",) == without(alone, cable_of(0))[1]
    assert () == without(lab, cable_of(1))[1]


def test_a_host_goes_with_what_it_holds() -> None:
    """The nodes inside of it, and networks whose bridge it holds; an overlay lives on without its gateway."""
    lab = spec.loads("""\
name: x
nodes: {h1: {role: host}, h2: {role: host}, h3: {role: host}, d: {}}
networks:
  net: {subnet: 10.0.0.0/24, nodes: [h1, h2, h3]}
  inner: {on: h1, nodes: [d, h1/q], tags: {d: 3}, type: ovs}
  ov: {type: vxlan, subnet: 10.2.0.0/24, on: h1, gateway: 10.2.0.254, nodes: [h1/p, h2/p, h3/p]}
""")
    rest, along = without(lab, node_of(lab, "h1"))
    assert ["h2", "h3", "d", "h2/p", "h3/p"] == [one.name for one in rest.nodes]
    assert ["net", "ov"] == [one.name for one in rest.networks]
    assert ["h2", "h3"] == [one.host for one in rest.networks[1].vteps]
    assert "the gateway of network `ov`" == along[0]
    whole = spec.loads("name: x\nnodes: [a, b]\nnetworks: {s: {type: ovs, nodes: [a, b], tags: {a: 3, b: 4}}}\n")
    assert [4] == [port.tag for port in without(whole, node_of(whole, "a"))[0].networks[0].ports]


def test_what_cannot_be(lab: Topology) -> None:
    """A node that is not there, one that is there already, and one whose loopback address others were counted after."""
    with pytest.raises(NotFoundError, match="no node `bb`") as unknown:
        node_of(lab, "bb")
    assert "b" in unknown.value.help
    with pytest.raises(UsageError, match="on network `br0` already"):
        with_place(lab, "a", "br0")
    with pytest.raises(SpecErrors, match="belongs to `b` already"):
        with_place(lab, "d 2", "br0")
    with pytest.raises(SpecErrors):
        with_link(lab, "a 10.0.0.1", "d", {})


def test_loopback_addresses_move_up() -> None:
    """They are counted in node order: who stands behind a node that goes has another one, and is told so; a check by the old one goes."""
    counted = spec.loads(
        "name: x\naddressing: {loopbacks: 10.99.0.0/24}\nnodes: [a, b, c]\nlinks: [a -- b, a -- c]\n"
        "checks: [ping a -> 10.99.0.3, ping a -> 10.99.0.2, ping a -> c]\n",
    )
    rest, along = without(counted, node_of(counted, "b"))
    assert (["a", "c"], ["10.99.0.1", "10.99.0.2"]) == ([one.name for one in rest.nodes], [str(one.loopbacks[0].ip) for one in rest.nodes])
    moved = "loopback address 10.99.0.3 of `c`, which is 10.99.0.2 now: they are counted in node order"
    assert (moved, "check `ping a -> 10.99.0.3`") == along
    assert ["a", "b"] == [one.name for one in without(counted, node_of(counted, "c"))[0].nodes]


PUBLISHED = """\
name: x
nodes:
  h1: {role: host, forward: true}
  web: {publish: [8080:80, "127.0.0.1:9090:90", "5353:53/udp"]}
  twin: {publish: [8081:80]}
  h1/pod: {publish: [7070:70]}
  app: {}
links: [app 10.3.0.1/24 -- h1 10.3.0.2/24]
networks:
  br0: {subnet: 10.4.0.0/24, gateway: 1, nat: masquerade, nodes: [web, twin, app]}
  br1: {subnet: 10.5.0.0/24, nodes: [web, app]}
  in: {on: h1, subnet: 10.6.0.0/24, gateway: 1, nodes: [h1/pod]}
checks:
  - http app -> host:8080
  - tcp host -> localhost:9090
  - tcp app -> localhost:8080
  - http app -> 10.4.0.1:8080
  - tcp app -> 198.51.100.2:8080
  - tcp app -> 10.4.0.1:9090
  - udp app -> 10.4.0.1:5353
  - tcp app -> 10.4.0.1:5353
  - tcp app -> host:8081
  - tcp app -> h1:7070
  - tcp h1 -> localhost:7070
  - tcp app -> 10.3.0.2:7070
  - ping app -> 10.4.0.2
  - {http app -> host:8080: blocked}
"""


def test_a_check_of_a_published_port_goes_with_the_node_behind_it() -> None:
    """However it names the host; what another node publishes stays, and so does what is expected to be blocked."""
    lab = spec.loads(PUBLISHED)
    along = without(lab, node_of(lab, "web"))[1]
    said = ["http app -> host:8080", "tcp host -> localhost:9090", "http app -> 10.4.0.1:8080", "tcp app -> 198.51.100.2:8080",
            "udp app -> 10.4.0.1:5353", "ping app -> 10.4.0.2"]
    assert [f"check `{one}`" for one in said] == [*along]
    inside = without(lab, node_of(lab, "h1/pod"))[1]
    assert [f"check `tcp {one}:7070`" for one in ("app -> h1", "h1 -> localhost", "app -> 10.3.0.2")] == [*inside]


def test_a_port_is_published_no_longer_where_its_host_is_not_joined() -> None:
    """A node that leaves the last network with a gateway has nobody to publish its ports; leaving another one changes nothing."""
    lab = spec.loads(PUBLISHED)
    rest, along = without(lab, place_of(lab, "br0", "web"))
    ports = ("8080:80", "127.0.0.1:9090:90", "5353:53/udp")
    assert [f"published port `{one}` of `web`" for one in ports] == [one for one in along if one.startswith("published")]
    assert [(), 1] == [rest.nodes[1].publish, sum(one.text.endswith(" host:8080") for one in rest.checks)]
    assert () == without(lab, place_of(lab, "br1", "web"))[1]


def test_a_port_that_another_one_publishes_stays() -> None:
    """The check has somewhere to go still."""
    more = PUBLISHED.replace("  app: {}\n", "  app: {}\n  other: {publish: ['10.9.0.1:8080:80']}\n")
    more = more.replace("[8080:80,", "['10.4.0.1:8080:80',")
    lab = spec.loads(more.replace("networks:\n", "networks:\n  br9: {subnet: 10.9.0.0/24, gateway: 1, nodes: [other, app]}\n"))
    along = without(lab, node_of(lab, "web"))[1]
    assert ("check `http app -> host:8080`" in along, "check `http app -> 10.4.0.1:8080`" in along) == (False, True)


def test_one_more(lab: Topology) -> None:
    """A cable or a place brings its node; what was there keeps its names and addresses."""
    more = with_place(with_link(lab, "c", "d 10.3.0.2/24", {"mtu": 9000}), "e:up 9", "br0")
    assert ["a", "b", "c", "d", "e"] == [one.name for one in more.nodes]
    assert (lab.cables, 9000) == (more.cables[:-1], more.cables[-1].mtu)
    assert (lab.networks[0].ports, "e:up") == (more.networks[0].ports[:-1], str(more.networks[0].ports[-1].endpoint))
