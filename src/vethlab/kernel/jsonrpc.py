"""JSON-RPC 1.0 over a unix socket, as ovsdb-server (RFC 7047 section 4) and the control sockets of Open vSwitch speak it.

Enters: the path of a socket, methods and parameters; leaves: results. Rule of the file: one request at a time; an `echo` of the other side,
by which it finds out whether we live (RFC 7047 section 4.1.11), is answered whenever it comes.
"""

from __future__ import annotations

import errno
import json
import socket
import struct
from time import monotonic
from typing import Any

from vethlab.errors import KernelError

PATIENCE = 15.0  # seconds for one answer


class Peer:
    """A connection. `name` is how errors call the other side. KernelError where it refuses, is not there, or does not answer in time."""

    def __init__(self, path: str, name: str) -> None:
        self.name = name
        self._id = 0
        self._rest = ""
        self._decoder = json.JSONDecoder()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(PATIENCE)
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise self._failed("connect to", error.errno or errno.EIO) from error

    def call(self, method: str, params: list[Any]) -> Any:
        """The result of one method. KernelError with the other side's words if it answers with an error."""
        self._id += 1
        end = monotonic() + PATIENCE
        self._send({"method": method, "params": params, "id": self._id})
        while True:
            answer = self._receive(end)
            if answer.get("method") == "echo":
                self._send({"result": answer["params"], "error": None, "id": answer["id"]})
            elif answer.get("id") == self._id and "method" not in answer:
                if answer.get("error") is not None:  # a control socket leaves `result` away then
                    raise KernelError(method, self.name, errno.EINVAL, _words(answer["error"]))
                return answer["result"]

    @property
    def pid(self) -> int:
        """Who listens (unix(7), SO_PEERCRED); 0 if that process is not seen from here."""
        pid: int = struct.unpack("3i", self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        return pid

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(message, separators=(",", ":")).encode())
        except OSError as error:
            raise self._failed("ask", error.errno or errno.EIO) from error

    def _receive(self, end: float) -> dict[str, Any]:
        """The next message: they follow each other without anything between."""
        while True:
            text = self._rest.lstrip()
            try:
                message, used = self._decoder.raw_decode(text) if text else (None, 0)
            except ValueError:
                message = None  # a part of one
            if isinstance(message, dict):
                self._rest = text[used:]
                return message
            self._rest += self._more(end)

    def _more(self, end: float) -> str:
        try:
            self._socket.settimeout(max(0.001, end - monotonic()))
            data = self._socket.recv(1 << 16)
        except OSError as error:
            raise self._failed("hear from", errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno or errno.EIO) from error
        if not data:
            raise self._failed("hear from", errno.ECONNRESET)
        return data.decode("ascii", "replace")  # Open vSwitch escapes what is not ASCII

    def _failed(self, verb: str, code: int) -> KernelError:
        return KernelError(verb, self.name, code)


def _words(error: Any) -> str:
    """An error as Open vSwitch puts it: a text, or a mapping with `error` and `details`."""
    if isinstance(error, dict):
        return ": ".join(str(error[key]) for key in ("error", "details") if error.get(key))
    return " ".join(str(error).split())
