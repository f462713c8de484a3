"""The message format of keeper and client, over a socket pair."""

import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vethlab.keep import wire

FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=400)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with left, right:
        yield left, right


@given(fields=st.lists(FIELD, min_size=1, max_size=20))
def test_fields_arrive_as_they_were_sent(fields: list[str]) -> None:
    """Any fields without NUL, the empty one and non-ASCII ones included, come out of `receive` unchanged."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with left, right:
        wire.send(left, ["op", *fields])
        message = wire.receive(right)
    assert message is not None
    assert ["op", *fields] == message[0]


def test_bytes_that_are_no_text_survive(pair: tuple[socket.socket, socket.socket]) -> None:
    """File names and command output need not be UTF-8: undecodable bytes pass as surrogates."""
    wire.send(pair[0], ["run", os.fsdecode(b"/tmp/\xff\xfe")])
    message = wire.receive(pair[1])
    assert message is not None
    assert b"/tmp/\xff\xfe" == os.fsencode(message[0][1])


def test_descriptors_arrive_open_and_close_on_exec(pair: tuple[socket.socket, socket.socket]) -> None:
    """A descriptor sent is the same open file on the other side, and no program started later inherits it."""
    source = os.memfd_create("source")
    os.write(source, b"inside")
    wire.send(pair[0], ["ok"], [source, source])
    message = wire.receive(pair[1])
    assert message is not None
    fields, received, lost = message
    assert (["ok"], 2, False) == (fields, len(received), lost)
    assert [b"inside", b"inside"] == [os.pread(number, 100, 0) for number in received]
    assert [False, False] == [os.get_inheritable(number) for number in received]
    for number in (source, *received):
        os.close(number)


def test_the_end_of_a_connection_is_none(pair: tuple[socket.socket, socket.socket]) -> None:
    """A closed connection is told apart from an empty reply."""
    pair[0].close()
    assert wire.receive(pair[1]) is None


@given(groups=st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=60), most=st.integers(1, 9))
def test_chunks_keep_order_groups_and_bounds(groups: list[tuple[str, str, str]], most: int) -> None:
    """Chunks are the fields in order, cut between groups only, none over the number of groups or the size of a message."""
    fields = [field for group in groups for field in group]
    parts = [list(part) for part in wire.chunks(fields, 3, most)]
    assert fields == [field for part in parts for field in part]
    assert all(part and len(part) % 3 == 0 and len(part) <= 3 * most for part in parts)


def test_a_chunk_fits_into_a_message() -> None:
    """However long the fields are together, the parts stay below what one datagram holds."""
    fields = ["x" * 4000] * 100
    parts = list(wire.chunks(fields))
    assert len(parts) > 1
    assert max(len("\0".join(part).encode()) for part in parts) < wire.MESSAGE_MAX


def test_a_refusal_is_six_fields() -> None:
    """The kernel's own sentence may hold anything: a NUL in it does not break the message."""
    refusal = wire.Refusal("kernel", "set", "a", 22, "no\0such")
    assert ("error", "kernel", "set", "a", "22", "no such") == refusal.fields()
