"""What doctor says of machines that lack something, without such a machine: the trials and the files are played."""

from __future__ import annotations

import errno
import os
import resource
from typing import Any

import pytest

from vethlab.kernel import features, trials
from vethlab.kernel.features import Feature
from vethlab.kernel.netlink.neighbour_table import Fill

HEALTHY_USER: dict[str, Any] = {"step": None, "errno": None, "mounts": []}
REFUSED_USER: dict[str, Any] = {"step": "make namespaces in it", "errno": errno.EPERM, "mounts": []}


class Machine:
    """A machine that has everything; a test takes something away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.user: dict[str, Any] = dict(HEALTHY_USER)
        self.inside: dict[str, Any] | None = {"links": dict.fromkeys(features.LINK_KINDS, True), "nft": "", "bridge_filter": True}
        self.sysctls = {"user/max_net_namespaces": "96365", "user/max_user_namespaces": "96365"}
        self.sysctls["net/ipv4/ping_group_range"] = "0 2147483647"
        self.root, self.uid, self.files, self.descriptors = True, 0, 20_000, {"/etc/subuid", "/etc/subgid"}
        self.absent: set[str] = set()
        self.fill: Fill | None = Fill(3, 16384, 0)
        self.no_reasons = ""
        monkeypatch.setattr(trials, "in_user_namespace", lambda: self.user)
        monkeypatch.setattr(trials, "in_namespace", lambda _kinds, _nft: self.inside)
        monkeypatch.setattr(trials, "missing", lambda _kinds, queues: [one for one in queues if one in self.absent])
        monkeypatch.setattr(trials, "neighbours", lambda: self.fill)
        monkeypatch.setattr(trials, "drop_reasons", lambda: self.no_reasons)
        monkeypatch.setattr(features, "_capable", lambda: self.root)
        monkeypatch.setattr(features, "which", lambda name: None if name in self.absent else f"/usr/bin/{name}")
        monkeypatch.setattr(features, "_sysctl", self.sysctls.get)
        monkeypatch.setattr(features, "_lists", lambda path, _names: path in self.descriptors)
        monkeypatch.setattr(os, "getuid", lambda: self.uid)
        monkeypatch.setattr(resource, "getrlimit", lambda _kind: (1024, self.files))

    def facts(self) -> dict[str, Feature]:
        """What doctor finds, by name."""
        return {item.name: item for item in features.collect()}

    def lacking(self) -> dict[str, bool]:
        """What is not there: name -> whether it is needed."""
        return {name: item.needed for name, item in self.facts().items() if not item.ok}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A healthy machine."""
    return Machine(monkeypatch)


def test_a_healthy_machine_lacks_nothing(machine: Machine) -> None:
    """Every fact is ok, and whatever is lacking elsewhere would have a cost and a help."""
    assert {} == machine.lacking()


def test_names_are_unique(machine: Machine) -> None:
    """A name in doctor/1 stands for one fact."""
    names = [item.name for item in features.collect()]
    assert len(machine.facts()) == len(names)


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor"), ("kernel/unprivileged_userns_clone", "0", "ordinary users"),
        ("user/max_user_namespaces", "0", "switched off"),
    ],
)
def test_the_lock_on_user_namespaces_is_named_with_its_key(machine: Machine, path: str, value: str, word: str) -> None:
    """An ordinary user is told which setting refuses user namespaces, and the command that allows them."""
    machine.user, machine.root, machine.sysctls[path] = REFUSED_USER, False, value
    rootless = machine.facts()["rootless"]
    assert (True, True, True) == (rootless.needed, word in rootless.says, f"sudo sysctl --write {path.replace('/', '.')}=" in rootless.help)


def test_an_unknown_lock_shows_the_kernels_words(machine: Machine) -> None:
    """Where no setting explains it (seccomp in a container), the refused step and the error are shown."""
    machine.user, machine.root = REFUSED_USER, False
    assert "cannot make namespaces in it: Operation not permitted (EPERM)" == machine.facts()["rootless"].says


def test_root_does_without_user_namespaces(machine: Machine) -> None:
    """As root the lack of user namespaces is a warning: labs come up."""
    machine.user = REFUSED_USER
    rootless = machine.facts()["rootless"]
    assert (False, False, True) == (rootless.ok, rootless.needed, rootless.warning)


def test_an_ordinary_user_is_no_fault(machine: Machine) -> None:
    """Without root only what needs root is lacking."""
    machine.root, machine.uid = False, 65534
    assert {"root": False, "host-machine": False} == machine.lacking()


@pytest.mark.parametrize(("mounts", "word"), [(["proc"], "/proc"), (["sysfs"], "/sys"), (["proc", "sysfs"], "/proc"), (["tmpfs"], "/run")])
def test_refused_mounts_say_what_nodes_see_instead(machine: Machine, mounts: list[str], word: str) -> None:
    """Under a masked /proc or a read-only /sys the cost is told."""
    machine.user = {**HEALTHY_USER, "mounts": mounts}
    found = machine.facts()["mounts"]
    assert (False, True) == (found.ok, word in found.costs)


