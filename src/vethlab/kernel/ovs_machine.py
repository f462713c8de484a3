"""The machine's own Open vSwitch, which labs with `host: machine` share: found, asked, and rid of what is ours.

Enters: the directory of its sockets; leaves: what it offers, what others have in it, what is ours. Rule of the file: a row is ours by the
mark in its external_ids and by nothing else. A database counts only if its server lives in the network namespace of this thread: the file
system may be shared with another one, whose labs are not seen alive from here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from vethlab.errors import BuildError, HostError, KernelError
from vethlab.kernel import ovs_daemons
from vethlab.kernel.features_ovs import kernel_datapath
from vethlab.kernel.jsonrpc import Peer
from vethlab.kernel.marks import SWITCH, Marked
from vethlab.kernel.ovs_rows import DUMP, FORWARDS, MARK, SETTINGS, Offer, bearing
from vethlab.kernel.ovsdb import ALL, DATABASE, Database, mutate, read_mapping, read_set, select
from vethlab.model.names import mark
from vethlab.model.switch import AUTO, KERNEL, USERSPACE

_START = f"systemctl start {ovs_daemons.PACKAGE}"
__all__ = ["claimed", "farewell", "marked", "others", "remove", "require", "runs", "silent", "unfilling"]


def require(base: str) -> Offer:
    """What it offers. HostError where it is not installed, does not run, or serves another network than this thread's."""
    try:
        with _reached(base) as database:
            offer = Offer.of(database.transact([SETTINGS])[0]["rows"])
        Peer(ovs_daemons.control_socket(base), "ovs-vswitchd").close()
    except KernelError as error:
        ovs_daemons.require_programs(ovs_daemons.PROGRAMS)
        raise HostError(
            "the machine's Open vSwitch does not run", where=base, slug="ovs-not-running",
            why="with `host: machine` a network of type ovs is a bridge on it",
            help=f"{_START}; or leave `host: machine` away: the lab then starts one of its own",
        ) from error
    return offer


def runs(base: str) -> bool:
    """Whether both daemons answer."""
    try:
        Database(ovs_daemons.database_socket(base)).close()
        Peer(ovs_daemons.control_socket(base), "ovs-vswitchd").close()
    except KernelError:
        return False
    return True


def silent(base: str) -> BuildError:
    """It was there a moment ago and does not answer now."""
    return BuildError(
        "the machine's Open vSwitch does not answer any more", where=base, slug="ovs-not-running",
        why="somebody stopped it while the lab was changed", help=f"{_START}, then `vethlab up`",
    )


def claimed(base: str, owner: str) -> frozenset[str]:
    """The bridges of one owner; their interfaces are his. None where nobody answers."""
    try:
        with _reached(base) as database:
            (found,) = database.transact([select("Bridge", bearing(owner), ["name"])])
    except KernelError:
        return frozenset()
    return frozenset(row["name"] for row in found["rows"])


def unfilling(base: str, owner: str, wanted: Mapping[str, str]) -> frozenset[str]:
    """Of an owner's bridges (their datapaths as declared, by name) those that pass a checksum on as it comes. None where nobody answers.

    In user space none is filled in, unless the daemon was started with userspace-tso-enable (lib/userspace-tso.c).
    """
    try:
        with _reached(base) as database:
            settings, rows = database.transact([SETTINGS, select("Bridge", bearing(owner), ["name", "datapath_type"])])
    except KernelError:
        return frozenset()
    offer = Offer.of(settings["rows"])
    there = {row["name"]: FORWARDS.get(row["datapath_type"], KERNEL) for row in rows["rows"]}
    module = kernel_datapath()
    used = {
        name: there[name] if datapath == AUTO and name in there else offer.datapath(datapath, module=module)
        for name, datapath in wanted.items()
    }
    return frozenset() if offer.fills else frozenset(name for name, datapath in used.items() if datapath == USERSPACE)


