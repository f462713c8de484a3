"""The one HTTP request a check sends, and the status that comes back (RFC 9112).

Rule of the file: pure. Any 2xx or 3xx is an answer; everything else is a server that speaks, and says no.
"""

from __future__ import annotations

from vethlab.model.path import Path

DEFAULT_PORT = 80
_ENOUGH = 4096  # a status line is shorter; what sends this much without one does not speak HTTP


def request(path: Path) -> bytes:
    """GET / for the path's destination."""
    host = f"[{path.dst}]" if path.dst.version == 6 else str(path.dst)
    port = "" if path.port in {None, DEFAULT_PORT} else f":{path.port}"
    return f"GET / HTTP/1.1\r\nHost: {host}{port}\r\nUser-Agent: vethlab\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode()


def verdict(received: bytes, *, ended: bool) -> str | None:
    """None while more bytes are needed, an empty string if the status is good, else what is wrong."""
    line, found, _rest = received.partition(b"\n")
    if not found and not ended and len(received) < _ENOUGH:
        return None
    words = line.decode("latin-1").split(None, 2)
    if len(words) < 2 or not words[0].startswith("HTTP/") or not (words[1].isdigit() and len(words[1]) == 3):
        return "closed the connection without an answer" if ended and not received else "does not speak HTTP"
    return "" if words[1][0] in "23" else f"answered with status {' '.join(words[1:]).strip()}"
