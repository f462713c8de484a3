"""The tuned shell script: what somebody who knows `ip -batch` well would write for a star.

What enters: a number of hosts, and `lean` to switch IPv6 link-local addresses and multicast snooping off too. What leaves: one JSON line of
seconds. It runs inside a throw-away mount and network namespace (see `measure.private`), so `br0` and the names it uses are nobody
else's. One line per veth, one queue each, the bridge up last. The files are written before the clock starts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.floor import settle


def files(count: int, folder: Path, *, lean: bool) -> Path:
    """Write the batch files and the script that runs them; returns the script."""
    hosts = range(count)
    address = {i: f"10.0.{(i + 1) // 250}.{(i + 1) % 250 + 1}/16" for i in hosts}
    names = "".join(f"netns add h{i}\n" for i in hosts)
    queues = "numtxqueues 1 numrxqueues 1"
    hub = "link add name br0 type bridge" + (" mcast_snooping 0\nlink set dev br0 addrgenmode none\n" if lean else "\n")
    hub += "".join(f"link add name p{i} {queues} master br0 up type veth peer name eth0 {queues} netns h{i}\n" for i in hosts)
    hub += "link set dev br0 up\n"
    inside = "link set dev lo up\n" + ("link set dev eth0 addrgenmode none\n" if lean else "")
    inside += "link set dev eth0 up\naddress add {} dev eth0\nroute add default via 10.0.255.254\n"
    (folder / "names").write_text(names)
    (folder / "hub").write_text(hub)
    for i in hosts:
        (folder / f"h{i}").write_text(inside.format(address[i]))
    lines = ["set -e", f"ip -batch {folder}/names", f"ip -batch {folder}/hub", *(f"ip -n h{i} -batch {folder}/h{i}" for i in hosts)]
    script = folder / "up.sh"
    script.write_text("\n".join(lines) + "\n")
    (folder / "down").write_text("".join(f"link delete dev p{i}\n" for i in hosts) + "".join(f"netns delete h{i}\n" for i in hosts))
    return script


def main(count: int, *, lean: bool) -> None:
    """Build, delete device by device, wait; print what each took."""
    with tempfile.TemporaryDirectory(prefix="vethlab-bench-") as name:
        folder = Path(name)
        script = files(count, folder, lean=lean)
        t0 = time.perf_counter()
        subprocess.run(["/bin/sh", str(script)], check=True)
        t1 = time.perf_counter()
        subprocess.run(["ip", "-batch", str(folder / "down")], check=True)
        returned = time.perf_counter() - t1
        settle()
        freed = time.perf_counter() - t1
        print(json.dumps({"build": t1 - t0, "down": returned, "freed": freed}))


if __name__ == "__main__":
    main(int(sys.argv[1]), lean="lean" in sys.argv[2:])
