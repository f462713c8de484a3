"""Mininet's star: Debian's package, its LinuxBridge switch, no controller.

What enters: a number of hosts, and `ping` to run pingall with static ARP. What leaves: one JSON line of seconds. It runs with the system's
python3 inside a throw-away PID, mount and network namespace (see `measure.private`), which takes its leftovers with it; `mn -c` would
kill by name across the machine. Importing is not counted.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topo import SingleSwitchTopo


def main(count: int, *, ping: bool) -> None:
    """Build, perhaps pingall, stop; print what each took."""
    setLogLevel("critical")
    Mininet.inited = True  # or it writes sysctls of the whole machine, and leaves them so
    t0 = time.perf_counter()
    net = Mininet(topo=SingleSwitchTopo(k=count), switch=LinuxBridge, controller=None, autoSetMacs=True, autoStaticArp=ping)
    net.start()
    t1 = time.perf_counter()
    lost = 0.0
    if ping:
        time.sleep(2)  # its bridge is not yet forwarding when start() returns, and a lost ping would cost ten seconds
        began = time.perf_counter()
        with contextlib.redirect_stdout(sys.stderr):
            lost = net.pingAll()
        print(json.dumps({"build": t1 - t0, "ping": time.perf_counter() - began, "lost_percent": lost}))
    else:
        print(json.dumps({"build": t1 - t0}))
    net.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), ping="ping" in sys.argv[2:])
