"""The route oracle in real labs against `ip route get`: where a packet goes, and every way in which the kernel refuses."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest
from tests.kernel.observe.witness import TABLES, address, do, tell

from vethlab import Lab
from vethlab.errors import NotFoundError
from vethlab.kernel.full_snapshot import full_snapshot
from vethlab.model.question import Look, Route, Routed
from vethlab.observe.oracle import Oracle

pytestmark = pytest.mark.kernel

LINES = (
    "ip address add 2001:db8::1/64 dev eth0 nodad", "ip address add 2001:db8:1::1/64 dev eth1 nodad",
    "ip route add blackhole 10.9.0.0/24", "ip route add unreachable 10.9.1.0/24", "ip route add prohibit 10.9.2.0/24",
    "ip route add throw 10.9.3.0/24", "ip route add 10.8.0.0/16 via 10.1.0.2 mtu 1400", "ip route add 10.7.0.0/16 via 10.0.0.2 table 100",
    "ip rule add priority 10 to 10.7.0.0/16 lookup 100", "ip rule add priority 11 to 10.6.0.0/16 prohibit",
    "ip route add 10.5.0.0/16 dev eth0 src 10.1.0.1", "ip route add 10.4.0.0/16 via inet6 2001:db8::2 dev eth0",
    "ip -6 route add blackhole 2001:db8:9::/48", "ip -6 route add unreachable 2001:db8:a::/48", "ip -6 route add prohibit 2001:db8:b::/48",
    "ip -6 route add 2001:db8:8::/48 via 2001:db8:1::2 mtu 1400",
)
OUT = (
    "10.0.0.2", "10.0.0.1", "127.0.0.1", "10.0.0.255", "255.255.255.255", "224.0.0.5", "10.8.1.1", "10.7.1.1", "10.6.1.1", "10.5.1.1",
    "10.4.1.1", "10.9.0.1", "10.9.1.1", "10.9.2.1", "10.9.3.1", "192.0.2.1",
    "2001:db8::2", "2001:db8::1", "::1", "2001:db8:8::1", "2001:db8:9::1", "2001:db8:a::1", "2001:db8:b::1", "2001:db8:c::1",
)
SOURCES = {4: ("10.0.0.2", "10.1.0.2", "10.0.0.1", "192.0.2.1", "127.0.0.1", "224.0.0.1", "0.0.0.0"), 6: ("2001:db8::2", "2001:db8::1")}  # noqa: S104 - refused


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A node with two cables and a line of every kind."""
    with ExitStack() as stack:
        lab = Lab("oracle")
        lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
        lab.link("a 10.1.0.1/24", "b 10.1.0.2/24")
        stack.enter_context(lab)
        do(lab, "a", *LINES)
        yield lab


@pytest.fixture
def oracle(lab: Lab) -> Iterator[Oracle]:
    """Its oracle."""
    with Oracle(lab.namespaces) as oracle:
        yield oracle


def asked(destination: str, source: str | None = None, iif: str | None = None, oif: str | None = None, node: str = "a") -> Route:
    """A question."""
    return Route(node, ip_address(destination), None if source is None else ip_address(source), iif, oif)


def said(lab: Lab, questions: Sequence[Route]) -> list[Routed]:
    """The answers of ip-route(8) to questions about one node; a refusal in its own words, without a kind of line."""
    lines = []
    for one in questions:
        words = ["ip", "-j", "-d", f"-{one.destination.version}", "route", "get", str(one.destination)]
        for word, value in (("from", one.source), ("iif", one.iif), ("oif", one.oif)):
            words += [] if value is None else [word, str(value)]
        lines.append(f"{' '.join(words)} 2>&1 | tr -d '\\n'; echo")
    printed = lab[questions[0].netns].exec(["sh", "-c", "\n".join(lines)]).stdout.splitlines()
    return [_read(one, line) for one, line in zip(questions, printed, strict=True)]


def _read(question: Route, line: str) -> Routed:
    if not line.startswith("["):
        return Routed(-1, line, "")
    one = json.loads(line)[0]
    gateway, mtu = one.get("gateway") or one.get("via", {}).get("host"), one.get("metrics", [{}])[0].get("mtu", 0)
    source = question.source if question.source is not None else address(one.get("prefsrc"))
    table = one.get("table", "0")
    return Routed(0, "", one["type"], one["dev"], address(gateway), source, TABLES.get(table, 0) or int(table), mtu)


def answered(oracle: Oracle, questions: Sequence[Route]) -> list[Routed]:
    """Our answers, as far as ip-route(8) tells them."""
    answers = [oracle.answer(question) for question in questions]
    return [Routed(-1, one.says, "") if one.error else one for one in answers]


