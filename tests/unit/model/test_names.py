"""Names of nodes and interfaces."""

from __future__ import annotations

import pytest

from vethlab.model.link import End
from vethlab.model.names import IFNAME_MAX, interface_name_problem, is_node_name, port_name


@pytest.mark.parametrize(
    ("text", "legal"), [("a", True), ("leaf-1", True), ("1a", True), ("-a", False), ("A", False), ("", False), ("a" * 64, False)],
)
def test_node_names(text: str, legal: bool) -> None:
    """Lower-case letters, digits and hyphens, at most 63, not beginning with a hyphen (as host names, RFC 1123)."""
    assert legal == is_node_name(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("eth0", ""), ("", "empty"), ("a" * 16, "at most 15"), (".", "not interface names"), ("a b", "white space"), ("a/b", "cannot hold"),
        ("a\x07", "cannot hold"),
    ],
)
def test_interface_names(text: str, part: str) -> None:
    """What the kernel refuses (net/core/dev.c dev_valid_name) is told in words; what it takes gives none."""
    problem = interface_name_problem(text)
    assert part in problem
    assert bool(part) == bool(problem)


def test_port_names_are_short_stable_and_different() -> None:
    """A long node name gives a port name of at most 15 bytes; two long names that begin alike stay apart."""
    assert ("p-web", "p-web-2") == (port_name("web"), port_name("web", 2))
    first, second = port_name("a-very-long-name-1"), port_name("a-very-long-name-2")
    assert first != second
    assert IFNAME_MAX >= max(len(first), len(second))
    assert first == port_name("a-very-long-name-1")


def test_an_end_reads_as_people_write_it() -> None:
    """node:interface."""
    assert "a:eth0" == str(End("a", "eth0"))
