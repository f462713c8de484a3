"""Real input end to end: a lab file becomes a network that carries packets, and leaves nothing."""

from __future__ import annotations

import os
from pathlib import Path
from shutil import which

import pytest

from vethlab import Lab, spec
from vethlab.errors import BuildError, SpecErrors
from vethlab.keep.registry import found_labs

pytestmark = pytest.mark.kernel
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("name", ["direct", "bridge", "routed", "dual-stack", "fabric"])
def test_an_example_comes_up_checks_green_and_goes_down(name: str) -> None:
    """Every pair the file names is proven with real packets, and nothing differs from the file."""
    with Lab.load(EXAMPLES / f"{name}.lab.yaml") as lab:
        report = lab.check()
        assert [] == [result for result in report.results if not result.passed]
        assert report.ok
        assert () == lab.plan()


@pytest.mark.parametrize("name", spec.template_names())
def test_a_template_comes_up_as_it_is(name: str, tmp_path: Path) -> None:
    """What `vethlab init` writes is a lab whose checks pass, but for the tutorial's first case, which is there to fail."""
    if name == "ovs" and which("ovs-vswitchd", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("needs openvswitch-switch")
    file = tmp_path / f"{name}.lab.yaml"
    file.write_text(spec.template(name))
    passes = name != "same-namespace"
    with Lab.load(file) as lab:
        assert (passes, ()) == (lab.check(timeout=5.0 if passes else 0.3).ok, lab.plan())


def test_the_tutorials_first_case_fails_as_the_kernel_has_it() -> None:
    """Both ends of a pair in one namespace: the kernel's defaults refuse the packet, and the check says so."""
    with Lab.load(EXAMPLES / "same-namespace.lab.yaml") as lab:
        report = lab.check()
        assert [False] == [result.passed for result in report.results]
        assert "accept_local" not in lab.to_yaml()
        assert lab["box"].exec("sysctl -qw net.ipv4.conf.veth1.accept_local=1")
        assert lab.check().ok


def test_a_lab_that_stays_is_found_and_taken_down() -> None:
    """`up` without `with` outlives the object; another one finds it by name, and `down --wait` leaves no keeper."""
    Lab.load(EXAMPLES / "direct.lab.yaml").up()
    try:
        found = Lab.running("direct")
        assert ("direct", 2, 1) == (found.info().name, found.info().nodes, found.info().links)
        assert found.check().ok
    finally:
        Lab.running("direct").down(wait=True)
    assert "direct" not in [one.name for one in found_labs()]


def test_a_lab_the_kernel_refuses_leaves_nothing() -> None:
    """A sysctl value that the kernel does not take ends in one error with the kernel's word, and no lab."""
    lab = Lab("refused")
    lab.node("a", sysctl={"net.ipv4.ip_default_ttl": "999"})
    lab.link("a 10.0.0.1/24", "b 10.0.0.2/24")
    with pytest.raises(BuildError, match="ip_default_ttl") as caught:
        lab.up()
    assert 5 == caught.value.exit_code
    assert "refused" not in [one.name for one in found_labs()]


def test_a_mistake_is_found_before_anything_is_touched() -> None:
    """A lab declared from Python is judged like a file."""
    lab = Lab("wrong")
    lab.link("a 10.0.0.1/24", "b 10.0.0.1/24")
    with pytest.raises(SpecErrors, match=r"10\.0\.0\.1"):
        lab.up()
