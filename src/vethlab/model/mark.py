"""By what the packets of one probe are known. Leaves `probe`, enters `observe`: the two do not know each other.

Rule of the file: a value of what a sender chose at random or holds alone. Addresses are no mark: others talk between the same hosts.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Mark"]


@dataclass(frozen=True, slots=True)
class Mark:
    """`token`: eight random bytes that echo requests and datagrams carry. `ports`: source ports that the probe holds while it runs.

    `identifier`: of echo requests, for errors that quote too little to hold the token.
    """

    token: bytes = b""
    ports: frozenset[int] = frozenset()
    identifier: int | None = None
