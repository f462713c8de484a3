"""Which commands of a fix concern the lab's own interfaces on the machine only."""

import pytest

from vethlab.lab.guest import is_ours


@pytest.mark.parametrize(("line", "ours"), [
    ("ip link set dev p-a master br7", True), ("ip link set dev eth0 master br7", False), ("bridge link set dev p-a state 3", True),
    ("sysctl -w net.ipv4.conf.br7.rp_filter=0", True), ("sysctl -w net.ipv4.conf.all.rp_filter=0", False),
    ("sysctl -w net.ipv4.ip_forward=1", False), ("sysctl -w net.ipv4.conf.br7.rp_filter=0 net.ipv4.ip_forward=1", False),
    ("nft delete rule inet guard fwd handle 4", False), ("ip rule add from 10.0.0.1 table 7", False), ("tc qdisc del dev br7 root", True),
    ("ip route del default", False), ("ip link set dev", False), ("/sbin/ip link set dev br7 up", True),
])
def test_a_command_on_the_machine(line: str, ours: bool) -> None:
    """Only what names an interface of the lab's, and can change no other, is the lab's to do."""
    assert ours == is_ours(line.split(), {"br7", "p-a"})