def others(base: str, owner: str) -> dict[str, str]:
    """What is in the database and not this owner's, by name: a name is taken there even where no interface has it (patch ports)."""
    with _reached(base) as database:
        bridges, ports, interfaces = (result["rows"] for result in database.transact(DUMP)[:3])
    mine = {uuid for row in bridges if _owner(row) == owner for uuid in _uuids(row["ports"])}
    inside = {uuid for row in ports if row["_uuid"][1] in mine for uuid in _uuids(row["interfaces"])}
    found: dict[str, str] = {}
    for what, rows, ours in (("bridge", bridges, set()), ("port", ports, mine), ("port", interfaces, inside)):
        for row in rows:
            if row["_uuid"][1] not in ours and not (what == "bridge" and _owner(row) == owner):
                found.setdefault(row["name"], f"a {what} of the machine's Open vSwitch{_said(row)}")
    return found


def marked(base: str) -> list[Marked]:
    """Every bridge that bears a mark, whoever's it is. KernelError where nobody answers."""
    with _reached(base) as database:
        (found,) = database.transact([select("Bridge", ALL, ["name", "external_ids"])])
    return [Marked(row["name"], SWITCH, mark(owner, row["name"])) for row in found["rows"] if (owner := _owner(row))]


def remove(base: str, found: Sequence[Marked]) -> list[Marked]:
    """Remove these; those that were there. Where ovs-vswitchd runs, their interfaces are gone afterwards."""
    wanted = {(one.name, one.owner): one for one in found}
    with _reached(base) as database:
        (held,) = database.transact([select("Bridge", ALL, ["_uuid", "name", "external_ids"])])
        there = {(row["name"], _owner(row)): row["_uuid"] for row in held["rows"]}
        gone = wanted.keys() & there.keys()
        if gone:
            number = database.change([mutate(DATABASE, ALL, [["bridges", "delete", ["set", [there[one] for one in gone]]]])])
            if runs(base):
                database.carried_out(number)
    return [one for key, one in wanted.items() if key in gone]


def farewell(owner: str, uuids: str) -> tuple[bytes, bytes]:
    """Two finished messages for who cannot make any (keep/rows.py), that take an owner's bridges out of a database.

    The first asks for their numbers, which are to stand in the second in place of `uuids`.
    """
    question = [select("Bridge", bearing(owner), ["_uuid"])]
    removal = [mutate(DATABASE, ALL, [["bridges", "delete", ["set", [uuids]]], ["next_cfg", "+=", 1]])]
    texts = [json.dumps({"method": "transact", "params": [DATABASE, *one], "id": 1}) for one in (question, removal)]
    return texts[0].encode(), texts[1].replace(f'"{uuids}"', uuids).encode()


@contextmanager
def _reached(base: str) -> Iterator[Database]:
    """Its database. KernelError where nobody answers, HostError where it serves another network."""
    with closing(Database(ovs_daemons.database_socket(base))) as database:
        if not _here(database.pid):
            raise HostError(
                "this Open vSwitch serves another network", where=base, slug="ovs-not-running",
                why="its ovsdb-server does not live in the network namespace in which this command runs, as far as can be seen from here",
                help="start one here, with an OVS_RUNDIR of its own; or run vethlab where that one serves",
            )
        yield database


def _here(pid: int) -> bool:
    try:
        there, here = (os.stat(f"/proc/{one}/ns/net") for one in (pid, "thread-self"))  # noqa: PTH116 - no pathlib on this path
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _owner(row: dict[str, Any]) -> str:
    return read_mapping(row["external_ids"]).get(MARK, "")


def _uuids(value: Any) -> list[str]:
    return [one[1] for one in read_set(value)]


def _said(row: dict[str, Any]) -> str:
    owner = read_mapping(row.get("external_ids", ["map", []])).get(MARK, "")
    return f" of lab `{owner.partition('.')[0]}`" if owner else ""
