"""Sends UDP datagrams at a steady rate from the namespace it runs in: a hundred a millisecond are 100,000 a second.

What enters: an address, a port, a rate, seconds. What leaves: one JSON line: how many were sent, in how long. Rule of the file: one system
call for what is due (sendmmsg(2)), since a call for each datagram would measure Python; what falls behind is caught up with, so a burst
may be longer than its millisecond is.
"""

from __future__ import annotations

import ctypes
import json
import socket
import sys
import time

RATE = 100_000  # what is promised
PAYLOAD = bytes(64)
BURST = 512  # no more in one call: the kernel gives the processor away only between two

libc = ctypes.CDLL(None, use_errno=True)


class Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_char_p), ("length", ctypes.c_size_t))


class Message(ctypes.Structure):
    """struct mmsghdr; the socket is connected, so it has no address."""

    _fields_ = (
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("vectors", ctypes.POINTER(Vector)), ("count", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t), ("flags", ctypes.c_int), ("sent", ctypes.c_uint),
    )


def main(address: str, port: int, rate: int, seconds: float) -> None:
    """Send, and print what was sent."""
    vector = Vector(PAYLOAD, len(PAYLOAD))
    messages = (Message * BURST)(*(Message(vectors=ctypes.pointer(vector), count=1) for _ in range(BURST)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address, port))
        sent, total, began = 0, int(rate * seconds), time.perf_counter()
        while sent < total:
            due = min(total, int((time.perf_counter() - began) * rate)) - sent
            if due < min(rate // 1000, total - sent):
                time.sleep(0.001)
                continue
            done = libc.sendmmsg(sock.fileno(), messages, min(due, BURST), 0)
            if done < 0:
                raise OSError(ctypes.get_errno(), "sendmmsg")
            sent += done
        print(json.dumps({"sent": sent, "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
