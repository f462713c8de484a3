"""Names under /run/netns: made for a lab of root, never somebody else's, removed exactly."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.keep.keepers import is_dead

from vethlab.errors import HostError, LabError
from vethlab.keep import names
from vethlab.keep.client import Keeper

pytestmark = [pytest.mark.system, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]
LAB = f"names-{os.getpid()}"
FOREIGN = Path(f"/run/netns/{LAB}-foreign")


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    """A lab of root with three nodes; its names are gone afterwards, whatever the test did."""
    with Keeper.spawn(LAB, "root") as held:
        held.create(["a", "b", "c"])
        held.commit()
        yield held
        names.remove(LAB)
        if not is_dead(held.pid, 0):
            held.end()


@pytest.fixture
def foreign() -> Iterator[Path]:
    """A namespace that somebody else named."""
    subprocess.run(["ip", "netns", "add", FOREIGN.name], check=True)
    yield FOREIGN
    subprocess.run(["ip", "netns", "delete", FOREIGN.name], check=True)


def listed() -> list[str]:
    """The lab's names, as `ip netns` sees them."""
    found = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return sorted(line.split()[0] for line in found.splitlines() if line.startswith(LAB))


def test_ip_netns_finds_the_nodes(keeper: Keeper) -> None:
    """`ip netns exec LAB-NODE` enters the very namespace of the node."""
    names.export(LAB, keeper, ["a", "b"])
    assert [f"{LAB}-a", f"{LAB}-b"] == listed()
    ask = ["ip", "netns", "exec", f"{LAB}-a", "stat", "-L", "-c", "%i", "/proc/self/ns/net"]
    seen = subprocess.run(ask, capture_output=True, text=True, check=True)
    assert os.fstat(keeper.open(["a"])[0].descriptor).st_ino == int(seen.stdout)


def test_names_follow_the_lab(keeper: Keeper) -> None:
    """Exporting again adds what is new, removes what is not wanted any more, and leaves the rest mounted."""
    names.export(LAB, keeper, ["a", "b"])
    names.export(LAB, keeper, ["b", "c"])
    assert [f"{LAB}-b", f"{LAB}-c"] == listed()
    keeper.drop(["b"])
    keeper.create(["b"])
    names.export(LAB, keeper, ["b", "c"])
    assert os.fstat(keeper.open(["b"])[0].descriptor).st_ino == os.stat(f"/run/netns/{LAB}-b").st_ino
    assert [f"/run/netns/{LAB}-b", f"/run/netns/{LAB}-c"] == [str(name) for name in names.remove(LAB)]
    assert [] == listed()


def test_a_foreign_name_is_refused_before_anything_is_touched(keeper: Keeper, foreign: Path) -> None:
    """A name that exists and is not ours: an error, no other name made, the foreign one as it was."""
    keeper.create(["foreign"])
    before = foreign.stat().st_ino
    with pytest.raises(LabError, match=f"{foreign} exists already"):
        names.export(LAB, keeper, ["a", "foreign", "b"])
    assert ([foreign.name], before) == (listed(), foreign.stat().st_ino)


def test_a_name_taken_over_by_somebody_else_is_left_alone(keeper: Keeper) -> None:
    """Removing compares inodes: what was deleted and made anew by another is not ours any more."""
    names.export(LAB, keeper, ["a", "b"])
    subprocess.run(["ip", "netns", "delete", f"{LAB}-a"], check=True)
    subprocess.run(["ip", "netns", "add", f"{LAB}-a"], check=True)
    try:
        assert [f"/run/netns/{LAB}-b"] == [str(name) for name in names.remove(LAB)]
        assert [f"{LAB}-a"] == listed()
    finally:
        subprocess.run(["ip", "netns", "delete", f"{LAB}-a"], check=True)


def test_what_a_dead_keeper_left_is_found_and_cleaned(keeper: Keeper, foreign: Path) -> None:
    """Names of a running lab are no leftovers; after SIGKILL of its keeper they are, and exactly they are removed."""
    names.export(LAB, keeper, ["a", "b"])
    assert [] == [one for one in names.leftovers() if LAB in one.path]
    os.kill(keeper.pid, signal.SIGKILL)
    assert is_dead(keeper.pid)
    mine = [f"/run/netns/{LAB}-a", f"/run/netns/{LAB}-b"]
    assert mine == [str(one) for one in names.leftovers() if LAB in one.path]
    assert mine == [str(one) for one in names.clean() if LAB in one.path]
    assert [foreign.name] == listed()
    assert [] == [str(one) for one in names.clean() if LAB in one.path]


def test_a_name_that_was_never_mounted_is_removed_too(keeper: Keeper) -> None:
    """SIGKILL between making the file and mounting on it leaves an empty file; the write-ahead record tells that it is ours."""
    names.export(LAB, keeper, ["a"])
    subprocess.run(["umount", f"/run/netns/{LAB}-a"], check=True)
    os.unlink(f"/run/netns/{LAB}-a")
    os.close(os.open(f"/run/netns/{LAB}-a", os.O_CREAT | os.O_EXCL, 0))
    assert [f"/run/netns/{LAB}-a"] == [str(one) for one in names.remove(LAB)]
    assert not os.path.lexists(f"/run/netns/{LAB}-a")


def test_a_rootless_lab_has_no_names() -> None:
    """`--names` of a rootless lab is refused with exit status 3."""
    with Keeper.spawn(None, "rootless") as keeper:
        keeper.create(["a"])
        with pytest.raises(HostError) as caught:
            names.export(LAB, keeper, ["a"])
    assert ("names-need-root", 3) == (caught.value.slug, caught.value.exit_code)
