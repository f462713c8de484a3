"""What a live change asks for: what no lab file could say is refused, since the lab as it is meant is kept as one."""

from __future__ import annotations

import pytest

from vethlab import spec
from vethlab.errors import UsageError
from vethlab.lab.wishing import LinkWish, wanted

OVERLAY = """\
name: x
nodes: {h1: {role: host}, h2: {role: host}, h1/p: , h2/q: , c: }
links: [h1 192.168.0.1/24 -- h2 192.168.0.2/24, "h1 10.0.0.1/24 fd00::1/64 -- c 10.0.0.2/24 fd00::2/64"]
networks: {pods: {type: vxlan, subnet: 10.1.0.0/24, nodes: [h1/p, h2/q]}}
"""


@pytest.mark.parametrize(
    ("ends", "mtu", "slug"),
    [(("h1", "h2"), "1400", "mtu-too-large"), (("pods",), "1500", "mtu-too-large"), (("h1", "c"), "1279", "mtu-too-small")],
)
def test_what_no_file_could_say_is_refused(ends: tuple[str, ...], mtu: str, slug: str) -> None:
    """An underlay that its overlay does not fit into, IPv6 addresses where there is no IPv6."""
    with pytest.raises(UsageError) as refused:
        wanted(spec.loads(OVERLAY), LinkWish(ends, said={"mtu": mtu}))
    assert slug == refused.value.slug


def test_an_mtu_that_fits_is_taken() -> None:
    """Below IPv6's least where nothing of IPv6 is declared; for a network, of all its interfaces."""
    found = wanted(spec.loads(OVERLAY), LinkWish(("pods",), said={"mtu": "900"}))
    assert 900 == found.topology.networks[0].mtu
    assert 1280 == wanted(found.topology, LinkWish(("c", "h1"), said={"mtu": "1280"})).topology.cables[1].mtu
