"""What this machine can do for vethlab: each fact with what its lack costs and how to get it.

Enters: nothing. Leaves: Features, for `doctor`. Rule of the file: reading only; what has to be tried is tried in kernel/trials.py.
Of every fact: who needs it, so that a machine that can do the main job is never called broken.
"""

from __future__ import annotations

import errno
import os
import resource
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vethlab.kernel import trials

__all__ = ["Feature", "collect", "which"]

LINK_KINDS = {
    "veth": "no cable can be made", "bridge": "no network of type bridge", "vxlan": "no network of type vxlan",
    "macvlan": "no network of type macvlan", "vlan": "no 802.1Q interfaces in nodes", "dummy": "no dummy interfaces in nodes",
    "ifb": "no shaping of incoming traffic, once it is built",
}
QUEUES = {"tbf": "links and networks with a `rate`", "netem": "links and networks with `delay` or `loss`"}
NEEDED_KINDS = ("veth", "bridge")
MODULES = {"vlan": "8021q"}
TOOLS = {
    "ip": ("iproute2", "`exec NODE -- ip ...` and the commands that --show-commands prints"),
    "bridge": ("iproute2", "`exec host -- bridge ...`"),
    "ping": ("iputils-ping", "`exec NODE -- ping ...`; `vethlab check` sends its own packets"),
    "tcpdump": ("tcpdump", "captures made by hand in a node"),
    "tshark": ("tshark", "reading captures on the command line"),
    "ovs-vsctl": ("openvswitch-switch", "labs with `type: ovs`"),
    "pasta": ("passt", "labs with `uplink: pasta`, which reach the real world without root"),
    "iperf3": ("iperf3", "`bench` with figures that others know; without it, it has sockets of its own"),
    "fping": ("fping", "pinging many addresses by hand in a node"),
}
SYSTEM_PATHS = "/usr/local/sbin:/usr/sbin:/sbin"  # an ordinary user's PATH may lack them
FEW_DESCRIPTORS, MANY_DESCRIPTORS = 256, 4096
FEW_NAMESPACES = 64
PAIRS_TABLE = 1024
CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21


@dataclass(frozen=True, slots=True)
class Feature:
    """One fact. `says` is what was found, `costs` what its lack costs, `help` how to get it.

    `needed`: `up` and `check` do not work without it. `warning`: they do, and yet it can bite.
    `group` gathers facts that are shown together.
    """

    name: str
    ok: bool
    says: str
    costs: str = ""
    help: str = ""
    needed: bool = False
    warning: bool = False
    group: str = ""


def collect() -> list[Feature]:
    """Every fact, the most important first."""
    user = trials.in_user_namespace()
    able = _capable()
    nft = which("nft")
    inside = trials.in_namespace(list(LINK_KINDS), nft)
    return [
        _root(able=able), _joining(able=able), _rootless(user, needed=not able),
        *_mounts(user), _subordinate_ids(), *_links(inside), _nft(nft, inside),
        *_queues(inside), _drop_reasons(able=able), *_limits(), *_neighbours(), *_bridge_filter(inside), *_pings(), *_tools(),
    ]


def _root(*, able: bool) -> Feature:
    if able:
        return Feature("root", ok=True, says="root, with CAP_NET_ADMIN and CAP_SYS_ADMIN")
    who = "root without CAP_NET_ADMIN or CAP_SYS_ADMIN" if os.geteuid() == 0 else "an ordinary user"
    return Feature("root", ok=False, says=f"{who}: labs are rootless", costs="`up --root` and `up --names`", help="sudo vethlab ...")


def _joining(*, able: bool) -> Feature:
    """Whether bridges of a lab can live in the machine's own network, and what they meet there."""
    if not able:
        return Feature(
            "host-machine", ok=False, says="labs cannot join the machine's own network", costs="labs with `host: machine`",
            help="sudo vethlab up",
        )
    met = [] if _sysctl("net/ipv4/ip_forward") == "1" else ["it does not forward IPv4, as NAT there and `uplink: machine` need"]
    if _sysctl("net/bridge/bridge-nf-call-iptables") == "1":
        met.append("its firewall sees what nodes of one bridge send each other (br_netfilter)")
    if which("ovs-vswitchd"):
        from vethlab.kernel import ovs_directory, ovs_machine  # noqa: PLC0415 - where it is installed

        there = ovs_machine.runs(ovs_directory.directory())
        met.append(f"its Open vSwitch {'runs' if there else 'does not run, which a network of type ovs there needs'}")
    says = "labs can join the machine's own network"
    return Feature("host-machine", ok=True, says="; ".join([says, *met]))


