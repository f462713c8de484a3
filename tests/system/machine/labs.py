"""Labs that join the machine, and what of them is seen there: asked from `ip`, never from vethlab."""

import json
from typing import Any

from tests.kernel.survival.machine import Machine

JOINED = """\
host: machine
networks:
  br7: {subnet: 10.7.0.0/24, gateway: 1, nodes: [n1, n2]}
"""


def links(here: Machine) -> dict[str, Any]:
    """The interfaces of the machine's own namespace by name, as ip(8) tells them."""
    return {one["ifname"]: one for one in json.loads(here.run("ip", "-d", "-j", "link", "show"))}


def marks(here: Machine) -> dict[str, str]:
    """The marked ones: name -> mark."""
    return {
        name: mark for name, one in links(here).items() for mark in one.get("altnames", ()) if mark.startswith("vethlab:")
    }
