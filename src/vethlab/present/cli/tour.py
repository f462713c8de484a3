"""The tour as data: six labs, what is done in each, what is to be seen, and why it is so.

Rule of the file: data only. What a step expects is said here, and the tour fails if the kernel does otherwise; every sentence holds at the
kernel's defaults, where every lab starts, whatever the machine has set for its own namespaces.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CHAPTERS", "Chapter", "Step"]


class Step(NamedTuple):
    """One command, what it has to do, and what it shows.

    `verb`: up, check, why, fix or trace; `ends`: SRC and DST. `expects`: of check `passes` or `fails`, of why a finding, of fix nothing, of
    trace a way and a place on it, such as `reply box:lo`.
    """

    verb: str
    told: str
    ends: tuple[str, str] = ("", "")
    expects: str = ""


class Chapter(NamedTuple):
    """One lab. `file` holds `{name}` where the lab's name goes. `needs`: a program it cannot do without, and the package that has it."""

    title: str
    intro: str
    file: str
    steps: tuple[Step, ...]
    needs: tuple[str, str] = ("", "")


ONE_NAMESPACE = Chapter(
    "Both ends of a cable in one namespace",
    "A network namespace is a network stack of its own: interfaces, addresses, routes, firewall. A veth pair is a cable: what goes in at "
    "one end comes out at the other. The smallest lab has one namespace, box, with both ends of a cable in it:",
    """\
name: {name}
nodes: [box]
links:
  - box:veth0 30.1.1.10/24 -- box:veth1 30.1.1.11/24
checks:
  - ping box:veth0 -> box:veth1
""",
    (
        Step(
            "up",
            "A new pair comes with both ends down and without addresses. `up` has given them addresses, set both up, and read back that "
            "the kernel agrees. Your machine's own network has not been touched: `ip link` does not show any of this.",
        ),
        Step(
            "check",
            "It fails, at the kernel's defaults. The ping is bound to veth0, as `ping -I veth0` does, so it has to take the cable. Before "
            "it can go, veth0 asks by ARP who has 30.1.1.11, and nobody answers. A plain `ping 30.1.1.11` works and proves nothing: an "
            "address of one's own is reached over lo.",
            expects="fails",
        ),
        Step(
            "why",
            "The question arrives at veth1, and it comes from 30.1.1.10, which is box itself. A packet from outside that claims to come "
            "from oneself looks forged, and the kernel refuses it, unless accept_local is set where it comes in: on the receiving end, "
            "and only there. rp_filter is another check of the sender (0 is off, 1 strict, 2 loose; the larger of `all` and the "
            "interface counts): loose or off is fine here, strict would drop the packet next.",
            ("box:veth0", "box:veth1"), "local-source",
        ),
        Step(
            "fix",
            "One setting on one interface. It was tried on a throw-away copy of the lab first, then done here, and the same packet was "
            "sent again. `vethlab fix --undo` would take it back.",
            ("box:veth0", "box:veth1"),
        ),
        Step(
            "trace",
            "The request takes the cable; the reply does not. It is for 30.1.1.10, an address of box itself, and before any other table "
            "the kernel asks the local one (`ip rule`: 0, lookup local). That says `local 30.1.1.10 dev lo`, so the reply goes over lo.",
            ("box:veth0", "box:veth1"), "reply box:lo",
        ),
    ),
)

TWO_NAMESPACES = Chapter(
    "A cable between two namespaces",
    "The same pair with the same addresses, but each end in a namespace of its own:",
    """\
name: {name}
links:
  - a:veth0 30.1.1.10/24 -- b:veth1 30.1.1.11/24
""",
    (
        Step("up", "Two stacks, each with its own local table: 30.1.1.10 belongs to a, and b knows nothing of it."),
        Step(
            "check",
            "Both directions pass, at the same defaults. To b, 30.1.1.10 is somebody else, so nothing looks forged.",
            expects="passes",
        ),
        Step(
            "trace",
            "Request and reply both take the cable. In b, 30.1.1.10 is not local; the route that came with b's own address, "
            "30.1.1.0/24 dev veth1, leads back to it.",
            ("a", "b"), "reply a:veth0",
        ),
    ),
)

BRIDGE = Chapter(
    "A bridge",
    "A cable joins two. More nodes need a segment that they share: a bridge. It stands in `host`, a namespace of the lab that plays the "
    "machine. Each node has a cable to it, whose far end is a port of the bridge. Addresses are handed out in order: 10.1.0.1, ...",
    """\
name: {name}
networks:
  br0:
    subnet: 10.1.0.0/24
    nodes: [web, db, client]
checks:
  - ping all -> all
""",
    (
        Step("up", "This is what a container engine builds: a bridge on the machine, and a cable from it into each container."),
        Step(
            "check",
            "Three nodes, six directions. The bridge learns from what it hears which MAC is behind which port.",
            expects="passes",
        ),
        Step(
            "trace",
            "The frame comes in at the port p-web and leaves by p-db. A port gives what it receives to the bridge, and no longer to the "
            "protocol stack of its own namespace. So an address for the machine itself belongs on br0, and not on a port.",
            ("web", "db"), "request host:p-db",
        ),
    ),
)