@pytest.mark.parametrize("destination", OUT)
def test_the_way_out(lab: Lab, oracle: Oracle, destination: str) -> None:
    """What a node itself would send goes where `ip route get` says, or is refused in the same words."""
    questions = [asked(destination), asked(destination, oif="eth1"), asked(destination, _own(destination))]
    assert said(lab, questions) == answered(oracle, questions)


@pytest.mark.parametrize(("question", "table"), [
    (asked("10.0.0.2"), 254), (asked("10.0.0.1"), 255), (asked("10.7.1.1"), 100), (asked("10.7.1.1", "10.0.0.2", "eth0"), 100),
    (asked("10.0.0.1", "10.0.0.2", "eth0"), 255), (asked("192.0.2.1", oif="eth0"), 0), (asked("2001:db8::2"), 254), (asked("::1"), 255),
])
def test_the_table_that_decided(lab: Lab, oracle: Oracle, question: Route, table: int) -> None:
    """The table is told; 0 where IPv4 has no route and takes the asked interface's word that everything is on its link."""
    do(lab, "a", "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0")
    answer = oracle.answer(question)
    assert (0, table) == (answer.error, answer.table)


def _own(destination: str) -> str:
    return "10.1.0.1" if ip_address(destination).version == 4 else "2001:db8:1::1"


@pytest.mark.parametrize("forwarding", [0, 1])
@pytest.mark.parametrize("strictness", [0, 1, 2])
def test_the_way_in(lab: Lab, oracle: Oracle, forwarding: int, strictness: int) -> None:
    """What comes in from each source by each interface goes where `ip route get ... from ... iif` says, or is refused in the same words."""
    do(lab, "a", f"sysctl -qw net.ipv4.ip_forward={forwarding} net.ipv4.conf.all.rp_filter={strictness}")
    questions = [asked(to, source, "eth0") for to in OUT for source in SOURCES[ip_address(to).version]]
    assert dict(zip(questions, said(lab, questions), strict=True)) == dict(zip(questions, answered(oracle, questions), strict=True))


@pytest.mark.parametrize(("destination", "kind"), [
    ("10.9.0.1", "blackhole"), ("10.9.1.1", "unreachable"), ("10.9.2.1", "prohibit"), ("10.9.3.1", ""), ("192.0.2.1", ""),
    ("10.6.1.1", "prohibit"), ("2001:db8:9::1", "blackhole"), ("2001:db8:a::1", "unreachable"), ("2001:db8:b::1", "prohibit"),
    ("2001:db8:c::1", ""),
])
def test_the_kind_of_line_that_refuses(lab: Lab, oracle: Oracle, destination: str, kind: str) -> None:
    """Out of the node and through it, a refusing line is told from no route."""
    do(lab, "a", "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0")
    codes = {"blackhole": errno.EINVAL, "unreachable": errno.EHOSTUNREACH, "prohibit": errno.EACCES, "": errno.ENETUNREACH}
    through = asked(destination, "10.0.0.2" if "." in destination else "2001:db8::2", "eth0")
    for question in (asked(destination), through):
        answer = oracle.answer(question)
        assert (codes[kind], kind) == (answer.error, answer.type)


def test_a_source_that_is_not_believed(lab: Lab, oracle: Oracle) -> None:
    """A strict filter, and the node's own address coming in, give EINVAL, which is told from a blackhole; settings count at once."""
    do(lab, "a", "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1")
    refused = Routed(errno.EINVAL, "RTNETLINK answers: Invalid argument", "")
    strict, own = asked("10.0.0.1", "10.1.0.2", "eth0"), asked("10.0.0.1", "10.1.0.1", "eth0")
    assert (refused, refused) == (oracle.answer(strict), oracle.answer(own))
    do(lab, "a", "sysctl -qw net.ipv4.conf.all.rp_filter=0")
    assert ("local", "lo", refused) == (oracle.answer(strict).type, oracle.answer(strict).interface, oracle.answer(own))
    do(lab, "a", "sysctl -qw net.ipv4.conf.eth0.accept_local=1")
    assert "local" == oracle.answer(own).type
    do(lab, "a", "sysctl -qw net.ipv4.conf.eth0.accept_local=0")


def test_a_node_that_does_not_forward(lab: Lab, oracle: Oracle) -> None:
    """IPv4 says EHOSTUNREACH on the way through and names no line; IPv6 looks up the tables only, whatever the setting."""
    do(lab, "a", "sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.all.rp_filter=0")
    through = Routed(errno.EHOSTUNREACH, "RTNETLINK answers: No route to host", "")
    assert [through, through] == [oracle.answer(asked(to, "10.0.0.2", "eth0")) for to in ("10.1.0.2", "10.9.0.1")]
    six = oracle.answer(asked("2001:db8:1::2", "2001:db8::2", "eth0"))
    assert (0, "eth1", "0") == (six.error, six.interface, oracle.answer(Look("a")).sysctls["net.ipv6.conf.all.forwarding"])