def _rootless(found: dict[str, Any], *, needed: bool) -> Feature:
    if found["step"] is None:
        return Feature("rootless", ok=True, says="ordinary users can make user namespaces", needed=needed)
    says, remedy = _restriction(found)
    return Feature("rootless", ok=False, says=says, costs="labs without root", help=remedy, needed=needed, warning=True)


def _restriction(found: dict[str, Any]) -> tuple[str, str]:
    """Which of the known locks refused user namespaces, and its key."""
    locks = (
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "user namespaces are restricted by AppArmor", "0"),
        ("kernel/unprivileged_userns_clone", "0", "user namespaces are switched off for ordinary users", "1"),
        ("user/max_user_namespaces", "0", "user namespaces are switched off", "10000"),
    )
    for path, locked, says, key in locks:
        if _sysctl(path) == locked:
            name = path.replace("/", ".")
            return f"{says} ({name} = {locked})", f"sudo sysctl --write {name}={key}, or use root: sudo vethlab up"
    code = errno.errorcode.get(found["errno"], str(found["errno"]))
    remedy = "in a container: allow unshare(2) (--security-opt seccomp=unconfined) or run it --privileged"
    return f"cannot {found['step']}: {os.strerror(found['errno'])} ({code})", remedy


def _mounts(found: dict[str, Any]) -> Iterator[Feature]:
    if found["step"] is not None:
        return
    refused = [kind for kind in found["mounts"] if kind in {"proc", "sysfs"}]
    if "tmpfs" in found["mounts"]:
        yield Feature(
            "mounts", ok=False, says="tmpfs cannot be mounted in a user namespace", costs="labs without root: no node has its own /run",
            help="use root, or another container runtime", warning=True,
        )
        return
    costs = {"proc": "rootless nodes see the machine's processes in /proc", "sysfs": "rootless nodes see the machine's interfaces in /sys"}
    if not refused:
        yield Feature("mounts", ok=True, says="proc and sysfs can be mounted in user namespaces")
        return
    yield Feature(
        "mounts", ok=False, says=f"{' and '.join(refused)} cannot be mounted in a user namespace", warning=True,
        costs="; ".join(costs[kind] for kind in refused),
        help="in a container: unmask /proc and /sys (--security-opt systempaths=unconfined), or use root",
    )


def _subordinate_ids() -> Feature:
    import pwd  # noqa: PLC0415 - only doctor asks

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    tools = [tool for tool in ("newuidmap", "newgidmap") if which(tool) is None]
    files = [path for path in ("/etc/subuid", "/etc/subgid") if not _lists(path, {name, str(os.getuid())})]
    if os.getuid() == 0:
        return Feature("many ids", ok=True, says="root needs no subordinate ids")
    if not tools and not files:
        return Feature("many ids", ok=True, says="rootless nodes have many user ids")
    remedy = "apt install uidmap" if tools else f"sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"
    return Feature(
        "many ids", ok=False, says=f"rootless nodes have one user id: no {', '.join(tools or files)}", help=remedy,
        costs="daemons that change their user in a rootless node (FRR, dnsmasq, nginx)",
    )


def _links(inside: dict[str, Any] | None) -> Iterator[Feature]:
    if inside is None:
        yield Feature(
            "namespaces", ok=False, says="no network namespace can be made", costs="everything", help="become root, or mend `rootless`",
            needed=True,
        )
        return
    for kind, costs in LINK_KINDS.items():
        made: bool = inside["links"][kind]
        says = kind if made else f"the kernel cannot make {kind} links"
        remedy = f"sudo modprobe {MODULES.get(kind, kind)}, or another kernel"
        yield Feature(f"link-{kind}", ok=made, says=says, costs=costs, help=remedy, needed=kind in NEEDED_KINDS, group="links")


def _queues(inside: dict[str, Any] | None) -> Iterator[Feature]:
    lacking = trials.missing((), list(QUEUES)) if inside is not None else []
    for kind, costs in QUEUES.items():
        made = kind not in lacking
        says = kind if made else f"the kernel has no sch_{kind}"
        yield Feature(f"queue-{kind}", ok=made, says=says, costs=costs, help=f"sudo modprobe sch_{kind}, or another kernel", group="queues")


def _nft(program: str | None, inside: dict[str, Any] | None) -> Feature:
    costs = "labs with `nft:`, `nat:` or `publish:`; `why` and `watch` name a rule by its handle only"
    if program is None:
        return Feature("nft", ok=False, says="nft is not installed", costs=costs, help="apt install nftables")
    if inside is None or inside["nft"]:
        says = "nft could not be tried" if inside is None else f"nft does not work here: {inside['nft']}"
        return Feature("nft", ok=False, says=says, costs=costs, help="sudo modprobe nf_tables, or another kernel")
    return Feature("nft", ok=True, says="rulesets can be loaded, and verdicts name the rule in words")


