"""The two daemons of Open vSwitch that serve a namespace: found, and where they are private to it, started.

Enters: Namespaces and a name; leaves: paths of their sockets as this process reaches them. Rule of the file: all that private ones write
lies in /run/openvswitch of the namespace's view, a tmpfs that exists for the lab only (keep/views.py). It ends with the keeper, SIGKILL
included, and `vethlab exec host -- ovs-vsctl show` finds the sockets where the tools look for them. Of others (kernel/ovs_machine.py) only
the directory is known.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Sequence
from time import monotonic, sleep
from typing import NamedTuple

from vethlab.errors import BuildError, HostError, KernelError
from vethlab.kernel.port import Finished, Namespaces, ProcessStatus
from vethlab.model.state import Process

PACKAGE = "openvswitch-switch"
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
PROGRAMS = ("ovsdb-server", "ovs-vswitchd", "ovs-ofctl")
TUN = "/dev/net/tun"
SYSTEM_PATHS = "/usr/local/sbin:/usr/sbin:/sbin"  # an ordinary user's PATH may lack them
RUN = "/run/openvswitch"
START_SECONDS = 10.0
_ENVIRONMENT = f'export PATH="$PATH:{SYSTEM_PATHS}" OVS_RUNDIR={RUN} OVS_LOGDIR={RUN} OVS_DBDIR={RUN} OVS_SYSCONFDIR={RUN}'
_COMMON = "--pidfile --log-file --verbose=syslog:off --verbose=console:emer"
_DATABASE = f": Open vSwitch of vethlab, database; {_ENVIRONMENT}; [ ! -d {RUN} ] || rm -rf {RUN}; mkdir {RUN} && cd {RUN} && "
_UNTIL = f"until [ -S {RUN}/db.sock ]; do sleep 0.002; done"  # it tries again after a second only (lib/reconnect.c)
FORWARDER = Process(f": Open vSwitch of vethlab; {_ENVIRONMENT}; {_UNTIL}; cd {RUN} && exec ovs-vswitchd unix:{RUN}/db.sock {_COMMON}")
# Read when ovs-vswitchd starts, and never again (lib/userspace-tso.c); without it ping works in user space and TCP does not.
_ROW = '{"other_config":["map",[["userspace-tso-enable","true"]]]}'
_FIRST = f'{{"Open_vSwitch":{{"6f1d9a3e-5c0b-4a52-9d57-2a1c6d0f7e11":{_ROW}}},"_comment":"vethlab"}}'  # a row needs some UUID


class Found(NamedTuple):
    """The daemons of one namespace, alive or not; None where one was never started. `shared`: the directory of those that are not ours."""

    database: ProcessStatus | None = None
    forwarder: ProcessStatus | None = None
    shared: str | None = None

    @property
    def base(self) -> str | None:
        """Where their directory is, seen from here: the root of a process of the view leads into it (proc_pid_root(5)). None: both died."""
        ours = (f"/proc/{one.pid}/root{RUN}" for one in (self.database, self.forwarder) if one is not None and one.exited is None)
        return self.shared or next(ours, None)


def find(namespaces: Namespaces, name: str, statuses: Iterable[ProcessStatus] | None = None) -> Found:
    """Those of one namespace. `statuses`: all processes of the lab, if they were asked for already."""
    if name in namespaces.switches:
        return Found(shared=namespaces.switches[name])
    known = namespaces.processes() if statuses is None else statuses
    mine = {one.process == FORWARDER: one for one in known if one.netns == name and is_daemon(one.process)}
    return Found(mine.get(False), mine.get(True))


def is_daemon(process: Process) -> bool:
    """Whether a process is one of them."""
    return process == FORWARDER or process.command.startswith(_DATABASE)


def others(statuses: Sequence[ProcessStatus]) -> list[ProcessStatus]:
    """The processes that a lab file asked for."""
    return [one for one in statuses if not is_daemon(one.process)]


def database() -> Process:
    """ovsdb-server with a database of one row. Its file is written by the shell, record for record (ovsdb(5)): ovsdb-tool takes 10 ms."""
    with open(SCHEMA, "rb") as file:  # noqa: PTH123 - no pathlib on this path
        schema = file.read()
    first = _head(f"{_FIRST}\n".encode())
    records = f"echo '{_head(schema)}'; cat {SCHEMA}; echo '{first}'; echo '{_FIRST}'"
    return Process(f"{_DATABASE}{{ {records}; }} >conf.db && exec ovsdb-server conf.db --remote=punix:{RUN}/db.sock {_COMMON}")


def _head(record: bytes) -> str:
    import hashlib  # noqa: PLC0415 - only for labs with Open vSwitch

    return f"OVSDB JSON {len(record)} {hashlib.sha1(record, usedforsecurity=False).hexdigest()}"


def require(*, userspace: bool) -> None:
    """HostError if this machine lacks Open vSwitch or, for the user-space datapath, the device that its interfaces are made of."""
    require_programs(PROGRAMS)
    if not os.path.exists(SCHEMA):  # noqa: PTH110 - no pathlib on this path
        raise HostError(
            "Open vSwitch is not installed whole", where=SCHEMA, why="the schema of its database is missing", slug="no-ovs",
            help=f"apt install {PACKAGE}",
        )
    if userspace:
        require_tun("without its kernel module Open vSwitch makes the interface of a bridge of a tap")


def require_programs(programs: Iterable[str]) -> None:
    """HostError for the first that is not installed."""
    for program in programs:
        if _which(program) is None:
            raise HostError(
                "Open vSwitch is not installed", where=program, why=f"a network of type ovs needs `{program}`", slug="no-ovs",
                help=f"apt install {PACKAGE}",
            )


def require_tun(why: str) -> None:
    """HostError if no tap can be made here."""
    try:
        os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        raise HostError(
            f"{TUN} cannot be opened: {error.strerror}", where=TUN, slug="no-tun",
            why=why,
            help="modprobe tun; in a container give it the device: --device /dev/net/tun",
        ) from error


def start(namespaces: Namespaces, name: str, daemon: Process) -> ProcessStatus:
    """Start one of them, ending what is left of it."""
    database, forwarder, _ = find(namespaces, name)
    left = forwarder if daemon == FORWARDER else database
    if left is not None:
        namespaces.stop(name, left.process)
    namespaces.start(name, daemon)
    return next(one for one in namespaces.processes() if one.netns == name and one.process == daemon)


def database_socket(base: str) -> str:
    """Where ovsdb-server listens."""
    return f"{base}/db.sock"


def control_socket(base: str) -> str:
    """Where ovs-vswitchd takes commands: named by its pid in the lab (unixctl(7)). KernelError while it is not there."""
    try:
        with open(f"{base}/ovs-vswitchd.pid", encoding="ascii") as file:  # noqa: PTH123 - no pathlib on this path
            return f"{base}/ovs-vswitchd.{file.read().strip()}.ctl"
    except OSError as error:
        raise KernelError("reach", "ovs-vswitchd", error.errno or errno.EIO) from error


def bridge_socket(base: str, bridge: str) -> str:
    """Where a bridge speaks OpenFlow."""
    return f"{base}/{bridge}.mgmt"


def wait_for_socket(namespaces: Namespaces, status: ProcessStatus) -> None:
    """Until ovsdb-server listens. BuildError with its last words if it ends, or takes too long."""
    path, end = f"/proc/{status.pid}/root{RUN}/db.sock", monotonic() + START_SECONDS
    while not _listens(path):
        if monotonic() > end or any(one.exited is not None for one in namespaces.processes() if one.pid == status.pid):
            raise died(namespaces, status)
        sleep(0.001)


def _listens(path: str) -> bool:
    """Whether somebody takes connections there: the socket of a daemon that was killed is still there, and refuses them."""
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(path) == 0


def run_tool(namespaces: Namespaces, name: str, argv: Sequence[str]) -> Finished:
    """Run ovs-vsctl, ovs-ofctl or ovs-appctl against the daemons of a namespace. They need their sockets, not the namespace."""
    base = find(namespaces, name).base
    if base is None:
        raise KernelError("reach", f"the Open vSwitch of {name}", errno.ESRCH, "neither of its daemons runs")
    import subprocess  # noqa: PLC0415 - for fixes only

    env = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATHS}", "OVS_RUNDIR": base}
    try:
        done = subprocess.run(list(argv), capture_output=True, text=True, check=False, env=env, timeout=30)
    except OSError as error:
        return Finished(127, "", f"{argv[0]}: {error.strerror}")
    return Finished(done.returncode, done.stdout, done.stderr)


def died(namespaces: Namespaces, status: ProcessStatus) -> BuildError:
    """What a daemon that did not come up said last."""
    done = namespaces.run(status.netns, ["tail", "-n", "3", f"/run/log/{status.log.partition('/run/log/')[2]}"])
    words = " ".join(done.stdout.split())
    which = "ovs-vswitchd" if status.process == FORWARDER else "ovsdb-server"
    return BuildError(
        f"{which} did not start", where=status.netns, why=words, help="`vethlab doctor` says what this machine lacks", slug="ovs-daemon",
    )


def _which(name: str) -> str | None:
    places = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATHS}".split(":")
    return next((path for place in places if os.access(path := f"{place}/{name}", os.X_OK)), None)
