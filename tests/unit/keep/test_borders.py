"""What the keep layer decides without a kernel: paths of sysctls, subordinate ids, words of errors."""

import errno
import os
from pathlib import Path

import pytest

from vethlab.errors import HostError, KernelError, LabError, NotFoundError, VethlabError
from vethlab.keep import execute, holding, launch
from vethlab.keep.channel import translated
from vethlab.keep.wire import Refusal


@pytest.mark.parametrize(
    ("key", "path"),
    [("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
     ("net.ipv4.conf.eth0/7.rp_filter", "/proc/sys/net/ipv4/conf/eth0.7/rp_filter")],
)
def test_a_slash_in_a_key_is_a_dot_in_a_name(key: str, path: str) -> None:
    """Keys are written as sysctl(8) writes them."""
    assert path == holding.sysctl_path(key)


@pytest.mark.parametrize("key", ["kernel.hostname", "vm.swappiness", "net.//.kernel.hostname", "net./.x", "net..x", "", ".net.x"])
def test_only_keys_of_a_namespace_have_a_path(key: str) -> None:
    """A keeper of root must not be talked into writing a sysctl of the whole machine, nor any file outside net/."""
    with pytest.raises(OSError, match="No such file"):
        holding.sysctl_path(key)


@pytest.mark.parametrize(
    ("text", "part"),
    [("{uid}:100000:65536\n", ("100000", "65536")),
     ("someone:1:2\n{uid}:5:6\n{uid}:7:8\n", ("5", "6")), ("someone:1:2\n", None), ("", None),
     ("{uid}:5\n", None)],
)
def test_subordinate_ids_are_those_of_this_user(tmp_path: Path, text: str, part: tuple[str, str] | None) -> None:
    """The first entry of the user counts; other users' and incomplete lines do not."""
    table = tmp_path / "subuid"
    table.write_text(text.format(uid=os.getuid()))
    assert part == launch._subordinate(str(table))


def test_no_table_means_no_subordinate_ids(tmp_path: Path) -> None:
    """A machine without /etc/subuid is an ordinary machine."""
    assert launch._subordinate(str(tmp_path / "none")) is None


@pytest.mark.parametrize(
    ("refusal", "kind", "slug", "word"),
    [
        (Refusal("missing", "find", "zz"), NotFoundError, "not-found", "no such node: zz"),
        (Refusal("missing", "stop", "a: sleep 1"), NotFoundError, "not-found", "no such process"),
        (Refusal("kernel", "set net.x = 1 in", "a", errno.EINVAL), KernelError, "kernel", "Invalid argument (EINVAL)"),
        (Refusal("host", "make a user namespace", "", errno.EPERM), HostError, "no-user-namespaces", "cannot make a user namespace"),
        (Refusal("host", "make a network namespace", "", errno.ENOSPC), HostError, "namespace-limit", "cannot make a network namespace"),
        (Refusal("host", "make a network namespace", "", errno.EMFILE), HostError, "open-files", "cannot make a network namespace"),
        (Refusal("host", "mount", "/run", errno.EPERM), HostError, "host", "cannot mount /run"),
        (Refusal("lab", "create", "a", errno.EEXIST), LabError, "lab", "cannot create a: File exists"),
        (Refusal("bug", "view", "", 0, "KeyError: 'x'"), VethlabError, "error", "KeyError"),
    ],
)
def test_a_refusal_becomes_the_error_that_helps(refusal: Refusal, kind: type[VethlabError], slug: str, word: str) -> None:
    """Each kind of refusal has its exception, its slug for `explain`, and the words a person needs."""
    error = translated(refusal.fields()[1:])
    assert (kind, slug) == (type(error), error.slug)
    assert word in str(error)


def test_the_help_against_apparmor_names_the_sysctl() -> None:
    """The most frequent obstacle of rootless labs is named where they fail."""
    error = translated(Refusal("host", "make a user namespace", "", errno.EPERM).fields()[1:])
    assert "kernel.apparmor_restrict_unprivileged_userns" in error.help


def test_a_program_is_missing_or_refused(tmp_path: Path) -> None:
    """A name that no directory of PATH holds is missing even if one of them may not be searched."""
    (tmp_path / "tool").write_text("")
    env = {"PATH": f"{tmp_path}:/nonexistent"}
    assert [True, False, True, False] == [
        execute._exists(name, env) for name in ("tool", "other", str(tmp_path / "tool"), str(tmp_path / "other"))
    ]
