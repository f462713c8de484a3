"""The PATH of commands in nodes."""

import pytest

from vethlab.keep.execute import as_root


@pytest.mark.parametrize(("given", "found"), [
    ("/usr/bin:/bin", "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"), ("/sbin:/bin", "/sbin:/bin:/usr/local/sbin:/usr/sbin"),
    ("/usr/local/sbin:/usr/sbin:/sbin:/bin", "/usr/local/sbin:/usr/sbin:/sbin:/bin"), ("", "/usr/local/sbin:/usr/sbin:/sbin"),
])
def test_a_node_finds_what_root_finds(given: str, found: str) -> None:
    """Directories of system programs are added behind the user's own, each once; everything else stays."""
    assert {"PATH": found, "HOME": "/"} == as_root({"PATH": given, "HOME": "/"})


def test_an_environment_without_a_path_stays_without() -> None:
    """Who takes PATH away means it."""
    assert {} == as_root({})
