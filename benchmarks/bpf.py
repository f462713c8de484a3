"""The BPF layer from nothing to watching one namespace, and back; then once more, as a second question does.

What enters: nothing. What leaves: one JSON line of seconds. Rule of the file: nothing of vethlab is imported before the clock runs.
"""

import json
import os
import time


def main() -> dict[str, float]:
    """Start, stop, start, stop."""
    t0 = time.perf_counter()
    from vethlab.kernel.bpf.tracer import Tracer  # noqa: PLC0415 - its import is part of what is measured

    own = [os.stat("/proc/self/ns/net").st_ino]  # noqa: PTH116 - as the lab does
    first = Tracer(own)
    t1 = time.perf_counter()
    first.close()
    t2 = time.perf_counter()
    second = Tracer(own)
    t3 = time.perf_counter()
    second.close()
    return {"start": t1 - t0, "stop": t2 - t1, "again": t3 - t2}


if __name__ == "__main__":
    print(json.dumps(main()))
