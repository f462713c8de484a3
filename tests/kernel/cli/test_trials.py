"""The trials of doctor on this machine: true, and without a trace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vethlab.kernel import trials

pytestmark = pytest.mark.kernel


def test_trials_leave_this_process_where_it_was() -> None:
    """Namespaces, user and interfaces of the caller are as before."""
    def place() -> tuple[int, list[str], list[str]]:
        names = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "user", "mnt")]  # noqa: PTH115 - magic links
        return os.getuid(), names, sorted(path.name for path in Path("/sys/class/net").iterdir())

    before = place()
    trials.in_user_namespace()
    trials.in_namespace(["veth", "bridge"], None)
    assert before == place()


def test_link_kinds_are_told_apart() -> None:
    """Links of kind veth and bridge are made here; a kind that no kernel has is not."""
    found = trials.in_namespace(["veth", "bridge", "no-such-kind"], None)
    assert found is not None
    assert {"veth": True, "bridge": True, "no-such-kind": False} == found["links"]


def test_a_broken_nft_is_told_in_its_own_words() -> None:
    """A program that fails is reported with what it says."""
    found = trials.in_namespace([], "/bin/false")
    assert found is not None
    assert "nft failed" == found["nft"]


def test_the_neighbour_table_is_readable() -> None:
    """Its limit is read without privilege."""
    fill = trials.neighbours()
    assert fill is not None
    assert fill.limit > 0
