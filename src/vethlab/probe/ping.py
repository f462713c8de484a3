"""Ping many paths at once from one process: a raw socket in each source namespace, replies told apart by what they carry.

Enters: paths by position, the namespaces; leaves: an Outcome for each. Rule of the file: no answer within `timeout` of the *end* of sending
is a loss, and only after three further requests: a request dropped by a full queue on the way is no loss. What the kernel
could not send for want of a neighbour entry (ENOBUFS) waits longer, because that is the machine's state and not the lab's.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from time import monotonic

from vethlab.kernel.port import Namespaces
from vethlab.model.path import Path
from vethlab.probe.echo import Codec
from vethlab.probe.lane import Job, Lane, prepare, protocol
from vethlab.probe.outcome import Outcome, seconds

LANES = 200  # sockets held at a time
CHUNK = 128
WINDOW = 64  # requests without an answer that may be under way before we wait a little: more would overflow queues (netdev_max_backlog)
WINDOW_WAIT = 0.01
SOLICIT_AGAIN = 0.2  # waited beyond the timeout: the kernel repeats a lost ARP request only after 1 s (net.ipv4.neigh.*.retrans_time_ms)
RESEND = (0.1, 0.3, 0.6)  # of the timeout, after the last request was sent
STARVED_WAIT = 6.0  # entries become collectable 5 s after their last use (net/core/neighbour.c neigh_forced_gc)
NO_REPLY = "no reply"
TABLE_FULL = "the machine's neighbour table is full: nothing could be sent"
_LaneKey = tuple[str, int, str | None, str | None]
Before = Callable[[str, Sequence[int]], None]


class Pinger:
    """One round of pings. `before(namespace, positions)` is called ahead of each chunk of requests of one namespace."""

    def __init__(self, namespaces: Namespaces, *, timeout: float, codec: Codec | None = None, before: Before | None = None) -> None:
        self._namespaces, self._timeout, self._before = namespaces, timeout, before
        self.codec = codec or Codec()
        self._paths: Mapping[int, Path] = {}
        self._times: dict[int, int] = {}
        self._failed: dict[int, Outcome] = {}
        self._starved: set[int] = set()

    def run(self, paths: Mapping[int, Path]) -> dict[int, Outcome]:
        """Ping every path; the answer has every position that came in."""
        self._paths = paths
        keys = list(lanes := _lanes(paths))
        for start in range(0, len(keys), LANES):
            self._run_some({key: lanes[key] for key in keys[start : start + LANES]})
        outcomes = {position: Outcome(True, nanoseconds / 1000) for position, nanoseconds in self._times.items()}
        return outcomes | self._failed

    def _run_some(self, work: Mapping[_LaneKey, list[Job]]) -> None:
        sockets = self._namespaces.sockets([(key[0], *protocol(key[1])) for key in work])
        lanes: list[Lane] = []
        try:
            for sock, ((name, version, interface, source), jobs) in zip(sockets, work.items(), strict=True):
                try:
                    prepare(sock, version, interface=interface, source=source)
                except OSError as error:
                    self._failed.update((job[0], unbound(self._paths[job[0]], error)) for job in jobs)
                    continue
                lanes.append(Lane(sock, version, self.codec, self._times))
                self._send_all(name, lanes[-1], jobs)
            self._collect(lanes)
            for lane in lanes:
                self._give_up(lane)
        finally:
            for sock in sockets:
                sock.close()

    def _send_all(self, name: str, lane: Lane, jobs: list[Job]) -> None:
        for start in range(0, len(jobs), CHUNK):
            chunk = jobs[start : start + CHUNK]
            if self._before is not None:
                self._before(name, [job[0] for job in chunk])
            waiting = len(lane.outstanding)
            for job, code in lane.send_first(chunk):
                self._refused(lane, job, code)
            if len(lane.outstanding) - waiting >= WINDOW:
                _wait([lane], WINDOW_WAIT)

    def _refused(self, lane: Lane, job: Job, code: int) -> None:
        if code in {errno.ENOBUFS, errno.EAGAIN, errno.ENOMEM}:
            self._starved.add(job[0])
            return
        del lane.outstanding[job[0]]
        self._failed[job[0]] = unsent(self._paths[job[0]], code)

    def _collect(self, lanes: list[Lane]) -> None:
        """Wait for stragglers, asking again on the way."""
        start = monotonic()
        resends = [start + part * self._timeout for part in RESEND]
        while waiting := [lane for lane in lanes if lane.outstanding]:
            now = monotonic()
            starved = [position for lane in waiting for position in lane.outstanding if position in self._starved]
            if now >= start + self._timeout + SOLICIT_AGAIN and not (starved and now < start + STARVED_WAIT):
                return
            if resends and now >= resends[0]:
                resends.pop(0)
                self._resend(waiting)
            elif starved and not resends:
                resends = [now + self._timeout / 4]
            end = resends[0] if resends else start + self._timeout + SOLICIT_AGAIN
            _wait(waiting, max(0.0, end - monotonic()) + 0.0005)

    def _resend(self, lanes: list[Lane]) -> None:
        for lane in lanes:
            lane.drain()
            for number, (job, _times) in enumerate(list(lane.outstanding.values()), 1):
                code = lane.send(job)
                if code:
                    self._refused(lane, job, code)
                else:
                    self._starved.discard(job[0])
                if number % WINDOW == 0:
                    _wait([lane], WINDOW_WAIT)

    def _give_up(self, lane: Lane) -> None:
        for position in lane.outstanding:
            hint = lane.hinted.get(position)
            if position in self._starved:
                outcome = Outcome(ok=False, reason=TABLE_FULL, finding="neighbour-table-full")
            elif hint is not None:
                outcome = Outcome(ok=False, reason=f"{hint.error}, says {ip_address(hint.source)}", refused=True)
            else:
                outcome = Outcome(ok=False, reason=f"{NO_REPLY} in {seconds(self._timeout)}")
            self._failed[position] = outcome


def _lanes(paths: Mapping[int, Path]) -> dict[_LaneKey, list[Job]]:
    """The jobs of each socket. Destinations repeat, so each is written out once."""
    lanes: dict[_LaneKey, list[Job]] = {}
    written: dict[int, tuple[tuple[str, int], bytes, int]] = {}
    last: tuple[object, ...] = ()
    jobs: list[Job] = []
    for position, path in paths.items():
        destination = path.dst
        known = written.get(id(destination))
        if known is None:
            known = written[id(destination)] = ((str(destination), 0), destination.packed, destination.version)
        target, packed, version = known
        if last != (path.src, version, path.interface, path.source):
            last = (path.src, version, path.interface, path.source)
            jobs = lanes.setdefault((path.src, version, path.interface, None if path.source is None else str(path.source)), [])
        jobs.append((position, target, packed))
    return lanes


def _wait(lanes: list[Lane], span: float) -> None:
    """Sleep until something arrives on one of the lanes, at most `span` seconds, and take it."""
    poller = select.poll()
    by_descriptor = {lane.socket.fileno(): lane for lane in lanes}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.POLLIN)
    for descriptor, _events in poller.poll(span * 1000):
        by_descriptor[descriptor].drain()


def unbound(path: Path, error: OSError) -> Outcome:
    """A socket that could not be bound as the path says."""
    if error.errno == errno.ENODEV:
        return Outcome(ok=False, reason=f"{path.src} has no interface {path.interface}")
    return Outcome(ok=False, reason=f"{path.src} cannot send from {path.source or path.interface}: {os.strerror(error.errno or 0)}")


def unsent(path: Path, code: int) -> Outcome:
    """A request that the source's own kernel refused to send."""
    if code in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
        return Outcome(ok=False, reason=f"{path.src} has no route to {path.dst}", finding="no-route", refused=True)
    if code in {errno.EPERM, errno.EACCES}:
        return Outcome(ok=False, reason=f"{path.src} itself forbids it: {os.strerror(code)}", refused=True)
    return Outcome(ok=False, reason=f"{path.src} cannot send: {os.strerror(code)}")