def test_a_learned_mtu_is_told() -> None:
    """After a router said that a packet is too large, the answer has the smaller MTU; the routes of the snapshot are what they were."""
    lab = Lab("oracle")
    lab.node("r", forward=True)
    lab.link("a 10.0.0.1/24", "r 10.0.0.2/24")
    lab.link("r 10.1.0.1/24", "b 10.1.0.2/24", mtu=1300)
    with lab, Oracle(lab.namespaces) as oracle:
        do(lab, "a", "ip route add default via 10.0.0.2")
        do(lab, "b", "ip route add default via 10.1.0.1")
        question = asked("10.1.0.2")
        before = (oracle.answer(question), oracle.answer(Look("a")).routes)
        lab["a"].exec("ping -q -c 2 -i 0.05 -W 0.2 -M do -s 1400 10.1.0.2")
        assert (0, 1300, before[1]) == (before[0].mtu, oracle.answer(question).mtu, oracle.answer(Look("a")).routes)


def test_asking_changes_nothing(lab: Lab) -> None:
    """Hundreds of questions leave routes, rules, neighbours and settings as they were, and leave no file open."""
    def facts() -> tuple[object, ...]:
        snapshot = full_snapshot(lab.namespaces, "a")
        told = {one for one in snapshot.neighbours if one.state != "noarp"}  # groups come with router solicitations
        return snapshot.routes, snapshot.rules, told, snapshot.sysctls, tell(lab, "a", "ip -j route show cache")

    before, descriptors = facts(), len(list(Path("/proc/self/fd").iterdir()))
    with Oracle(lab.namespaces) as oracle:
        for destination in OUT:
            for source in SOURCES[ip_address(destination).version]:
                oracle.answer(asked(destination))
                oracle.answer(asked(destination, source, "eth0"))
    assert (before, descriptors) == (facts(), len(list(Path("/proc/self/fd").iterdir())))


def test_what_is_not_there(lab: Lab, oracle: Oracle) -> None:
    """An interface that is not there is refused as ip-route(8) does; a node that is not there is an error."""
    questions = [asked("10.0.0.2", oif="eth9"), asked("10.0.0.2", "10.0.0.3", "eth9")]
    assert said(lab, questions) == answered(oracle, questions)
    with pytest.raises(NotFoundError):
        oracle.answer(Look("nobody"))


def test_interfaces_that_appear_are_known() -> None:
    """A cable laid after the first question is named in the next, as the way out and as the way in."""
    lab = Lab("oracle")
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    with lab, Oracle(lab.namespaces) as oracle:
        assert "eth0" == oracle.answer(asked("10.0.0.2")).interface
        lab.link("a:late 10.7.0.1/24", "b:late 10.7.0.2/24")
        assert Routed(0, "", "unicast", "late", None, IPv4Address("10.7.0.1"), 254) == oracle.answer(asked("10.7.0.2"))
        assert ("local", 0) == (oracle.answer(asked("10.7.0.1", "10.7.0.2", "late")).type, oracle.answer(asked("10.7.0.1")).error)


def test_looking_is_a_snapshot(lab: Lab, oracle: Oracle) -> None:
    """Look answers with the snapshot of that namespace, read again each time; several at once likewise."""
    assert set(full_snapshot(lab.namespaces, "b").routes) == set(oracle.answer(Look("b")).routes)
    do(lab, "b", "ip route add 10.99.0.0/16 via 10.0.0.1")
    assert "10.99.0.0/16" in {str(route.destination) for route in oracle.answer(Look("b")).routes}
    assert {"a", "b"} == set(oracle.snapshots(["a", "b", "a"]))


def test_a_crowd_of_namespaces_is_asked_in_turns() -> None:
    """More namespaces than connections are kept for: all answer, also those asked first, and closing leaves no file open."""
    lab = Lab("oracle")
    lab.bridge("br0", subnet="10.2.0.0/16", nodes=[f"n{number}" for number in range(120)])
    with lab:
        before = len(list(Path("/proc/self/fd").iterdir()))
        with Oracle(lab.namespaces) as oracle:
            names = sorted(lab.namespaces.names())
            assert set(names) == set(oracle.snapshots(names))
            ways = {name: oracle.answer(asked("10.2.0.250", node=name)).interface for name in names if name != "host"}
            assert {"eth0"} == set(ways.values())
            assert "n0" == next(name for name in names if oracle.answer(Look(name)).interfaces.get("eth0"))
        assert before == len(list(Path("/proc/self/fd").iterdir()))
