"""An IPv6 address is not used because another interface was found to have it."""

from __future__ import annotations

from vethlab.explain.declaration import Declaration

DECLARATION = Declaration(
    "dad-failed",
    group="address",
    sentence="An IPv6 address is not used because another interface was found to have it.",
    means=(
        "Before an IPv6 address is used, the kernel asks on the segment whether somebody has it (duplicate address detection, RFC "
        "4862; addrconf_dad_work() in net/ipv6/addrconf.c). "
        "If somebody answers, addrconf_dad_failure() marks it dadfailed: the node neither answers for it nor sends from it. "
        "The mark stays when the other owner is gone."
    ),
    decided_by="The flag dadfailed, or tentative, of the address.",
    mended_by=(
        "Take the address off its other owner, then delete it here and add it again.",
        "Where the segment is known to be free of it, add it with `nodad`.",
    ),
    lab="""\
name: dad-failed
links:
  - a fd00::1/64 -- b fd00::2/64
""",
    breaks=(
        "b: ip address delete fd00::2/64 dev eth0",
        "a: ip address add fd00::2/64 dev eth0 nodad",
        "b: ip address add fd00::2/64 dev eth0",
        "b: timeout 9 sh -c 'until ip address show dev eth0 dadfailed | grep -q fd00::2; do sleep 0.1; done'",
        "a: ip address delete fd00::2/64 dev eth0",
    ),
    asks=("a", "fd00::2"),
    where="b:eth0",
    sysctls=("accept_dad", "dad_transmits"),
)
