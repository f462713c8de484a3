"""The record of a lab, as bytes and back."""

import json
from dataclasses import replace

import pytest

from vethlab.errors import LabError
from vethlab.keep.record import Record

FULL = Record(
    lab="pair", mode="rootless", file="/tmp/pair.lab.yaml", text="links:\n  - a -- b\n", since=1.5,
    baseline={"net.ipv4.ip_forward": "0"}, recorded={"net.ipv4.conf.all.rp_filter": "0"},
    rulesets={"a": ("table ip t {}", "table ip t {\n}")},
)


def test_a_record_comes_back_as_it_was() -> None:
    """Decoding what was encoded gives an equal record."""
    assert FULL == Record.decode(FULL.encode())


def test_what_a_later_version_wrote_is_kept() -> None:
    """A key this version does not know survives being read and written again."""
    keys = json.loads(FULL.encode()) | {"colour": ["red"]}
    decoded = Record.decode(json.dumps(keys).encode())
    assert replace(FULL, unknown={"colour": ["red"]}) == decoded
    assert keys == json.loads(decoded.encode())


def test_missing_keys_have_defaults() -> None:
    """A record written by an earlier version, with fewer keys, can be read."""
    assert Record("pair", "root") == Record.decode(b'{"schema": 1, "lab": "pair", "mode": "root"}')


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"\xff",
     b'{"lab": "x", "mode": "root"}', b'{"schema": 1, "mode": "root"}',
     b'{"schema": 2, "lab": "x", "mode": "root"}',
     b'{"schema": 1, "lab": "x", "mode": "root", "since": "soon"}', b'{"schema": 1, "lab": "x", "mode": "root", "rulesets": {"a": "t"}}',
     b'{"schema": 1, "lab": "x", "mode": "root", "baseline": 3}'],
)
def test_a_damaged_record_is_a_clear_error(data: bytes) -> None:
    """Whatever is wrong with it, the error says that it is the record, and what to do."""
    with pytest.raises(LabError, match="record of this lab") as caught:
        Record.decode(data)
    assert "record" == caught.value.slug
    assert "up again" in caught.value.help
