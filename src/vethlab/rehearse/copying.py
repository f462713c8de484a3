"""The steps in which a copy is built, each for all nodes before the next begins.

Enters: a Lab that was read and an empty scope; leaves: a running copy, or why it is none.
Rule of the file: the order is the kernel's. Sysctls come before interfaces (they inherit), addresses before links come up (no duplicate
address detection), routes once links carry, and rules, queues and firewalls last.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from select import POLLIN, poll
from time import monotonic

from vethlab.keep.scope import Scope
from vethlab.kernel.linkwatch import link_is_up
from vethlab.kernel.netlink.connection import Refused
from vethlab.kernel.netlink.message import Request
from vethlab.kernel.netlink.watch import RTMGRP_IPV6_IFADDR, RTMGRP_LINK, drain
from vethlab.rehearse import settings, wiring
from vethlab.rehearse.levelling import Failed, early_addresses, level, own_routes_missing, tried_addresses
from vethlab.rehearse.objects import detected_twice, interface_of
from vethlab.rehearse.original import Lab
from vethlab.rehearse.rulesets import NETLINK_NETFILTER, Tables
from vethlab.rehearse.space import ADDRESS, ROUTE, Space
from vethlab.rehearse.wiring import OUTSIDE

_RTMGRP_IPV6_ROUTE = 0x400
_DELAY = "net.ipv6.conf.{}.router_solicitation_delay"  # the first question of duplicate address detection waits for that as well
_SETTLE_SECONDS = 3.0  # linkwatch acts at once, or a second later (net/core/link_watch.c)


class _Unfaithful(Exception):  # noqa: N818 - an answer, told as a sentence
    """Something of the original that the copy has not."""


class Copy:
    """One copy being built."""

    def __init__(self, lab: Lab, scope: Scope) -> None:
        self._lab, self._scope = lab, scope
        self._spaces: dict[str, Space] = {}
        self._news: dict[str, socket.socket] = {}

    def build(self) -> str:
        """Make it; what it lacks, as a sentence, if it lacks anything."""
        try:
            self._found()
            self._wire()
            self._rise()
            self._level()
            self._filter()
        except _Unfaithful as lack:
            return str(lack)
        finally:
            self.close()
        return ""

    def close(self) -> None:
        """Let go of the sockets used for building."""
        for sock in self._news.values():
            sock.close()
        self._news = {}

    def _found(self) -> None:
        """The namespaces and their sysctls."""
        names = list(self._lab.nodes)
        if any(pair.right is None for pair in self._lab.pairs):
            names.append(OUTSIDE)
        self._scope.create(names)
        for name, opened in zip(names, self._scope.open(names), strict=True):
            self._spaces[name] = Space(name, opened.rtnetlink)
        keys = settings.KEYS
        first = next(iter(self._lab.nodes))
        values = self._scope.read_sysctls([(first, key) for key in keys])
        fresh = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
        self._scope.write_sysctls([
            (name, key, value) for name, there in self._lab.sysctls.items() for key, value in settings.of_namespace(there, fresh)
        ])

    def _wire(self) -> None:
        """The interfaces, down."""
        descriptors = {name: opened.descriptor for name, opened in zip(self._spaces, self._scope.open(list(self._spaces)), strict=True)}
        for name, node in self._lab.nodes.items():
            self._send(name, wiring.bridges(node))
        for name, requests in wiring.pairs(self._lab, descriptors).items():
            self._send(name, requests)
        for name, requests in wiring.stacked(self._lab, descriptors).items():
            self._send(name, requests)
        for name, node in self._lab.nodes.items():
            self._send(name, wiring.tunnels(node))
        written = []
        for name, node in self._lab.nodes.items():
            here = self._spaces[name].links()
            self._send(name, list(wiring.dress(node.links, here)))
            for index, one in node.links.items():
                if index in here:
                    written += [(name, key, value) for key, value in settings.of_interface(one, here[index])]
        self._scope.write_sysctls(written)

    def _rise(self) -> None:
        """Addresses, then links up, until each carries as in the original."""
        names = list(self._spaces)
        asked = [(name, socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) for name in names]
        self._news = dict(zip(names, self._scope.sockets(asked), strict=True))
        for sock in self._news.values():
            sock.setblocking(False)
            sock.bind((0, RTMGRP_LINK | RTMGRP_IPV6_IFADDR | _RTMGRP_IPV6_ROUTE))
        for name, node in self._lab.nodes.items():
            self._send(name, early_addresses(node.objects[ADDRESS], node.twice), "address")
        for name, node in self._lab.nodes.items():
            self._send(name, wiring.rising(node.links, bridges_now=False))
        if OUTSIDE in self._spaces:
            self._send(OUTSIDE, wiring.outside(self._lab.pairs))
        self._settle(lambda name: self._silent(name, bridges_too=False))
        for name, node in self._lab.nodes.items():
            self._send(name, wiring.rising(node.links, bridges_now=True))
        self._settle(lambda name: self._silent(name, bridges_too=True))
        self._collide()

    def _collide(self) -> None:
        """Addresses that failed duplicate address detection fail it again: whoever has them is in the copy and answers."""
        places = [(name, index) for name, node in self._lab.nodes.items() for index in {interface_of(one) for one in node.twice}]
        if not places:
            return
        keys = [(name, _DELAY.format(self._lab.nodes[name].links[index].name.replace(".", "/"))) for name, index in places]
        before = self._scope.read_sysctls(keys)
        self._scope.write_sysctls([(name, key, "0") for name, key in keys])  # or it would wait for up to a second before it asks
        for name, node in self._lab.nodes.items():
            self._send(name, tried_addresses(node.twice), "address")
        self._settle(self._unique)
        self._scope.write_sysctls([(name, key, value) for (name, key), value in zip(keys, before, strict=True) if value is not None])

    def _unique(self, name: str) -> str:
        wanted = self._lab.nodes[name].twice
        told = self._spaces[name].dump(ADDRESS.get, ADDRESS.body) if wanted else []
        failed = {ADDRESS.said(one) for one in told if detected_twice(one)}
        return "" if wanted <= failed else "an IPv6 address does not turn out to be somebody else's"

    def _settle(self, lacking: Callable[[str], str]) -> None:
        """Wait until no node lacks anything of the kernel's own doing, which is done a moment after it was asked for."""
        poller = poll()
        for sock in self._news.values():
            poller.register(sock, POLLIN)
        end = monotonic() + _SETTLE_SECONDS
        waiting = list(self._lab.nodes)
        while True:
            lacks = {name: lacking(name) for name in waiting}
            waiting = [name for name, lack in lacks.items() if lack]
            if not waiting:
                return
            left = end - monotonic()
            if left <= 0:
                message = f"in the copy of {waiting[0]}, {lacks[waiting[0]]} as in the lab"
                raise _Unfaithful(message)
            poller.poll(left * 1000)
            for sock in self._news.values():
                drain(sock)

    def _silent(self, name: str, *, bridges_too: bool) -> str:
        there = self._lab.nodes[name].links
        interface = wiring.unlike(there, self._spaces[name].links(), bridges_too=bridges_too)
        if interface:
            for one in there.values():
                link_is_up(self._news[name], one.name)
            interface = wiring.unlike(there, self._spaces[name].links(), bridges_too=bridges_too)
        return f"{interface} does not carry frames" if interface else ""

    def _unaddressed(self, name: str) -> str:
        here = self._spaces[name].objects(ROUTE)
        return "an IPv6 address does not come into use" if own_routes_missing(self._lab.nodes[name].objects, here) else ""

    def _level(self) -> None:
        """What hangs on the interfaces."""
        self._settle(self._unaddressed)
        for name, node in self._lab.nodes.items():
            pending = wiring.pending(node.links) | node.tentative
            for kind, there in node.objects.items():
                self._complain(name, level(self._spaces[name], kind, there, pending), kind.noun)
            self._send(name, wiring.address_modes(node.links))
            self._send(name, node.queues.requests, "queueing discipline")
            if any(one.port for one in node.links.values()):
                self._send(name, wiring.port_states(node.links, self._spaces[name].links()))

    def _filter(self) -> None:
        """The firewalls."""
        names = [name for name, node in self._lab.nodes.items() if node.ruleset]
        opened = self._scope.sockets([(name, socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) for name in names])
        try:
            for name, sock in zip(names, opened, strict=True):
                said = Tables(sock).load(self._lab.nodes[name].ruleset)
                if said:
                    message = f"the nft ruleset of {name} cannot be copied: {said}"
                    raise _Unfaithful(message)
        finally:
            for one in opened:
                one.close()

    def _send(self, name: str, requests: Sequence[Request], noun: str = "interface") -> None:
        if requests:
            self._complain(name, self._spaces[name].attempt(requests), noun)

    def _complain(self, name: str, failed: Failed, noun: str) -> None:
        if failed:
            refused: Refused = failed[0][1]
            message = f"{noun} of {name} that the copy cannot have: {refused.says or refused.code}"
            raise _Unfaithful(message)
