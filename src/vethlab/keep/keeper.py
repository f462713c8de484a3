"""The keeper: one small process that holds a lab. PID 1 of its own world, so that its end, SIGKILL included, is the end of all of it.

Enter: requests of clients of its own user. Leave: descriptors and sockets made inside the namespaces, and texts.
Rule of the file: one process, one poll loop, no threads. Until `commit` it lives only as long as its builder's connection, then until
`quit`.
Run as `python -I -S -E`: it imports the standard library's smallest modules only (10 MiB with 1,000 namespaces).
"""

from __future__ import annotations

import os
import resource
import select
import sys
from _socket import SO_PEERCRED, SOL_SOCKET
from _socket import socket as Socket  # noqa: N812 - beside variables named socket

from vethlab.keep import wire
from vethlab.keep.birth import CONNECTION_DESCRIPTOR, Birth, enter_world
from vethlab.keep.holding import Holding
from vethlab.keep.operations import OPERATIONS, Client
from vethlab.keep.processes import Processes
from vethlab.keep.views import Views

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    import signal as signals
    from collections.abc import Callable
    from typing import NoReturn
else:
    import _signal as signals  # the signal module brings enum with it

SEND_SECONDS = 5.0  # a client that does not read for so long is let go


class Keeper:
    """The loop and what the operations work on."""

    def __init__(self, birth: Birth, limit: tuple[int, int]) -> None:
        self.birth = birth
        self.holding = Holding(birth.home)
        self.views = Views(self.holding, birth.warnings)
        self.processes = Processes(birth, self.holding, self.views, limit)
        self.committed = False
        self.writer: Client | None = None  # who holds the lock
        self.writers: list[Client] = []  # who waits for it
        self.readers: list[Client] = []  # who waits for the record of a lab that is still being built
        self.builder: Client | None = None
        self._clients: dict[int, Client] = {}
        self._poll = select.poll()
        self._wake = _wake_up_on_signals(self.end)

    def serve(self) -> None:
        """Answer until told to stop or orphaned."""
        self._poll.register(self._wake, select.POLLIN)
        listener = self.birth.listener
        if listener is not None:
            self._poll.register(listener.fileno(), select.POLLIN)
        self.builder = self.adopt(self.birth.connection)
        builder = self.builder.number
        wire.send(self.birth.connection, ("ready", *self.birth.warnings))
        while True:
            patience = self.processes.patience()
            for number, _ in self._poll.poll(None if patience is None else patience * 1000 + 1):
                if number == self._wake:
                    os.read(self._wake, 4096)
                elif listener is not None and number == listener.fileno():
                    self._accept(listener)
                elif not self._answer(self._clients[number]) and not self.committed and number == builder:
                    self.end()
            self.processes.reap()
            self.processes.overdue()

    def end(self) -> NoReturn:
        """End the lab: what it has in a namespace of others is taken away, everything else goes with this process."""
        self.holding.leave(list(self.holding.joined))
        os._exit(0)

    def adopt(self, connection: _socket.socket) -> Client:
        """Serve one more connection."""
        connection.settimeout(SEND_SECONDS)
        client = Client(connection)
        self._clients[client.number] = client
        self._poll.register(client.number, select.POLLIN)
        return client

    def trusts(self, client: Client) -> bool:
        """Whether it may look already: until `commit` there is nothing for others to see but a building site."""
        return self.committed or client is self.builder

    def grant(self) -> None:
        """Give the lock, if it is free, to the first who may have it."""
        for client in self.writers:
            if self.writer is None and self.trusts(client):
                self.writers.remove(client)
                self.writer = client
                client.reply(("ok",))
                return

    def _accept(self, listener: _socket.socket) -> None:
        try:
            number, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - the small socket type has no other
        except OSError:
            return  # the client is gone already, or no descriptor is free
        connection = Socket(fileno=number)
        user = int.from_bytes(connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 12)[4:8], sys.byteorder)
        if user == os.getuid():  # rootless both are 0: the one id that is mapped to the lab's owner
            self.adopt(connection)
        else:
            connection.close()

    def _answer(self, client: Client) -> bool:
        """Serve one request; False if the client is gone."""
        try:
            message = wire.receive(client.connection)
        except OSError:
            message = None
        if message is None:
            self._lose(client)
            return False
        fields, descriptors, _ = message
        try:
            OPERATIONS[fields[0]](self, client, fields[1:], descriptors)
        except wire.Refusal as refusal:
            client.reply(refusal.fields())
        except Exception as error:  # noqa: BLE001 - one bad request must not end a lab
            number = (error.errno or 0) if isinstance(error, OSError) else 0
            client.reply(wire.Refusal("host" if number else "bug", fields[0], "", number, f"{type(error).__name__}: {error}").fields())
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _lose(self, client: Client) -> None:
        self._poll.unregister(client.number)
        del self._clients[client.number]
        client.connection.close()
        for pid in client.commands:
            self.processes.cancel(pid)
        self.writers = [one for one in self.writers if one is not client]
        self.readers = [one for one in self.readers if one is not client]
        if self.writer is client:
            self.writer = None
            self.grant()


def _wake_up_on_signals(end: Callable[[], NoReturn]) -> int:
    """SIGCHLD interrupts the poll; SIGTERM ends the keeper (PID 1 ignores signals it has no handler for)."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signals.signal(signals.SIGCHLD, lambda *_: None)
    signals.signal(signals.SIGTERM, lambda *_: end())
    signals.signal(signals.SIGINT, signals.SIG_IGN)
    signals.signal(signals.SIGHUP, signals.SIG_IGN)
    signals.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _settle() -> None:
    """Let go of everything inherited: standard streams, stray descriptors, the directory (it pins a mount). Keep a place for the record."""
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    for entry in os.listdir("/proc/self/fd"):
        if int(entry) > CONNECTION_DESCRIPTOR:
            try:
                os.close(int(entry))
            except OSError:
                continue  # the directory's own
    record = os.memfd_create("vethlab-record")
    if record != wire.RECORD_DESCRIPTOR:  # it is, where a builder without standard streams left lower numbers free; dup3(2) refuses that
        os.dup2(record, wire.RECORD_DESCRIPTOR, inheritable=False)
        os.close(record)
    os.chdir("/")


def main() -> None:
    """Start with arguments: mode, abstract socket name or nothing, how to map ids."""
    mode, name, maps = sys.argv[1:4]
    os.set_inheritable(CONNECTION_DESCRIPTOR, False)
    connection = Socket(fileno=CONNECTION_DESCRIPTOR)
    try:
        _settle()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        Keeper(enter_world(connection, mode, name, maps), (soft, hard)).serve()
    except wire.Refusal as refusal:
        wire.send(connection, refusal.fields())
    except Exception as error:  # noqa: BLE001 - the builder must hear of it: there is no terminal here
        number = (error.errno or 0) if isinstance(error, OSError) else 0
        wire.send(connection, wire.Refusal("bug", "keep the lab", "", number, f"{type(error).__name__}: {error}").fields())
    os._exit(1)