@pytest.mark.parametrize(("take", "remedy"), [("newuidmap", "apt install uidmap"), ("/etc/subuid", "usermod --add-subuids")])
def test_one_user_id_is_told(machine: Machine, take: str, remedy: str) -> None:
    """Without newuidmap or a range in /etc/subuid daemons cannot change their user, and the fix fits what is missing."""
    machine.uid = 65534
    machine.absent.add(take)
    machine.descriptors.discard(take)
    assert remedy in machine.facts()["many ids"].help


@pytest.mark.parametrize(("kind", "needed"), [("veth", True), ("bridge", True), ("vxlan", False), ("dummy", False)])
def test_link_kinds_that_the_kernel_lacks(machine: Machine, kind: str, needed: bool) -> None:
    """Only veth and bridge are needed for the main job."""
    assert machine.inside is not None
    machine.inside["links"][kind] = False
    assert {f"link-{kind}": needed} == machine.lacking()


def test_no_namespace_at_all_is_needed(machine: Machine) -> None:
    """Where no network namespace can be made nothing works."""
    machine.inside = None
    assert {"namespaces": True, "nft": False} == machine.lacking()


@pytest.mark.parametrize(("says", "absent", "word"), [("", {"nft"}, "not installed"), ("Error: no", set(), "Error: no")])
def test_nft_is_told_absent_from_broken(machine: Machine, says: str, absent: set[str], word: str) -> None:
    """A missing program and a kernel that refuses are two things."""
    assert machine.inside is not None
    machine.inside["nft"], machine.absent = says, absent
    assert (False, True) == ((found := machine.facts()["nft"]).ok, word in found.says)


@pytest.mark.parametrize(
    ("files", "ok", "needed"), [(resource.RLIM_INFINITY, True, False), (20_000, True, False), (1024, False, False), (100, False, True)],
)
def test_descriptor_limits(machine: Machine, files: int, ok: bool, needed: bool) -> None:
    """A low hard limit is a warning, a very low one a lack."""
    machine.files = files
    found = machine.facts()["descriptors"]
    assert (ok, needed) == (found.ok, found.needed)


@pytest.mark.parametrize(("value", "needed"), [("0", True), ("10", False)])
def test_namespace_limits(machine: Machine, value: str, needed: bool) -> None:
    """No namespaces is a lack, few a warning."""
    machine.sysctls["user/max_net_namespaces"] = value
    assert {"max-net-namespaces": needed} == machine.lacking()


def test_the_machines_neighbour_table(machine: Machine) -> None:
    """The default limit of 1,024 for the whole machine is a warning with its fill."""
    machine.fill = Fill(7, 1024, 2)
    found = machine.facts()["neighbour-table"]
    assert (True, "1,024 entries for the whole machine, 7 in use, 2 refused so far") == (found.warning, found.says)


def test_an_unreadable_neighbour_table_is_left_out(machine: Machine) -> None:
    """What cannot be known is not said."""
    machine.fill = None
    assert "neighbour-table" not in machine.facts()


@pytest.mark.parametrize(("value", "word"), [(None, "absent"), (False, "off"), (True, "on")])
def test_br_netfilter_is_a_fact(machine: Machine, value: bool | None, word: str) -> None:
    """Whether bridged packets pass the IP firewall is told; it is no lack."""
    assert machine.inside is not None
    machine.inside["bridge_filter"] = value
    found = machine.facts()["br_netfilter"]
    assert (True, True) == (found.ok, found.says.startswith(word))


def test_a_missing_tool_names_its_package(machine: Machine) -> None:
    """Tools are optional, and their package is named."""
    machine.absent = {"tshark"}
    assert ({"tool-tshark": False}, "apt install tshark") == (machine.lacking(), machine.facts()["tool-tshark"].help)


@pytest.mark.parametrize(("root", "word"), [(True, "BTF"), (False, "sudo")])
def test_drop_reasons_are_a_further_witness(machine: Machine, root: bool, word: str) -> None:
    """Without BPF nothing is broken: what it costs is said, and how root or an ordinary user gets it."""
    machine.root, machine.no_reasons = root, "BPF needs root"
    found = machine.facts()["drop-reasons"]
    assert (False, False, False, "BPF needs root", True) == (found.ok, found.needed, found.warning, found.says, word in found.help)


def test_joining_the_machine_says_what_a_lab_meets_there(machine: Machine) -> None:
    """`host: machine` needs root, and a machine that does not forward, or filters bridged packets, is told so."""
    said = machine.facts()["host-machine"].says
    assert (True, False) == ("does not forward IPv4" in said, "br_netfilter" in said)
    machine.sysctls |= {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}
    said = machine.facts()["host-machine"].says
    assert (False, True) == ("does not forward IPv4" in said, "br_netfilter" in said)
    machine.root = False
    assert (False, "labs with `host: machine`") == (machine.facts()["host-machine"].ok, machine.facts()["host-machine"].costs)


def test_whether_pasta_can_ping(machine: Machine) -> None:
    """Where the kernel gives programs no ping sockets, labs behind pasta do not ping; where there is no pasta, that is what lacks."""
    machine.sysctls["net/ipv4/ping_group_range"] = "1\t0"
    assert {"ping-groups": False} == machine.lacking()
    machine.absent.add("pasta")
    assert {"tool-pasta": False} == machine.lacking()