OPEN_VSWITCH = Chapter(
    "Open vSwitch",
    "A bridge decides by MAC address alone. Open vSwitch is a switch that can be programmed: its rules (OpenFlow) match any header. "
    "`type: ovs` is all that changes in the file:",
    """\
name: {name}
networks:
  ovs-br:
    type: ovs
    subnet: 30.1.1.0/24
    nodes: {{ns5: 5, ns6: 6}}
nodes:
  ns5: {{}}
  ns6: {{run: python3 -m http.server 80}}
checks:
  - ping ns5 -> ns6
  - http ns5 -> ns6:80
""",
    (
        Step(
            "up",
            "The lab has an ovsdb-server and an ovs-vswitchd of its own, which end with it; one that runs on your machine is not asked. "
            "Where the kernel has no openvswitch module, frames are switched in user space.",
        ),
        Step(
            "check",
            "HTTP is asked too, because a ping proves little here: a veth leaves TCP checksums to hardware that it does not have, and a "
            "switch in user space would pass on segments without one. The lab's daemon is told to fill them in (userspace-tso-enable).",
            expects="passes",
        ),
        Step(
            "trace",
            "The frame leaves ns5 and comes in at ns6 much later than over the bridge: between the two it was in another process.",
            ("ns5", "ns6"), "request ns6:eth0",
        ),
    ),
    needs=("ovs-vswitchd", "openvswitch-switch"),
)

DOCKER = Chapter(
    "docker0",
    "What Docker builds for containers: a bridge with an address of the machine on it, which is the gateway; NAT for the way out; and a "
    "port of the machine that leads to one container. `world` stands for everything outside; no packet leaves the lab.",
    """\
name: {name}
networks:
  docker0:
    subnet: 172.17.0.0/16
    gateway: 1
    nat: masquerade
    nodes: [app, worker]
nodes:
  app: {{run: python3 -m http.server 80, publish: ["8080:80"]}}
  worker: {{}}
checks:
  - ping worker -> world
  - http worker -> app:80
  - http host -> localhost:8080
""",
    (
        Step(
            "up",
            "The rules are one nftables table in the namespace `host`: `vethlab exec host -- nft list ruleset` shows it. There is no proxy "
            "process: rules lead a published port to its node.",
        ),
        Step(
            "check",
            "worker reaches the world, although the world knows no way to 172.17.0.0/16: on the way out its address was replaced by "
            "that of host (masquerade), and on the way back put in again. localhost:8080 of host is app's port 80: there the destination "
            "was replaced.",
            expects="passes",
        ),
        Step(
            "trace",
            "Two containers of one bridge see each other's own addresses: nothing is translated between them.",
            ("worker", "app"), "reply host:p-app",
        ),
    ),
)

OVERLAY = Chapter(
    "An overlay across hosts",
    "Pods on two machines, on one segment: each host has a bridge for its pods, and a VXLAN device on it that puts a frame for the other "
    "host into a UDP packet. Hosts are namespaces too, so the whole of it fits in a lab:",
    """\
name: {name}
nodes:
  h1..2: {{role: host, forward: true}}
links:
  - h1 192.168.50.1/24 -- h2 192.168.50.2/24
networks:
  pods:
    type: vxlan
    vni: 42
    subnet: 10.42.0.0/16
    mtu: auto
    nodes: [h1/pod1, h1/pod2, h2/pod3]
checks:
  - ping all -> all
""",
    (
        Step(
            "up",
            "The pods' MTU is 50 bytes smaller than the cable's, because that much is put around each frame: Ethernet, IP, UDP and VXLAN. "
            "Which host has which pod is written into each VXLAN device (`bridge fdb`), so that nothing has to be flooded.",
        ),
        Step("check", "To the pods it is one segment: pod1 does not see where pod3 is.", expects="passes"),
        Step(
            "trace",
            "One packet, two stories: pod1's frame goes into the VXLAN device of h1, and what crosses the cable is a UDP packet from h1 to "
            "h2 with that frame inside.",
            ("h1/pod1", "h2/pod3"), "request h2:eth0",
        ),
    ),
)

CHAPTERS = (ONE_NAMESPACE, TWO_NAMESPACES, BRIDGE, OPEN_VSWITCH, DOCKER, OVERLAY)
