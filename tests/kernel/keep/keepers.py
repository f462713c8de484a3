"""How tests of keepers see an end: of a process, and of a namespace."""

import os
import select
import signal
import socket
from collections.abc import Callable

from vethlab.keep.client import Keeper
from vethlab.kernel import veth
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.port import Opened
from vethlab.model.link import Link

RTM_DELLINK = 17
RTMGRP_LINK = 1
Spawn = Callable[..., Keeper]


class Witness:
    """One end of a veth pair in a namespace this process alone holds: it vanishes when the kernel frees the namespace of the other end."""

    def __init__(self, keeper: Keeper, watched: str) -> None:
        keeper.create(["witness"])
        (here,) = keeper.open(["witness"])
        self.socket = socket.socket(fileno=os.dup(here.rtnetlink.fileno()))
        with socket.socket(fileno=os.dup(keeper.open([watched])[0].rtnetlink.fileno())) as there:
            Connection(there).send(veth.encode(Link("near", "veth", up=False), Link("far", "veth", up=False), peer_netns=here.descriptor))
        self.socket.bind((0, RTMGRP_LINK))

    def sees_the_end(self, seconds: float = 20.0) -> bool:
        """Whether the watched namespace is freed within that time."""
        return link_vanishes(self.socket, seconds)


def link_vanishes(watch: socket.socket, seconds: float) -> bool:
    """Whether a link is reported as deleted within that time on a socket that listens for it."""
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    while poll.poll(seconds * 1000):
        if int.from_bytes(watch.recv(65536)[4:6], "little") == RTM_DELLINK:
            return True
    return False


def is_dead(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process is dead (a zombie is) within that time."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(process)


def in_child(work: Callable[[], None]) -> int:
    """Fork and do it there; the pid. The child never comes back into the test, and keeps none of pytest's streams open."""
    child = os.fork()
    if child == 0:
        try:
            null = os.open("/dev/null", os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            signal.alarm(60)
            work()
        finally:
            os._exit(70)
    return child


def inode(opened: Opened) -> int:
    """Which namespace that is."""
    return os.fstat(opened.descriptor).st_ino
