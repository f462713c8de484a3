"""OpenFlow rules of a bridge: checked, loaded and listed, in the words of ovs-ofctl(8).

Enters: texts; leaves: nothing, or what Open vSwitch says of them. Rule of the file: rules are compared by the switch's own listing of
them, without statistics, because one rule can be written in many ways.
"""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from vethlab.errors import KernelError
from vethlab.kernel.ovs_daemons import SYSTEM_PATHS

if TYPE_CHECKING:
    from vethlab.change import SetFlows

PLAIN = ("priority=0,actions=NORMAL",)  # what a bridge without rules of its own has (vswitchd/bridge.c bridge_configure_remotes)
_SECONDS = 10.0
_HIDDEN = re.compile(r"^table_id=254,")  # rules of the switch itself (ofproto/ofproto-dpif.h TBL_INTERNAL)
_STATISTICS = re.compile(r"(?:duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*, ?")
_PRIORITY_MAX = 65535  # above it are rules of the switch itself


def replace(socket: str, one: SetFlows) -> None:
    """Make these all the rules of the bridge that speaks OpenFlow on `socket`; all or none."""
    done = _ofctl(["--protocols=OpenFlow14", "--bundle", "replace-flows", f"unix:{socket}", "-"], "\n".join(one.rules))
    if done.returncode:
        raise KernelError("set", one.object, errno.EINVAL, _sentence(done.stderr))


def refusal(flow: str, ports: Iterable[str]) -> str:
    """Why Open vSwitch does not understand a rule; empty if it does. `ports`: names that may stand for port numbers."""
    for number, port in enumerate(sorted(ports, key=len, reverse=True), 1):
        flow = re.sub(rf"(?<![\w.-]){re.escape(port)}(?![\w.-])", str(number), flow)
    done = _ofctl(["--protocols=OpenFlow14", "parse-flows", "-"], flow)
    return _sentence(done.stderr).removeprefix("ovs-ofctl: -:1: ").removeprefix("ovs-ofctl: ") if done.returncode else ""


def rules(listing: str) -> tuple[str, ...]:
    """The rules of `bridge/dump-flows`, without statistics and without the switch's own, in one order."""
    found = []
    for line in listing.splitlines():
        text = _STATISTICS.sub("", line.strip())
        priority = re.search(r"(?:^|,)priority=(\d+)", text)
        if text and not _HIDDEN.match(text) and not (priority and int(priority[1]) > _PRIORITY_MAX):
            found.append(text)
    return tuple(sorted(found))


def declared(note: str) -> tuple[str, ...]:
    """Rules as they were noted."""
    return tuple(map(str, json.loads(note)))


def _ofctl(words: Sequence[str], stdin: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATHS}"}
    argv = ["ovs-ofctl", f"--timeout={_SECONDS:.0f}", *words]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, env=env, check=False)


def _sentence(stderr: str) -> str:
    return " ".join(stderr.split()) or "ovs-ofctl failed without a word"
