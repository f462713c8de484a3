"""What takes a fix back: computed from what was, not from what was asked."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface

from vethlab.lab.undo import undoing
from vethlab.model.finding import Command
from vethlab.model.link import Bridge, BridgePort, End, Link
from vethlab.model.nat import Table
from vethlab.model.route import NextHop, Route
from vethlab.model.shaping import Queue
from vethlab.model.state import Address, Netns, Process, State
from vethlab.model.switch import Switch, SwitchBridge
from vethlab.plan.diff import FRESH_LO, diff

ETH0 = Link("eth0", "veth", mac="02:00:00:00:00:01", index=2, peer=End("b", "eth0"))
FAR = Link("eth0", "veth", mac="02:00:00:00:00:02", index=3, peer=End("a", "eth0"))
HELD = Address("eth0", IPv4Interface("10.0.0.1/24"))
A = Netns(
    links={"lo": replace(FRESH_LO, up=True), "eth0": ETH0}, addresses=frozenset({HELD}),
    sysctls={"net.ipv4.ip_forward": "0", "net.ipv4.conf.eth0.accept_local": "0"},
)
B = Netns(links={"lo": replace(FRESH_LO, up=True), "eth0": FAR})
BEFORE = State({"a": A, "b": B})


def after(**changed: object) -> State:
    """The state with something else in node a."""
    return State({"a": replace(A, **changed), "b": B})  # type: ignore[arg-type]


def test_nothing_changed_is_nothing_to_undo() -> None:
    """Two equal states need no command."""
    assert () == undoing(BEFORE, BEFORE, [Command("a", ("true",))])


def test_a_sysctl_goes_back_to_what_it_was() -> None:
    """The value from before is written, whatever the command said."""
    changed = after(sysctls={**A.sysctls, "net.ipv4.conf.eth0.accept_local": "1"})
    expected = (Command("a", ("sysctl", "--write", "net.ipv4.conf.eth0.accept_local=0")),)
    assert expected == undoing(BEFORE, changed, [Command("a", ("sysctl", "-w", "net.ipv4.conf.eth0.accept_local=1"))])


def test_what_a_command_did_besides_is_taken_back() -> None:
    """A link that was set down took its address along: the link comes up again, and the address is added."""
    changed = after(links={**A.links, "eth0": replace(ETH0, up=False)}, addresses=frozenset())
    assert {("ip", "link", "set", "dev", "eth0", "up"), ("ip", "address", "add", "10.0.0.1/24", "dev", "eth0")} == {
        one.argv for one in undoing(BEFORE, changed, [Command("a", ("ip", "link", "set", "eth0", "down"))])
    }


def test_a_spanning_tree_decides_the_states_of_its_ports() -> None:
    """The tree comes back, and with it what it says of each port: the kernel refuses to be told."""
    def host(*, stp: bool, state: int) -> State:
        bridge = Link("br0", "bridge", index=2, bridge=Bridge(stp=stp))
        port = Link("p-a", "veth", mac="02:00:00:00:00:03", index=3, peer=End("a", "eth0"), master="br0", port=BridgePort(state=state))
        far = replace(ETH0, peer=End("host", "p-a"))
        lo = replace(FRESH_LO, up=True)
        return State({"host": Netns(links={"lo": lo, "br0": bridge, "p-a": port}), "a": Netns(links={"lo": lo, "eth0": far})})

    (back,) = undoing(host(stp=True, state=1), host(stp=False, state=3), [])
    assert ("ip", "link", "set", "dev", "br0", "type", "bridge", "stp_state", "1") == back.argv[:9]


def test_an_interface_goes_down_last() -> None:
    """What a link brought along when it came up is deleted while it is up: once it is down, the kernel has deleted it."""
    down = State({"a": replace(A, links={**A.links, "eth0": replace(ETH0, up=False)}), "b": B})
    route, held = Route(IPv4Network("10.2.0.0/16"), (NextHop(interface="eth0"),)), Address("eth0", IPv6Interface("fe80::1/64"))
    commands = undoing(down, after(routes=frozenset({route}), addresses=A.addresses | {held}), [])
    assert [("ip", "route", "delete"), ("ip", "address", "delete"), ("ip", "link", "set")] == [one.argv[:3] for one in commands]


def test_routes_go_and_come_back() -> None:
    """The route that was added is deleted, the one that was deleted is added."""
    old, new = (Route(IPv4Network(to), (NextHop(interface="eth0"),)) for to in ("10.1.0.0/16", "10.2.0.0/16"))
    was = State({"a": replace(A, routes=frozenset({old})), "b": B})
    argvs = [one.argv for one in undoing(was, after(routes=frozenset({new})), [])]
    assert [
        ("ip", "route", "delete", "10.2.0.0/16", "dev", "eth0"),
        ("ip", "route", "add", "10.1.0.0/16", "dev", "eth0", "protocol", "static"),
    ] == argvs


def test_a_route_is_deleted_once() -> None:
    """The state knows it, so the command's own way back is not run too; the kernel's own routes no state knows, and there it is."""
    added = Route(IPv4Network("0.0.0.0/0"), (NextHop(interface="eth0"),))
    own = Command("a", ("ip", "route", "add", "10.0.0.0/24", "dev", "eth0"), (("ip", "route", "del", "10.0.0.0/24", "dev", "eth0"),))
    ours = Command("a", ("ip", "route", "add", "default", "dev", "eth0"), (("ip", "route", "del", "default", "dev", "eth0"),))
    expected = (Command("a", ("ip", "route", "delete", "default", "dev", "eth0")), Command("a", own.undo[0]))
    assert expected == undoing(BEFORE, after(routes=frozenset({added})), [own, ours])


def test_what_no_state_holds_is_undone_by_the_commands_in_reverse() -> None:
    """The commands' own undo follows, the last command's first, each in its node."""
    commands = [
        Command("a", ("tc", "qdisc", "delete", "root"), undo=(("tc", "qdisc", "add", "one"), ("tc", "filter", "add", "two"))),
        Command("b", ("ip", "rule", "delete", "priority", "5"), undo=(("ip", "rule", "add", "priority", "5"),)),
    ]
    assert (
        Command("b", ("ip", "rule", "add", "priority", "5")), Command("a", ("tc", "qdisc", "add", "one")),
        Command("a", ("tc", "filter", "add", "two")),
    ) == undoing(BEFORE, BEFORE, commands)


def test_a_declared_ruleset_comes_back_whole() -> None:
    """The text is loaded again by a shell, and a rule that the command would put back is not put back twice."""
    was, now = (State({"a": replace(A, nft=text), "b": replace(B, nft="table ip t {}")}) for text in ("table inet t {}", "table inet u {}"))
    commands = [
        Command("a", ("nft", "delete", "rule", "inet", "t", "c", "handle", "3"), undo=(("nft", "insert", "rule", "again"),)),
        Command("b", ("nft", "delete", "rule", "ip", "t", "c", "handle", "3"), undo=(("nft", "insert", "rule", "mine"),)),
    ]
    first, second = undoing(was, now, commands)
    assert ("a", "sh", "-c") == (first.node, *first.argv[:2])
    assert "table inet t {}" in first.argv[2]
    assert Command("b", ("nft", "insert", "rule", "mine")) == second


def test_processes_are_started_and_stopped_by_a_shell() -> None:
    """Their command lines hold shell syntax."""
    was, now = (State({"a": replace(A, processes=(Process(text),)), "b": B}) for text in ("old && sleep 5", "new"))
    argvs = [one.argv for one in undoing(was, now, [])]
    assert {("sh", "-c", "pkill --full new"), ("sh", "-c", "sh -c 'old && sleep 5' &")} == set(argvs)


def test_a_queue_comes_back_once() -> None:
    """The state knows it, so the command's own way back is not run too; of a queue that no state knows it is."""
    queue = Queue("tbf", 10**7, 6072, 68572)
    was = State({"a": replace(A, queues={"eth0": queue}), "b": B})
    remove = Command("a", ("tc", "qdisc", "del", "dev", "eth0", "root"), (("tc", "qdisc", "add", "dev", "eth0", "root", "tbf"),))
    back = ("tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", "10000000bit", "burst", "6072b", "limit", "68572b")
    assert (Command("a", back),) == undoing(was, BEFORE, [remove])
    assert (Command("a", remove.undo[0]),) == undoing(BEFORE, BEFORE, [remove])


