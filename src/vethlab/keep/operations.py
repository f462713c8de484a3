"""What a keeper can be asked: one function an operation, found by its word in OPERATIONS.

Enter: the keeper, the client, fields and descriptors of the request. Leaves: one or several replies, now or when a child has ended.
Rule of the file: no system calls here; arguments are taken apart, the work is done by holding, views and processes. Descriptors that came
with a request are closed by the loop afterwards.
"""

from __future__ import annotations

import errno
import os

from vethlab.keep import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable, Sequence

    from vethlab.keep.keeper import Keeper

    Operation = Callable[[Keeper, "Client", list[str], list[int]], None]

LIST_PART = 500  # values in one message


class Client:
    """One connection. `commands` are the short commands it waits for."""

    def __init__(self, connection: _socket.socket) -> None:
        self.connection, self.number = connection, connection.fileno()
        self.commands: set[int] = set()

    def reply(self, fields: Sequence[str], descriptors: Sequence[int] = ()) -> None:
        """Send, unless the client is gone: the loop will notice that by itself."""
        try:
            wire.send(self.connection, fields, descriptors)
        except OSError:
            return

    def reply_many(self, values: Sequence[str]) -> None:
        """Send a list of any length."""
        for part in wire.chunks(values, 1, LIST_PART):
            self.reply(("more", *part))
        self.reply(("ok",))


def _names(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    prefix = fields[0]
    client.reply_many([name for name in keeper.holding.held if name.startswith(prefix) and wire.SCOPE_END not in name[len(prefix) :]])


def _create(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    made = keeper.holding.create(fields)
    client.reply(("ok",), made)
    for number in made[1::2]:
        os.close(number)


def _join(keeper: Keeper, client: Client, fields: list[str], descriptors: list[int]) -> None:
    if keeper.birth.mode == "rootless":
        raise wire.Refusal("host", "join the machine's network namespace without root", "", errno.EPERM)
    name, lease = fields
    keeper.holding.join(name, lease, descriptors[0])
    keeper.views.lend(name, descriptors[1])
    client.reply(("ok",))


def _will(keeper: Keeper, client: Client, fields: list[str], descriptors: list[int]) -> None:
    keeper.holding.joined[fields[0]].set_will([int(protocol) for protocol in fields[1:]], descriptors)
    client.reply(("ok",))


def _rows(keeper: Keeper, client: Client, fields: list[str], descriptors: list[int]) -> None:
    keeper.holding.joined[fields[0]].set_rows(*descriptors)
    client.reply(("ok",))


def _open(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    made = keeper.holding.open(fields)
    client.reply(("ok",), made)
    for number in made[1::2]:
        os.close(number)


def _sockets(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    numbers = [iter(fields)] * 4
    made = keeper.holding.sockets([(name, int(family), int(kind), int(last)) for name, family, kind, last in zip(*numbers, strict=True)])
    client.reply(("ok",), made)
    for number in made:
        os.close(number)


def _drop(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    def ended(_: int) -> None:
        keeper.views.forget(fields)
        keeper.holding.forget(fields)
        client.reply(("ok",))

    keeper.processes.end_all_in(fields, ended)


def _read(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    client.reply_many(keeper.holding.read_sysctls(zip(fields[::2], fields[1::2], strict=True)))


def _write(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    keeper.holding.write_sysctls(zip(fields[::3], fields[1::3], fields[2::3], strict=True))
    client.reply(("ok",))


def _run(keeper: Keeper, client: Client, fields: list[str], descriptors: list[int]) -> None:
    def ended(status: int) -> None:
        client.commands.discard(pid)
        client.reply(("ok", str(status)))

    pid = keeper.processes.command(fields[0], fields[1:], descriptors, ended)
    client.commands.add(pid)


def _start(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    name, command, directory, *private = fields
    keeper.processes.start(name, command, directory, tuple(private))
    client.reply(("ok",))


def _stop(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    keeper.processes.stop(fields[0], fields[1], lambda _: client.reply(("ok",)))


def _processes(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    for one in keeper.processes.listing():
        if one.name.startswith(fields[0]) and wire.SCOPE_END not in one.name[len(fields[0]) :]:
            client.reply(("more", *one.fields()))
    client.reply(("ok",))


def _view(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    view = keeper.views.view(fields[0])
    kinds = ("user", "pid") if keeper.birth.mode == "rootless" else ("pid",)
    own = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in kinds]
    client.reply(("ok", *keeper.birth.warnings), [*own, view, keeper.holding.descriptor(fields[0])])
    for number in own:
        os.close(number)


def _hosts(keeper: Keeper, client: Client, fields: list[str], descriptors: list[int]) -> None:
    keeper.views.set_hosts(fields[0], *descriptors)
    client.reply(("ok",))


def _shared(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    for name in fields:
        keeper.views.set_private(name, ())
    client.reply(("ok",))


def _private(keeper: Keeper, client: Client, fields: list[str], _: list[int]) -> None:
    keeper.views.set_private(fields[0], fields[1:])
    client.reply(("ok",))


def _record(keeper: Keeper, client: Client, _: list[str], descriptors: list[int]) -> None:
    if descriptors:
        os.dup2(descriptors[0], wire.RECORD_DESCRIPTOR, inheritable=False)
        client.reply(("ok",))
    elif keeper.trusts(client):
        client.reply(("ok",), (wire.RECORD_DESCRIPTOR,))
    else:
        keeper.readers.append(client)


def _commit(keeper: Keeper, client: Client, _: list[str], __: list[int]) -> None:
    keeper.committed = True
    client.reply(("ok",))
    for reader in keeper.readers:
        reader.reply(("ok",), (wire.RECORD_DESCRIPTOR,))
    keeper.readers.clear()
    keeper.grant()


def _lock(keeper: Keeper, client: Client, _: list[str], __: list[int]) -> None:
    if client is keeper.writer or client in keeper.writers:
        raise wire.Refusal("bug", "lock", "", 0, "this client has asked for the lock before")
    keeper.writers.append(client)
    keeper.grant()


def _unlock(keeper: Keeper, client: Client, _: list[str], __: list[int]) -> None:
    if keeper.writer is client:
        keeper.writer = None
        keeper.grant()
    client.reply(("ok",))


def _status(keeper: Keeper, client: Client, _: list[str], __: list[int]) -> None:
    client.reply(("ok", keeper.birth.mode, "1" if keeper.committed else "0", str(len(keeper.holding.held)), *keeper.birth.warnings))


def _adopt(keeper: Keeper, client: Client, _: list[str], descriptors: list[int]) -> None:
    from _socket import socket as Socket  # noqa: PLC0415, N812 - built in; used here only

    keeper.adopt(Socket(fileno=os.dup(descriptors[0])))
    client.reply(("ok",))


def _quit(keeper: Keeper, client: Client, _: list[str], __: list[int]) -> None:
    client.reply(("ok",))
    keeper.end()


OPERATIONS: dict[str, Operation] = {
    "names": _names, "create": _create, "join": _join, "will": _will, "rows": _rows, "open": _open, "sockets": _sockets, "drop": _drop,
    "read": _read, "write": _write, "run": _run,
    "start": _start, "stop": _stop, "processes": _processes, "view": _view, "hosts": _hosts, "private": _private, "shared": _shared,
    "record": _record,
    "commit": _commit, "lock": _lock, "unlock": _unlock, "status": _status, "adopt": _adopt, "quit": _quit,
}
