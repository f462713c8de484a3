"""Which commands of a fix concern the lab's own interfaces on the machine only."""

import pytest

from vethlab.lab.guest import is_ours


@pytest.mark.parametrize(("line", "ours"), [
    ("ip link set dev p-a master br7", True), ("ip link set dev eth0 master br7", False), ("bridge link set dev p-a state 3", True),
    ("sysctl -w net.ipv4.conf.br7.rp_filter=0", True), ("sysctl -w net.ipv4.conf.all.rp_filter=0", False),
    ("sysctl -w net.ipv4.ip_forward=1", False), ("sysctl -w net.ipv4.conf.br7.rp_filter=0 net.ipv4.ip_forward=1", False),
    ("nft delete rule inet guard fwd handle 4", False), ("ip rule add from 10.0.0.1 table 7", False), ("tc qdisc del dev br7 root", True),
    ("ip route del default", False), ("ip link set dev", False), ("/sbin/ip link set dev br7 up", True),
    ("ovs-vsctl set Port p-a tag=5", True), ("ovs-vsctl set Port own0 tag=5", False), ("ovs-vsctl clear Port p-a tag", True),
    ("ovs-vsctl set Open_vSwitch . other_config:x=1", False), ("ovs-vsctl --may-exist add-port br7 p-a tag=5", True),
    ("ovs-vsctl --may-exist add-port br-own p-a", False), ("ovs-vsctl --if-exists del-port p-a -- add-port br7 p-a", True),
    ("ovs-vsctl del-port p-a -- del-br br-own", False), ("ovs-vsctl del-br br7", False), ("ovs-appctl fdb/flush br7", True),
    ("ovs-ofctl --strict del-flows br7 table=0,priority=9", True), ("ovs-ofctl del-flows br-own", False), ("ovs-appctl exit", False),
])
def test_a_command_on_the_machine(line: str, ours: bool) -> None:
    """Only what names an interface of the lab's, and can change no other, is the lab's to do."""
    assert ours == is_ours(line.split(), {"br7", "p-a"})


@pytest.mark.parametrize(("line", "ours"), [
    ("printf '%s\\n' 'priority=9,ip,actions=drop' | ovs-ofctl --bundle replace-flows br7 -", True),
    ("printf '%s\\n' x | ovs-ofctl --bundle replace-flows br-own -", False), ("ovs-vsctl set-fail-mode br7 secure", True),
    ("ovs-vsctl set-fail-mode br7 secure; ip route del default", False), ("cat /etc/passwd | ovs-ofctl add-flow br7 -", False),
    ('ovs-vsctl set-fail-mode br7 "$(reboot)"', False),
])
def test_a_line_for_a_shell(line: str, ours: bool) -> None:
    """One command, or one that reads what printf writes; anything else a shell could do is not the lab's."""
    assert ours == is_ours(("sh", "-c", line), {"br7", "p-a"})