def _drop_reasons(*, able: bool) -> Feature:
    refused = trials.drop_reasons()
    if not refused:
        return Feature("drop-reasons", ok=True, says="`why` and `watch` get the kernel's own word on every packet (BPF)")
    return Feature(
        "drop-reasons", ok=False, says=refused, costs="the kernel's drop reasons as a further witness; `why` answers the same without",
        help="a kernel with BTF, outside of containers" if able else "sudo vethlab ..., for labs made as root",
    )


def _limits() -> Iterator[Feature]:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    unlimited = hard == resource.RLIM_INFINITY
    files = "unlimited" if unlimited else f"{hard:,}"
    yield Feature(
        "descriptors", ok=unlimited or hard >= MANY_DESCRIPTORS, says=f"{files} open files for a process",
        costs=f"labs of more than about {max(0, hard // 2 - 32):,} nodes", needed=not unlimited and hard < FEW_DESCRIPTORS, warning=True,
        help="raise the hard limit: ulimit -Hn 65536, or /etc/security/limits.conf",
    )
    for name, what in (("max_net_namespaces", "network namespaces"), ("max_user_namespaces", "user namespaces")):
        value = int(_sysctl(f"user/{name}") or -1)
        few = 0 <= value < FEW_NAMESPACES
        needed = few and value < 2 and name == "max_net_namespaces"
        yield Feature(
            name.replace("_", "-"), ok=not few, says=f"{value:,} {what} for a user" if value >= 0 else f"no limit of {what} is told",
            costs=f"labs of more than {value} nodes" if "net" in name else "labs without root", needed=needed, warning=True,
            help=f"sudo sysctl --write user.{name}=10000",
        )


def _neighbours() -> Iterator[Feature]:
    fill = trials.neighbours()
    if fill is None:
        return
    remedy = "sudo sysctl --write net.ipv4.neigh.default.gc_thresh3=16384"
    yield Feature(
        "neighbour-table", ok=fill.limit > PAIRS_TABLE,
        says=f"{fill.limit:,} entries for the whole machine, {fill.entries:,} in use, {fill.refused:,} refused so far",
        costs="traffic between more than 32 nodes of one network can fail in any lab; `vethlab check` keeps within the limit",
        help=remedy, warning=True,
    )


def _bridge_filter(inside: dict[str, Any] | None) -> Iterator[Feature]:
    if inside is None:
        return
    words = {
        None: "absent: bridged packets never pass the IP firewall", False: "off in new namespaces",
        True: "on in new namespaces: a `policy drop` in a forward chain also stops packets within one bridge",
    }
    yield Feature("br_netfilter", ok=True, says=words[inside["bridge_filter"]])


def _pings() -> Iterator[Feature]:
    """By such sockets pasta pings for a lab (icmp(7)): many systems let everybody have them, the kernel by itself nobody."""
    groups = _sysctl("net/ipv4/ping_group_range")
    if which("pasta") is None or groups is None:
        return
    first, last = map(int, groups.split())
    allowed = first <= os.getegid() <= last
    yield Feature(
        "ping-groups", ok=allowed, says="programs without privileges may ping" if allowed else "only privileged programs may ping",
        costs="pings through `uplink: pasta`; TCP and UDP pass", help="sudo sysctl --write net.ipv4.ping_group_range='0 2147483647'",
    )


def _tools() -> Iterator[Feature]:
    for name, (package, costs) in TOOLS.items():
        found = which(name) is not None
        says = name if found else f"{name} is not installed"
        yield Feature(f"tool-{name}", ok=found, says=says, costs=costs, help=f"apt install {package}", group="tools")


def _capable() -> bool:
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - one small file
        effective = next((int(line.split()[1], 16) for line in file if line.startswith("CapEff:")), 0)
    return os.geteuid() == 0 and all(effective >> bit & 1 for bit in (CAP_NET_ADMIN, CAP_SYS_ADMIN))


def which(name: str) -> str | None:
    """Where a program is, in the directories too that an ordinary user's PATH may lack."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATHS}")


def _sysctl(path: str) -> str | None:
    try:
        with open(f"/proc/sys/{path}", encoding="ascii") as file:  # noqa: PTH123 - one small file
            return file.read().strip()
    except OSError:
        return None


def _lists(path: str, names: set[str]) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - one small file
            return any(line.split(":", 1)[0] in names for line in file)
    except OSError:
        return False
