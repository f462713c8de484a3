"""pyroute2's star, written as its documentation shows: named namespaces, one call per thing, a NetNS object a host.

What enters: a number of hosts. What leaves: one JSON line of seconds; importing is not counted. It runs inside a throw-away
mount and network namespace (see `measure.private`).
"""

from __future__ import annotations

import json
import sys
import time

from pyroute2 import IPRoute, netns


def main(count: int) -> None:
    """Build and print how long it took."""
    t0 = time.perf_counter()
    with IPRoute() as hub:
        hub.link("add", ifname="br0", kind="bridge")
        bridge = hub.link_lookup(ifname="br0")[0]
        for i in range(count):
            netns.create(f"h{i}")
            hub.link("add", ifname=f"p{i}", kind="veth", peer={"ifname": "eth0", "net_ns_fd": f"h{i}"})
            hub.link("set", index=hub.link_lookup(ifname=f"p{i}")[0], master=bridge, state="up")
            with IPRoute(netns=f"h{i}") as host:
                index = host.link_lookup(ifname="eth0")[0]
                host.link("set", index=1, state="up")
                host.link("set", index=index, state="up")
                host.addr("add", index=index, address=f"10.0.{i // 250}.{i % 250 + 1}", prefixlen=16)
                host.route("add", dst="default", gateway="10.0.255.254")
        hub.link("set", index=bridge, state="up")
    print(json.dumps({"build": time.perf_counter() - t0}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
