"""What a keeper tells an Open vSwitch when it ends: rows are found by a mark, and their numbers are put into a finished message."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from vethlab.keep.rows import UUIDS, Rows
from vethlab.kernel.ovs_machine import farewell

NUMBERS = [f"94745273-aa85-4129-8e6f-90448{number:07d}" for number in (1, 2)]


@contextmanager
def rows(directory: Path) -> Iterator[Rows]:
    """As the keeper has them, in a directory."""
    number = os.open(directory, os.O_PATH)
    yield Rows(number, b"\0".join(farewell("m", UUIDS.decode())))
    os.close(number)


def heard(server: socket.socket, answers: list[bytes]) -> list[Any]:
    """What one client said, an answer each, in two parts."""
    client, _ = server.accept()
    found = []
    with client:
        for answer in answers:
            found.append(json.loads(client.recv(65536)))
            client.sendall(answer[:9])
            client.sendall(answer[9:])
        assert b"" == client.recv(1)
    return found


def hang_up(server: socket.socket) -> None:
    """Take one client, and leave."""
    server.accept()[0].close()


@pytest.mark.parametrize("found", [0, 1, 2])
def test_the_rows_that_bear_the_mark_are_removed(tmp_path: Path, found: int) -> None:
    """However many there are; where there is none, nothing more is said."""
    numbers = [["uuid", one] for one in NUMBERS[:found]]
    answer = {"id": 1, "result": [{"rows": [{"_uuid": one} for one in numbers]}], "error": None}
    with socket.socket(socket.AF_UNIX) as server, ThreadPoolExecutor(1) as pool, rows(tmp_path) as ours:
        server.bind(str(tmp_path / "db.sock"))
        server.listen()
        said = pool.submit(heard, server, [json.dumps(answer, separators=(",", ":")).encode(), b'{"id":1,"result":[]}'][: 1 + bool(found)])
        ours.forget()
        told = said.result()
    assert [["external_ids", "includes", ["map", [["vethlab", "m"]]]]] == told[0]["params"][1]["where"]
    if found:
        assert ["bridges", "delete", ["set", numbers]] == told[1]["params"][1]["mutations"][0]


def test_nobody_there_is_no_hindrance(tmp_path: Path) -> None:
    """No socket, or one that ends in the middle: the keeper goes on."""
    with rows(tmp_path) as ours:
        ours.forget()
    with socket.socket(socket.AF_UNIX) as server, ThreadPoolExecutor(1) as pool, rows(tmp_path) as ours:
        server.bind(str(tmp_path / "db.sock"))
        server.listen()
        over = pool.submit(hang_up, server)
        ours.forget()
        over.result()
