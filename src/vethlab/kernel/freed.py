"""Waits until the kernel has really freed namespaces, which it does later than it says.

Enters: the namespaces of a lab that is about to end; leaves: something to wait on. Rule of the file: nothing of the lab may be held while
waiting, or it would never be freed. The kernel frees namespaces in one worker, in the order in which they were let go (net/core/
net_namespace.c cleanup_net): a sentinel that is let go last is freed last, and the far end of its veth pair tells when.
"""

from __future__ import annotations

import os
import select
import time

from vethlab.kernel import veth
from vethlab.kernel.netlink.connection import Connection
from vethlab.kernel.netlink.link import RTM_DELLINK
from vethlab.kernel.netlink.message import messages
from vethlab.kernel.port import Namespaces, Opened
from vethlab.model.link import Link

SENTINEL, WATCH = "~sentinel", "~watch"  # `~` cannot be in a node's name
RTMGRP_LINK = 1
PATIENCE = 60.0  # seconds; a thousand namespaces take about two


class Freeing:
    """A sentinel namespace that this process alone holds, and a socket in another one that sees it go."""

    def __init__(self, sentinel: Opened, watch: Opened) -> None:
        self._sentinel, self._watch = sentinel, watch

    def wait(self) -> bool:
        """Let go of the sentinel and wait until the kernel has come to it; False if it took longer than a minute."""
        deadline = time.monotonic() + PATIENCE
        try:
            os.close(self._sentinel.descriptor)
            self._sentinel.rtnetlink.close()
            poll = select.poll()
            poll.register(self._watch.rtnetlink, select.POLLIN)
            while (rest := deadline - time.monotonic()) > 0 and poll.poll(rest * 1000):
                if any(kind == RTM_DELLINK for kind, *_ in messages(self._watch.rtnetlink.recv(1 << 16))):
                    return True
            return False
        finally:
            self._watch.rtnetlink.close()
            os.close(self._watch.descriptor)


def watch_freeing(namespaces: Namespaces) -> Freeing:
    """Set the sentinel up; call `wait` once nobody else holds the lab."""
    namespaces.create([SENTINEL, WATCH])
    sentinel, watch = (Opened(os.dup(one.descriptor), one.rtnetlink.dup()) for one in namespaces.open([SENTINEL, WATCH]))
    Connection(sentinel.rtnetlink).send(
        veth.encode(Link("far", "veth", up=False), Link("near", "veth", up=False), peer_netns=watch.descriptor),
    )
    watch.rtnetlink.bind((0, RTMGRP_LINK))
    return Freeing(sentinel, watch)