def test_a_table_comes_back_by_a_shell() -> None:
    """The table that was there before is loaded as one transaction: a line that only a shell understands."""
    held = Table("inet", "t", "table inet t {\n}\n")
    changed = replace(held, text="table inet t {\n chain c {\n }\n}\n")
    (command,) = undoing(State({"a": replace(A, table=held), "b": B}), State({"a": replace(A, table=changed), "b": B}), [])
    assert (("sh", "-c"), True) == (command.argv[:2], command.argv[2].endswith("| nft --file -"))


def test_rules_of_a_switch_come_back_by_a_shell() -> None:
    """As the switch listed them, with the fail mode that it had."""
    was, now = (
        State({"a": replace(A, switch=Switch({"sw0": SwitchBridge(flows=flows)})), "b": B})
        for flows in (("priority=5 actions=drop", "fail_mode=standalone"), ())
    )
    first, second = undoing(was, now, [])
    assert ("sh", "-c", "ovs-vsctl del-fail-mode sw0") == first.argv
    assert "printf '%s\\n' 'priority=5 actions=drop' | ovs-ofctl" in second.argv[2]


def test_what_stands_on_another_link_grows_after_it() -> None:
    """A macvlan may not be larger than what it stands on; what shrinks with it is told in any order."""
    lan = Link("p-lan", "veth", mtu=1400)
    leaf = Link("eth0", "macvlan", mtu=1400, lower=End("host", "p-lan"))
    small = State({"a": Netns(links={"eth0": leaf}), "host": Netns(links={"p-lan": lan})})
    large = State({"a": Netns(links={"eth0": replace(leaf, mtu=1500)}), "host": Netns(links={"p-lan": replace(lan, mtu=1500)})})
    assert ["host", "a"] == [one.node for one in undoing(large, small, [])]
    assert ["host", "a"] == [one.netns for one in diff(small, large)]
    assert {"host", "a"} == {one.node for one in undoing(small, large, [])}
