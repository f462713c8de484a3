"""A machine with an Open vSwitch of its own: daemons, a bridge with an address, a port, rules and settings. Told by its own tools."""

import json
import re
from typing import Any

from tests.kernel.survival.machine import Machine, until

RUN = "/run/openvswitch"
DAEMONS = f"""
export OVS_RUNDIR={RUN} OVS_LOGDIR={RUN} OVS_DBDIR={RUN} OVS_SYSCONFDIR={RUN}
quiet="--pidfile --detach --no-chdir --log-file -vconsole:off -vsyslog:off"
[ -d {RUN} ] || {{ mkdir {RUN}; ovsdb-tool create {RUN}/conf.db /usr/share/openvswitch/vswitch.ovsschema; }}
[ -S {RUN}/db.sock ] || {{ ovsdb-server {RUN}/conf.db --remote=punix:{RUN}/db.sock $quiet; ovs-vsctl --no-wait init; }}
ovs-vswitchd unix:{RUN}/db.sock $quiet
"""
OWN = """
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.router_solicitations=0
ip link add name own0 type veth peer name own1; ip link set own0 up; ip link set own1 up; ip link set lo up
ovs-vsctl set Open_vSwitch . external_ids:system-id=theirs other_config:max-idle=9000 -- add-br br-own \
  -- set Bridge br-own datapath_type=netdev external_ids:whose=theirs -- set-fail-mode br-own secure -- add-port br-own own0 tag=9 \
  -- add-port br-own patch0 -- set Interface patch0 type=patch options:peer=patch1 \
  -- add-port br-own patch1 -- set Interface patch1 type=patch options:peer=patch0
ovs-ofctl add-flow br-own priority=7,icmp,actions=drop; ovs-ofctl add-flow br-own priority=0,actions=normal
ip addr add 172.20.0.1/24 dev br-own; ip link set br-own up
"""
# What counts, and what tells the time: next_cfg is what every ovs-vsctl counts up to be waited for
MOVING = {"statistics", "next_cfg", "cur_cfg", "status", "link_resets", "link_state", "last_connection", "duration"}
COUNTED = re.compile(r"(?:cookie|duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*, ")
TABLES = ("Open_vSwitch", "Bridge", "Port", "Interface")
LAB = """\
host: machine
nodes: {a: {}, b: {}, c: {run: "python3 -m http.server 80"}}
networks:
  sw0: {type: ovs, subnet: 10.7.0.0/24, gateway: 1, nodes: [a, b, c]}
"""


def start(here: Machine) -> None:
    """Start both daemons, or ovs-vswitchd again."""
    here.run("sh", "-ec", DAEMONS)


def stop(here: Machine, *names: str) -> None:
    """End daemons, and wait until they are gone."""
    for name in names:
        pid = int(here.run("cat", f"{RUN}/{name}.pid"))
        here.kill(pid, 15)
        here.must_see_the_end_of(pid)


def own(here: Machine) -> dict[str, Any]:
    """All that is the machine's own: every row of the database, the rules of its bridge, its interfaces and what is on them."""
    found: dict[str, Any] = {table: rows(here, table) for table in TABLES}
    found["rules"] = sorted(COUNTED.sub("", line) for line in here.run("ovs-ofctl", "dump-flows", "br-own").splitlines())
    found["links"] = json.loads(here.run("ip", "-j", "-d", "addr"))
    found["rest"] = [here.run(*words.split()) for words in ("ip route show table all", "nft list ruleset", "sysctl net.ipv4.ip_forward")]
    return found


def rows(here: Machine, table: str) -> list[dict[str, Any]]:
    """The rows of a table by column, in one order, without what moves by itself."""
    told = json.loads(here.run("ovs-vsctl", "--format=json", "list", table))
    found = [dict(zip(told["headings"], row, strict=True)) for row in told["data"]]
    return sorted(({key: value for key, value in row.items() if key not in MOVING} for row in found), key=lambda row: str(row["_uuid"]))


def bridges(here: Machine) -> dict[str, str]:
    """The bridges by name, with the mark in their external_ids."""
    return {str(row["name"]): dict(row["external_ids"][1]).get("vethlab", "") for row in rows(here, "Bridge")}


def settled(here: Machine) -> dict[str, Any]:
    """The same, once IPv6 and the switch have come to rest."""
    seen = [own(here)]

    def rests() -> bool:
        seen.append(own(here))
        return seen[-1] == seen[-2]

    until(rests, "the machine does not come to rest", step=0.1)
    return seen[-1]


def same(before: dict[str, Any], here: Machine) -> None:
    """The machine has what it had, and nothing more; a failure names the part."""
    now = own(here)
    assert {} == {part: (was, now[part]) for part, was in before.items() if was != now[part]}
