"""Every key of a lab file, declared once. From here come unknown-key errors, value parsing, JSON Schema and what is explained.

Rule of the file: one line of meaning for each key. `types` limits a key to networks of these types.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from vethlab.spec import amounts, kinds
from vethlab.spec.kinds import Kind


class Key(NamedTuple):
    """One key: its name, what its value may be, what it means, what holds without it, an example of a whole line."""

    name: str
    kind: Kind
    meaning: str
    default: str = ""
    example: str = ""
    required: bool = False
    types: tuple[str, ...] = ()


class Noun(NamedTuple):
    """What a mapping of the file is about. `path` is its place in `vethlab explain`, e.g. "networks" for `networks.subnet`."""

    path: str
    title: str
    keys: dict[str, Key]

    def topic(self, key: str) -> str:
        """The word for `vethlab explain`."""
        return f"{self.path}.{key}" if self.path else key


def _noun(path: str, title: str, *keys: Key) -> Noun:
    return Noun(path, title, {key.name: key for key in keys})


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


_STRING: dict[str, Any] = {"type": "string"}
_NAMES: dict[str, Any] = {"type": "array", "items": {"type": ["string", "integer"]}}
_NULL: dict[str, Any] = {"type": "null"}
_SENTENCE = kinds.TEXT
_SHAPES = (
    Key("rate", amounts.RATE, "How much passes in a second, each way.", "as much as the machine can", "rate: 10mbit"),
    Key("delay", amounts.DELAY, "Holds every packet back for this time, each way: a ping takes twice as long.", "0ms", "delay: 5ms"),
    Key("loss", amounts.LOSS, "Loses this share of the packets, each way.", "0%", "loss: 1%"),
    Key(
        "tuned", kinds.FLAG, "Larger segments inside the kernel (BIG TCP): more throughput, the same packets.", "false", "tuned: true",
    ),
)

LAB = _noun(
    "", "the lab",
    Key("name", kinds.NAME, "The lab's name, by which `vethlab` commands find it.", example="name: pair", required=True),
    Key(
        "nodes", kinds.raw("a list of names, or a mapping of names to nodes", {"anyOf": [
            _NAMES, {"type": "object", "additionalProperties": {"anyOf": [_ref("node"), _NULL]}}]}),
        "The machines of the lab. Without this key they are inferred from links and networks; with it, any other name is a mistake.",
        "inferred", "nodes: {r: {forward: true}, host1..4: {}}",
    ),
    Key(
        "links", kinds.raw("a list of links", {"type": "array", "items": {"anyOf": [_STRING, _ref("link")]}}),
        "Cables between two nodes each.", example="links: [a 10.0.0.1/24 -- b 10.0.0.2/24]",
    ),
    Key(
        "networks", kinds.raw("a mapping of names to networks", {
            "type": "object", "additionalProperties": {"anyOf": [_ref("network"), _NULL]}}),
        "Shared segments. A network's name is the interface name of its bridge.",
        example="networks: {br0: {subnet: 10.1.0.0/24, nodes: [a, b]}}",
    ),
    Key(
        "addressing", kinds.raw("a mapping", _ref("addressing")), "Where addresses come from that the file does not spell out.",
        example="addressing: {links: 10.0.0.0/16, prefix: 31}",
    ),
    Key(
        "routing", kinds.choice("none", "shortest-path"),
        "`shortest-path` gives every forwarding node routes to every subnet, sharing the load over equally short ways.",
        "none", "routing: shortest-path",
    ),
    Key(
        "checks", kinds.raw("a list of checks", {"type": "array", "items": {"anyOf": [_STRING, {
            "type": "object", "minProperties": 1, "maxProperties": 1,
            "additionalProperties": {"anyOf": [{"enum": ["ok", "blocked"]}, _ref("check"), _NULL]}}]}}),
        "What `vethlab check` proves. Without this key: every node reaches every node.", "ping all -> all", "checks: [ping a -> b]",
    ),
    Key(
        "ipv6", kinds.choice("link-local", "none"),
        "`none` gives interfaces no IPv6 address of their own; on large flat networks that spares a storm of multicast.",
        "link-local", "ipv6: none",
    ),
    Key(
        "host", kinds.choice("private", "machine"),
        "Where bridges live: in a namespace of the lab that plays the machine, or (root only) in the machine's own.",
        "private", "host: machine",
    ),
    Key(
        "uplink", kinds.choice("none", "machine", "pasta"),
        "What is outside of the lab's host: a world that is played, or the real one, reached through the machine's network (root only) or "
        "through pasta(1), which needs no root.",
        "none", "uplink: pasta",
    ),
)

NODE = _noun(
    "nodes", "a node",
    Key(
        "role", kinds.choice("node", "host"),
        "`host` is a machine that holds nodes of its own, named HOST/NODE; `all` in a check means them and not their host.", "node",
        "role: host",
    ),
    Key("forward", kinds.FLAG, "Forwards packets between its interfaces, IPv4 and IPv6: the node is a router.", "false", "forward: true"),
    Key("run", kinds.TEXT, "A command for `sh -c` that starts and ends with the lab.", example="run: python3 -m http.server 80"),
    Key(
        "publish", kinds.list_of(kinds.pattern(
            "a port mapping such as 8080:80",
            "(?:[0-9.]+:|\\[[0-9a-fA-F:]+\\]:)?[0-9]{1,5}:[0-9]{1,5}(?:/(?:tcp|udp))?",
            'the port of the host, then that of the node, in quotes: "8080:80", "127.0.0.1:8080:80", "53:53/udp"')),
        "Ports of the host that lead to ports of this node: [ADDRESS:]PORT:PORT[/udp], of every address of the host without one.",
        example='publish: ["8080:80", "53:53/udp"]',
    ),
    Key(
        "sysctl", kinds.raw("a mapping of names to values", {"type": "object", "additionalProperties": {"type": ["string", "integer"]}}),
        "Kernel settings of the node, below `net.`.", example="sysctl: {net.ipv4.conf.all.rp_filter: 1}",
    ),
    Key(
        "nft", kinds.TEXT, "A ruleset in the syntax of nft(8), loaded when the node is made.",
        example="nft: |\n  table ip t { chain c { type filter hook input priority 0; tcp dport 22 drop; } }",
    ),
    Key(
        "routes", kinds.raw("a list of routes", {"type": "array", "items": _STRING}),
        "Routes in words: PREFIX via ADDRESS, PREFIX dev INTERFACE, blackhole PREFIX.", example='routes: ["default via 10.0.0.1"]',
    ),
    Key(
        "private", kinds.list_of(kinds.PATH), "Directories of which the node sees an empty copy of its own (/run is always one).",
        example="private: [/var/lib/dnsmasq]",
    ),
)

LINK = _noun(
    "links", "a link",
    Key("ends", _SENTENCE, "One cable: END -- END.", example="ends: a 10.0.0.1/24 -- b:eth1 10.0.0.2/24"),
    Key("mesh", _SENTENCE, "A cable from every node on the left to every node on the right.", example="mesh: leaf1..4 -- spine1..2"),
    Key("zip", _SENTENCE, "A cable from the first to the first, the second to the second and so on.", example="zip: host1..4 -- leaf1..4"),
    Key("spread", _SENTENCE, "The nodes on the left are dealt out, one by one, over the nodes on the right.",
        example="spread: host1..94 -- leaf1..4"),
    Key("mtu", kinds.integer(68, 65535), "The largest packet in bytes, at both ends; below 1280 there is no IPv6.", "1500", "mtu: 9000"),
    *_SHAPES,
)

NETWORK = _noun(
    "networks", "a network",
    Key(
        "type", kinds.choice("bridge", "ovs", "vxlan", "macvlan"),
        "What joins the nodes. `macvlan` takes more nodes than the 1,023 ports of a bridge, and knows no ports; `vxlan` joins nodes inside "
        "several hosts.", "bridge", "type: macvlan",
    ),
    Key("on", kinds.NODE, "The node whose namespace holds the bridge; of a vxlan network, the host whose bridge has the gateway.",
        "host, the lab's own", "on: h1"),
    Key(
        "subnet", kinds.list_of(kinds.PREFIX, alone=True), "The subnet its nodes get addresses from; a list for IPv4 and IPv6.",
        "the next free /24 of 10.255.0.0/16 (larger for many nodes), if no node has an address either", "subnet: 10.1.0.0/24",
    ),
    Key(
        "gateway", kinds.HOSTS,
        "Gives the bridge this address (or host number), and a default route to its nodes that have none.", example="gateway: 1",
    ),
    Key("nat", kinds.choice("none", "masquerade"),
        "Hides its nodes behind the host's address, so it needs a `gateway`; `world` is then outside of the lab.", "none",
        "nat: masquerade"),
    Key(
        "nodes", kinds.raw("a list of names, or a mapping of names to places", {"anyOf": [
            _NAMES, {"type": "object", "additionalProperties": {"anyOf": [kinds.HOSTS.schema, _NULL, _ref("port")]}}]}),
        "The nodes on it: names, or names with a host number, an address, or more.", example="nodes: {web: 11, db: 10.1.0.12}",
    ),
    Key("stp", kinds.FLAG, "The bridge runs the spanning tree protocol.", "false", "stp: true", types=("bridge",)),
    Key(
        "mtu", kinds.integer(68, 65535, "auto"),
        "The largest packet in bytes, on the bridge and at every node; below 1280 there is no IPv6. `auto`: what the underlay leaves "
        "beside VXLAN's headers.",
        "1500, of a vxlan network auto", "mtu: 9000",
    ),
    Key("isolated", kinds.list_of(kinds.NODE), "Nodes that reach only nodes not in this list.", example="isolated: [guest1, guest2]",
        types=("bridge", "ovs")),
    *_SHAPES[:-1], _SHAPES[-1]._replace(types=("bridge", "macvlan")),
    Key(
        "flows", kinds.list_of(kinds.TEXT),
        "OpenFlow rules in the words of ovs-ofctl(8), all there are: what none of them matches is dropped. Ports go by name.",
        "priority=0,actions=normal", 'flows: ["priority=9,tcp,tp_dst=80,actions=drop", "priority=0,actions=normal"]', types=("ovs",),
    ),
    Key(
        "tags", kinds.raw("a mapping of nodes to VLAN numbers", {"type": "object", "additionalProperties": {
            "type": "integer", "minimum": 1, "maximum": 4094}}),
        "The VLAN of each node; nodes without a tag are on the trunk, whose frames carry their VLAN.", example="tags: {a: 10, b: 20}",
        types=("ovs",),
    ),
    Key(
        "datapath", kinds.choice("auto", "kernel", "userspace"),
        "Where Open vSwitch forwards: by the kernel's module (`auto` takes it where it is there), or in its own process.", "auto",
        "datapath: userspace", types=("ovs",),
    ),
    Key("vni", kinds.integer(1, 16777215), "The VXLAN network identifier.", "the next free number from 1", "vni: 42", types=("vxlan",)),
    Key("udp_port", kinds.integer(1, 65535), "The UDP port of VXLAN.", "4789", "udp_port: 8472", types=("vxlan",)),
    Key("fdb", kinds.choice("static", "learning", "multicast"),
        "How a host knows where a node is: by an entry for each; or from what arrives, frames for others going to every host one by one, "
        "or to all by multicast.",
        "static", "fdb: learning", types=("vxlan",)),
)

PORT = _noun(
    "networks.nodes", "a node's place on a network",
    Key("address", kinds.HOSTS, "Its host number or address on this network.", "numbered in order", "address: 11"),
    Key("interface", kinds.IFNAME, "Its interface name in the node.", "the next free of eth0, eth1...", "interface: veth3"),
    Key("port", kinds.IFNAME, "The name of the bridge's side.", "p-NODE", "port: br-veth3"),
    Key("mac", kinds.MAC, "Its hardware address.", "the kernel's choice", "mac: 02:00:00:00:00:01"),
)

ADDRESSING = _noun(
    "addressing", "addressing",
    Key("links", kinds.PREFIX, "Links without addresses get a subnet each from this prefix, in file order.",
        "10.255.0.0/16", "links: 10.0.0.0/16"),
    Key("prefix", kinds.integer(1, 127), "The length of the subnet each link gets.", "30, or 64 for IPv6", "prefix: 31"),
    Key(
        "loopbacks", kinds.list_of(kinds.PREFIX, alone=True),
        "Every node gets an address of this prefix on `lo`, from .1 on in node order.",
        example="loopbacks: 10.255.0.0/24",
    ),
)

CHECK = _noun(
    "checks", "a check",
    Key("expect", kinds.choice("ok", "blocked"), "What has to happen for the check to pass.", "ok", "expect: blocked"),
    Key("sample", kinds.integer(1, 10**9), "Checks this many pairs, drawn at random with a seed that is shown.", "all pairs",
        "sample: 100"),
    Key("via", kinds.NODE, "A node that the request has to pass.", example="via: r1"),
    Key("within", kinds.DURATION, "The longest round trip that passes.", example="within: 5ms"),
)

NOUNS = (LAB, NODE, LINK, NETWORK, PORT, ADDRESSING, CHECK)
