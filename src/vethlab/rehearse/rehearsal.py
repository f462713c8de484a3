"""A rehearsal: a throw-away copy of some nodes of a lab, in which changes may fail.

Enters: the namespaces of a running lab and the nodes that matter; leaves: namespaces that behave as theirs do. Rule of the file: the lab is
only read. The copy lives in a keeper without a name that dies with this process, SIGKILL included, so nothing of it can be left.

Not copied: connections and what is learned (conntrack, neighbours, forwarding entries of a bridge, learned MTUs), processes (a
placeholder listens where one is asked for), offloads (ethtool), timers of neighbours, rules of iptables-legacy, and the STP of a bridge,
whose ports stand as it had put them.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Literal, Self

from vethlab.apply.commands import carry_out
from vethlab.errors import KernelError, VethlabError
from vethlab.keep.client import Mode, Scope, helper
from vethlab.kernel.port import Namespaces
from vethlab.model.finding import Command
from vethlab.rehearse.copying import Copy
from vethlab.rehearse.original import Lab, read

Placeholder = tuple[str, Literal["tcp", "udp"], str, int]  # node, protocol, address, port

LABEL = "rehearsal"
_BACKLOG = 16
_IP_FREEBIND, _IPV6_FREEBIND = 15, 78  # bind to an address that is not there (yet)


class Rehearsal:
    """A context manager. `refused`: why there is no faithful copy, as a sentence; nothing is to be concluded from one then."""

    def __init__(
        self, namespaces: Namespaces, nodes: Collection[str], mode: Mode, listen: Sequence[Placeholder] = (),
    ) -> None:
        self._lab_namespaces, self._nodes, self._mode, self._listen = namespaces, tuple(nodes), mode, tuple(listen)
        self.refused = ""
        self._scope: Scope | None = None
        self._lab: Lab | None = None
        self._copy: Copy | None = None
        self._sockets: list[socket.socket] = []

    @property
    def namespaces(self) -> Scope:
        """The copy: the same names, and perhaps one more (`~outside`) for the far ends of cables that lead out of it."""
        if self._scope is None:
            raise VethlabError("a rehearsal has namespaces only within its `with` block")
        return self._scope

    def __enter__(self) -> Self:
        self._scope = helper(self._mode).scope(LABEL)
        try:
            self._lab = read(self._lab_namespaces, self._nodes)
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def run(self, commands: Sequence[Command]) -> None:
        """Carry out a fix's commands in the copy. KernelError or HostError if one fails; what it changed stays until `reset`."""
        carry_out(self.namespaces, commands)

    def reset(self) -> None:
        """Throw the copy away and build it anew from what was read at the beginning."""
        self._drop()
        self._build()

    def close(self) -> None:
        """Throw everything away."""
        if self._scope is not None:
            try:
                self._drop()
            finally:
                self._scope.close()
                self._scope = None

    def _build(self) -> None:
        lab = self._lab
        if lab is None or lab.refused:
            self.refused = lab.refused if lab is not None else ""
            return
        self._copy = Copy(lab, self.namespaces)
        try:
            self.refused = self._copy.build()
            if not self.refused:
                self._occupy()
        except KernelError as error:
            self.refused = f"the copy cannot be made: {error.message}"

    def _occupy(self) -> None:
        """Listen where somebody does in the lab, so that a probe of the copy finds an open port."""
        asked = []
        for node, protocol, address, _ in self._listen:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            asked.append((node, family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM, 0))
        self._sockets = self.namespaces.sockets(asked) if asked else []
        for sock, (node, protocol, address, port) in zip(self._sockets, self._listen, strict=True):
            if ":" in address:
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # one that serves IPv4 too is told twice
            else:
                sock.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, port))
                if protocol == "tcp":
                    sock.listen(_BACKLOG)
            except OSError as error:
                self.refused = f"nothing can listen on {protocol} port {port} of {node} in the copy: {error.strerror}"

    def _drop(self) -> None:
        for sock in self._sockets:
            sock.close()
        self._sockets = []
        if self._copy is not None:
            self._copy.close()
            self._copy = None
        names = sorted(self.namespaces.names())
        if names:
            self.namespaces.drop(names)
