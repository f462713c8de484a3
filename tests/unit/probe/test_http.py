"""One HTTP request, and what its status means."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from vethlab.model.path import Path
from vethlab.probe import http


@pytest.mark.parametrize(
    ("received", "ended", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n", False, ""), (b"HTTP/1.0 302 Found\r\n", False, ""),
        (b"HTTP/1.1 204\r\n", False, ""),
        (b"HTTP/1.1 404 Not Found\r\nx", False, "answered with status 404 Not Found"),
        (b"HTTP/1.1 503\r\n", False, "answered with status 503"),
        (b"HTTP/1.1 2", False, None), (b"", False, None), (b"", True, "closed the connection without an answer"),
        (b"SSH-2.0-x\r\n", False, "does not speak HTTP"), (b"HTTP/1.1 2", True, "does not speak HTTP"),
        (b"x" * 5000, False, "does not speak HTTP"),
    ],
)
def test_verdict(received: bytes, ended: bool, expected: str | None) -> None:
    """2xx and 3xx are good, everything else says why not, and half a line waits for the rest."""
    assert expected == http.verdict(received, ended=ended)


@pytest.mark.parametrize(
    ("address", "port", "host"), [("10.0.0.1", 80, "10.0.0.1"), ("10.0.0.1", 8080, "10.0.0.1:8080"), ("fd00::1", 81, "[fd00::1]:81")],
)
def test_the_host_header(address: str, port: int, host: str) -> None:
    """The Host header names address and port as RFC 9110 writes them."""
    path = Path("http", "a", ip_address(address), "b", port=port)
    assert f"Host: {host}" in http.request(path).decode().split("\r\n")
