"""What is declared of each sysctl is true: its lab shows it, and its values combine as its rule says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vethlab import Lab, spec
from vethlab.explain.sysctls import Sysctl, sysctls

pytestmark = pytest.mark.kernel

SHOWN = [one for one in sysctls() if one.check]
BRIDGED = {"iptables": ("ip", "10.0.0.2"), "ip6tables": ("ip6", "fd00::2")}


def made(directory: Path, one: Sysctl, text: str) -> Lab:
    """The lab of a text; skips where the kernel has no such sysctl."""
    if not Path("/proc/sys", *one.of("all").split(".")).exists():
        pytest.skip(f"this kernel has no {one.key}")
    file = directory / "sysctl.lab.yaml"
    file.write_text(text)
    return Lab.load(file)


def passes(lab: Lab, one: Sysctl) -> bool:
    """Whether the check of a sysctl passes now."""
    return bool(lab.check([one.check]).results[0].passed)


def without(one: Sysctl) -> str:
    """The lab of a sysctl without what sets it."""
    return re.sub(rf"(, )?sysctl: \{{[^}}]*\.{one.leaf}: [^}}]*\}}", "", one.lab)


@pytest.mark.parametrize("one", SHOWN, ids=lambda one: one.key)
def test_a_sysctl_decides_its_check(tmp_path: Path, one: Sysctl) -> None:
    """The check of its lab comes out as declared with the sysctl, and the other way round without it."""
    assert one.lab != without(one)
    with made(tmp_path, one, one.lab) as lab:
        assert one.passes == passes(lab, one)
    with made(tmp_path, one, without(one)) as lab:
        assert one.passes != passes(lab, one)


@pytest.mark.parametrize("one", [one for one in SHOWN if one.each], ids=lambda one: one.key)
def test_the_values_of_all_and_of_the_interface_combine(tmp_path: Path, one: Sysctl) -> None:
    """Set for all only, then for the interfaces only, the sysctl has the effect that its rule predicts."""
    with made(tmp_path, one, without(one)) as lab:
        declared = [(node.name, key, int(value)) for node in spec.loads(one.lab).nodes for key, value in node.sysctl]
        node, value = next((node, value) for node, key, value in declared if key.endswith(f".{one.leaf}"))
        interfaces = [f"eth{number}" for number in range(4)] + ["veth0", "veth1"]
        before = lab.namespaces.read_sysctls([(node, one.of(interface)) for interface in interfaces])
        there = {interface: int(old) for interface, old in zip(interfaces, before, strict=True) if old is not None}
        default = max(there.values())
        for everywhere, own in ((value, default), (default, value)):
            settings = [(node, one.of("all"), str(everywhere)), *((node, one.of(interface), str(own)) for interface in there)]
            lab.namespaces.write_sysctls(settings)  # all first: for some sysctls it sets the interfaces too
            expected = one.passes if one.effective(everywhere, own) == value else not one.passes
            assert expected == passes(lab, one), settings


@pytest.mark.parametrize("kind", BRIDGED)
def test_bridged_frames_pass_the_forward_chains(tmp_path: Path, kind: str) -> None:
    """A forward chain that drops cuts neighbours on a bridge off from each other, unless br_netfilter is switched off."""
    one = next(one for one in sysctls() if one.leaf == f"bridge-nf-call-{kind}")
    family, address = BRIDGED[kind]
    with made(tmp_path, one, one.lab) as lab:
        chain = f"table {family} t {{ chain f {{ type filter hook forward priority 0; policy drop; }}; }}"
        assert 0 == lab.namespaces.run("host", ["nft", chain]).status
        assert not lab["a"].ping(address).ok
        lab.namespaces.write_sysctls([("host", one.key, "0")])
        assert lab["a"].ping(address).ok
