"""What a VXLAN device writes into its outer packets: a source, a number of hops, whether they may be cut.

Enters: the device, the packet under way; leaves: findings. Rule of the file: vxlan_xmit_one() in drivers/net/vxlan/vxlan_core.c. All of it
can be changed while the device exists, so every remedy is one setting.
"""

from __future__ import annotations

from dataclasses import replace

from vethlab.explain import fixes
from vethlab.explain.questions import Route, Routed
from vethlab.explain.rules import vxlan
from vethlab.explain.rules.route import holds
from vethlab.explain.scene import Asking, Scene
from vethlab.explain.travel import Travel, Tunnelled
from vethlab.model.address import IP
from vethlab.model.finding import Evidence, Finding, Fix, Where
from vethlab.model.link import End

__all__ = ["homeless", "remembered", "short_lived", "uncut"]


def homeless(scene: Scene, end: End, target: IP) -> Asking[Finding | None]:
    """Outer packets of IPv4 with a source that their node does not have: the device was told so, the address is not just gone."""
    snapshot = yield from scene.look(end.netns)
    device = vxlan.settings(scene, end)
    if device is None or device.local is None or device.local.version == 6 or holds(snapshot, device.local):
        return None
    return (yield from _foreign(scene, end, device.local, target))


def remembered(scene: Scene, sender: End, receiver: End, mac: str, target: IP) -> Asking[Finding | None]:
    """IPv6 lets a device send from any address, and who learns (vxlan_snoop) remembers it: frames for a MAC behind it go there.

    Not always: what knew a better way before was seen to keep it, so this is a suspicion.
    """
    here, there = vxlan.settings(scene, sender), vxlan.settings(scene, receiver)
    if not mac or here is None or not here.learning or there is None or there.local is None or there.local.version == 4:
        return None
    if holds(scene.snapshots[receiver.netns], there.local):
        return None
    found = yield from _foreign(scene, receiver, there.local, target)
    return None if found is None else replace(found, summary=f"{found.summary}, and {sender} learns to send there")


def _foreign(scene: Scene, end: End, local: IP, target: IP) -> Asking[Finding | None]:
    tunnel = scene.wiring.tunnels.get(end)
    if (tunnel is not None and tunnel.meant.local == local) or scene.wiring.meant_for(local):
        return None  # the address is missing, and the walk says so
    routed: Routed = yield Route(end.netns, target)
    right = routed.source if tunnel is None or tunnel.meant.local is None else tunnel.meant.local
    remedies = () if right is None else (_told(end, f"let {end} send from {right}", ("local", str(right))),)
    return Finding(
        "no-address", Where(end.netns, end.interface, "output"), f"{end} sends from {local}, which {end.netns} does not have",
        evidence=(Evidence("configuration", f"{end} has local {local}, and no interface of {end.netns} has that address"),),
        fixes=remedies,
    )


def short_lived(tunnel: Tunnelled, node: str, came: str) -> Finding:
    """The device gives its packets too few hops."""
    end, device = tunnel
    hops = "1 hop" if device.ttl == 1 else f"{device.ttl} hops"
    remedy = _told(end, f"let {end} give its packets the usual number of hops", ("ttl", "auto"))
    return Finding(
        "ttl-expired", Where(end.netns, end.interface, "output"), f"{end} gives its packets {hops}, too few to pass {node}",
        evidence=(Evidence("configuration", f"{end} has ttl {device.ttl}; {node}:{came} would have to forward the outer packet"),),
        fixes=(remedy,),
    )


def uncut(scene: Scene, travel: Travel, at: End, found: Finding) -> Finding:
    """An outer packet is too large, and would be cut had its device not been told that it may not be.

    A host remembers what a router tells it (ip_rt_update_pmtu), for ten minutes: it has to forget that once the router is mended.
    """
    if travel.tunnel is None:
        return found
    (end, device), abroad = travel.tunnel, at.netns != travel.origin
    family = ("-6",) if travel.target.version == 6 else ()
    forget = fixes.command(end.netns, "ip", *family, "route", "flush", "cache")
    if not abroad and not found.fixes:
        return replace(found, fixes=(fixes.fix(f"let {end.netns} forget what routers told it", forget),))
    if travel.whole and (travel.cut or abroad):
        says = Evidence("configuration", f"{end} has df {device.df}: its packets say don't-fragment")
        remedy = _told(end, f"let routers cut what {end} sends", ("df", "unset"))
        tunnel = scene.wiring.tunnels.get(end)
        meant = tunnel is None or tunnel.meant.df == device.df
        found = replace(found, evidence=(*found.evidence, says), fixes=(*found.fixes, remedy) if meant else (remedy, *found.fixes))
    told = abroad and (travel.whole or travel.target.version == 6)  # of IPv6 no router cuts anything
    return replace(found, fixes=tuple(replace(one, commands=(*one.commands, forget)) for one in found.fixes)) if told else found


def _told(end: End, title: str, words: tuple[str, str]) -> Fix:
    """A setting of a device that exists."""
    return fixes.fix(title, fixes.command(end.netns, "ip", "link", "set", "dev", end.interface, "type", "vxlan", *words))
