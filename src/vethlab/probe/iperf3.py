"""TCP and UDP streams by iperf3(1), whose figures others can repeat.

Enters: the program, a way to start commands in nodes, two ends; leaves: bit/s received. Rule of the file: the server serves one test, on a
port that was free a moment ago, and both ends are waited for or killed, whatever happens; what iperf3 says of a failure is passed on in its
own words. It counts whole seconds, and 0 would mean for ever (iperf_parse_arguments, atoi).
"""

from __future__ import annotations

import contextlib
import json
import math
import socket
import subprocess
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Any

from vethlab.errors import LabError
from vethlab.kernel.netlink.sock_diag import TCP
from vethlab.kernel.port import Namespaces
from vethlab.probe.listening import hear
from vethlab.probe.speed import DATAGRAM, PATIENCE, End

__all__ = ["Iperf3", "Start"]

Start = Callable[[str, Sequence[str]], "subprocess.Popen[str]"]
"""Begins a command in a node, with its two outputs as pipes; it has to end with this process."""

ATTEMPTS = 3  # somebody else may take the port between our asking and the server's
SLACK = 10.0  # seconds that a test may take longer than its stream: connecting, and the results of both sides
_PAUSE = 0.005


class Iperf3:
    """A tool of probe.speed. `program`: where iperf3 is."""

    def __init__(self, namespaces: Namespaces, start: Start, program: str) -> None:
        self._namespaces, self._start, self._program = namespaces, start, program

    def tcp(self, src: End, dst: End, seconds: float) -> float:
        """One stream; bit/s that the receiver counted."""
        return _received(self._run(src, dst, seconds))

    def udp(self, src: End, dst: End, seconds: float) -> float:
        """Datagrams as fast as they are taken; bit/s that the receiver counted."""
        return _received(self._run(src, dst, seconds, "--udp", "--bitrate", "0", "--length", str(DATAGRAM)))

    def _run(self, src: End, dst: End, seconds: float, *options: str) -> dict[str, Any]:
        port, server = self._serve(src, dst)
        client = None
        try:
            whole = max(1, math.ceil(seconds))
            client = self._start(src.node, [
                self._program, "--json", "--client", str(dst.address), "--port", str(port), "--bind", str(src.address),
                "--time", str(whole), "--connect-timeout", str(int(PATIENCE * 1000)), *options,
            ])
            return self._told(client, whole, src, dst)
        finally:
            for process in (client, server):
                if process is not None:
                    _end(process)

    def _serve(self, src: End, dst: End) -> tuple[int, subprocess.Popen[str]]:
        """A server that listens: its port, and the process."""
        said = ""
        for _ in range(ATTEMPTS):
            port = _free(self._namespaces, dst)
            server = self._start(dst.node, [self._program, "--server", "--one-off", "--bind", str(dst.address), "--port", str(port)])
            try:
                if self._listens(server, dst, port):
                    return port, server
                said = _words(server)
            except BaseException:
                _end(server)
                raise
            _end(server)
        raise _failed(src, dst, said)

    def _listens(self, server: subprocess.Popen[str], dst: End, port: int) -> bool:
        """Whether it does so in time. A listener that comes up is no netlink event, so the kernel is asked again and again."""
        deadline = monotonic() + PATIENCE
        while server.poll() is None and monotonic() < deadline:
            heard = hear(self._namespaces, [dst.node])[dst.node][TCP]
            if heard is None or any(one.port == port for one in heard):
                return True
            sleep(_PAUSE)
        return False

    def _told(self, client: subprocess.Popen[str], whole: int, src: End, dst: End) -> dict[str, Any]:
        try:
            out, err = client.communicate(timeout=whole + PATIENCE + SLACK)
        except subprocess.TimeoutExpired:
            raise _failed(src, dst, f"no end after {whole + PATIENCE + SLACK:.0f} s") from None
        try:
            told = json.loads(out)
        except ValueError:
            told = None
        if not isinstance(told, dict) or client.returncode or "error" in told:  # an error of --json has exit status 0
            said = told.get("error", "") if isinstance(told, dict) else ""
            raise _failed(src, dst, str(said) or _last(err) or _last(out) or f"exit status {client.returncode}")
        return told


def _received(told: dict[str, Any]) -> float:
    """Bit/s at the receiver. Of UDP iperf3 says so only since 3.2; before, the sender's figure and the share that was lost."""
    end = told.get("end", {})
    if "sum_received" in end:
        return float(end["sum_received"].get("bits_per_second", 0.0))
    total = end.get("sum", {})
    return float(total.get("bits_per_second", 0.0)) * (1 - float(total.get("lost_percent", 0.0)) / 100)


def _free(namespaces: Namespaces, dst: End) -> int:
    """A port that nobody uses at that address, neither for TCP (iperf3's own talk) nor for UDP."""
    family = socket.AF_INET if dst.address.version == 4 else socket.AF_INET6
    while True:
        first, second = namespaces.sockets([(dst.node, family, kind, 0) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)])
        with first, second:
            first.bind((str(dst.address), 0))
            port: int = first.getsockname()[1]
            with contextlib.suppress(OSError):
                second.bind((str(dst.address), port))
                return port


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()


def _words(process: subprocess.Popen[str]) -> str:
    """The last words of a process that ended, or what it did instead of listening."""
    if process.poll() is None:
        return "the server does not listen"
    out, err = process.communicate()
    return _last(err) or _last(out) or f"the server ended with status {process.returncode}"


def _last(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _failed(src: End, dst: End, said: str) -> LabError:
    return LabError(
        f"iperf3 could not measure: {said.removeprefix('iperf3: ')}", where=f"{src.node} -> {dst.node}", slug="no-answer",
        help=f"vethlab why {src.node} {dst.node}; or `bench --with own`",
    )
