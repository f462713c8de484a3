"""What is declared of each sysctl is true: its lab shows it, and its values combine as its rule says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vethlab import Lab
from vethlab.explain.sysctls import Sysctl, sysctls

pytestmark = pytest.mark.kernel

SHOWN = [one for one in sysctls() if one.check]
BRIDGED = {"iptables": ("ip", "10.0.0.2"), "ip6tables": ("ip6", "fd00::2"), "arptables": ("arp", "10.0.0.2")}
TWO_CABLES = "name: two\nlinks: [a 10.0.1.1/24 -- b 10.0.1.2/24, a 10.0.2.1/24 -- b 10.0.2.2/24]\n"


def outcome(directory: Path, one: Sysctl, text: str) -> bool:
    """Whether the check passes in a lab."""
    file = directory / "sysctl.lab.yaml"
    file.write_text(text)
    with Lab.load(file) as lab:
        if "force_forwarding" in one.key and lab.namespaces.read_sysctls([("r", one.of("all"))]) == [None]:
            pytest.skip("this kernel has no force_forwarding (Linux 6.17)")
        return bool(lab.check([one.check]).results[0].passed)


@pytest.mark.parametrize("one", SHOWN, ids=lambda one: one.key)
def test_a_sysctl_decides_its_check(tmp_path: Path, one: Sysctl) -> None:
    """The check of its lab comes out as declared with the sysctl, and the other way round without it."""
    without = re.sub(rf"(, )?sysctl: \{{[^}}]*\.{one.leaf}: [^}}]*\}}", "", one.lab)
    assert one.lab != without
    assert (one.passes, not one.passes) == (outcome(tmp_path, one, one.lab), outcome(tmp_path, one, without))
