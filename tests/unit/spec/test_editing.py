"""What edits of a lab file promise beyond the golden cases: single edits, refusals, places in a text, files written whole."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from vethlab import spec
from vethlab.errors import SpecErrors, UsageError
from vethlab.model.finding import Command
from vethlab.spec import edit, file
from vethlab.spec.layout import Layout, Unsaid
from vethlab.spec.proof import proved

PAIR = "name: pair  # two\nnodes: {a: {}, b: {}}\nlinks: [a 10.0.0.1/24 -- b 10.0.0.2/24]\n"
ROUTE = "10.8.0.0/16 via 10.0.0.2"


def test_a_route_comes_and_goes() -> None:
    """What add_route adds, remove_route takes away, down to an empty list."""
    there = edit.add_route(PAIR, "a", ROUTE)

    assert PAIR.replace("a: {}", f'a: {{routes: ["{ROUTE}"]}}') == there
    assert PAIR.replace("a: {}", "a: {routes: []}") == edit.remove_route(there, "a", ROUTE)


def test_one_edit_at_a_time_can_be_had_from_python() -> None:
    """Addresses and rulesets are edited by calls too, with the same proofs."""
    ruled = "name: x\nnodes:\n  a:\n    nft: |\n      table ip t {\n        chain c {\n          tcp dport 80 drop\n        }\n      }\n"
    old, new = IPv4Interface("10.0.0.1/24"), IPv4Interface("10.0.0.7/24")

    assert PAIR.replace("10.0.0.1", "10.0.0.7") == edit.set_address(PAIR, "a", "eth0", add=[new], remove=[old])
    assert ruled.replace("tcp", "# tcp") == edit.drop_rule(ruled, "a", "ip t c", "tcp dport 80 drop")
    assert ruled == edit.add_rule(ruled, "a", "ip t c", "tcp dport 80 drop")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "other"}, "the whole lab"),
        ({"cables": ()}, "the whole lab"),
        ({"networks": (replace(spec.loads("name: x\nnetworks: {br0: {nodes: [a]}}").networks[0], mtu=9000),)}, "network `br0`"),
    ],
    ids=["name", "links", "network"],
)
def test_no_edit_counts_that_says_something_else(changes: dict[str, object], words: str) -> None:
    """A text that does not mean what was wanted is refused, with what else it says."""
    text = "name: x\nlinks: [a -- b]\nnetworks: {br0: {nodes: [a]}}\n"
    wanted = replace(spec.loads(text), **changes)  # type: ignore[arg-type]

    with pytest.raises(Unsaid, match=words):
        proved(text, wanted)


def test_a_place_that_is_taken_is_refused() -> None:
    """A key cannot be put below a word, and a text that is no YAML has no places."""
    with pytest.raises(Unsaid, match="no room"):
        Layout("a: word").put(["a", "b"], "1")
    with pytest.raises(Unsaid, match="cannot be edited"):
        Layout("a: [")


def test_of_contradicting_commands_the_last_counts() -> None:
    """An address that is taken away and given again is where it was; a setting has its last value."""
    again = [Command("a", ("ip", "address", verb, "10.0.0.1/24", "dev", "eth0")) for verb in ("del", "add")]
    twice = [Command("a", ("sysctl", "-w", f"net.ipv4.ip_forward={value}")) for value in (0, 1)]

    assert (PAIR, ()) == edit.apply_commands(PAIR, again)
    assert PAIR.replace("a: {}", "a: {sysctl: {net.ipv4.ip_forward: 1}}") == edit.apply_commands(PAIR, twice)[0]


def test_an_empty_command_is_told() -> None:
    """A command without a word is a sentence, no traceback."""
    assert (PAIR, ("`` in a: the command breaks off",)) == edit.apply_commands(PAIR, [Command("a", ())])


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_a_file_is_written_whole(tmp_path: Path, mark: bytes) -> None:
    """A rewritten file has the new text, its old mode and mark; a link to it still leads there, and nothing else is left."""
    real, link = tmp_path / "real.lab.yaml", tmp_path / "link.lab.yaml"
    real.write_bytes(mark + b"name: a\r\n")
    real.chmod(0o640)
    link.symlink_to(real.name)

    file.write_text(str(link), "name: ä\r\n")

    assert mark + "name: ä\r\n".encode() == real.read_bytes()
    assert 0o640 == stat.S_IMODE(real.stat().st_mode)
    assert link.is_symlink()
    assert [link, real] == sorted(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the new text cannot take the old one's place, the old one is there, the error says why, and nothing else is left."""
    path = tmp_path / "x.lab.yaml"
    path.write_text("name: a\n")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(UsageError, match="No space left on device"):
        file.write_text(str(path), "name: b\n")
    with pytest.raises(UsageError, match="No such file"):
        file.write_text(str(tmp_path / "none.lab.yaml"), "name: b\n")

    assert "name: a\n" == path.read_text()
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("saved", [b"name: b\n", b"\xff"], ids=["another text", "no text"])
def test_a_file_that_was_saved_meanwhile_stays(tmp_path: Path, saved: bytes) -> None:
    """What somebody saved since it was read is not overwritten; who read what stands there may write."""
    path = tmp_path / "x.lab.yaml"
    path.write_bytes(saved)

    with pytest.raises((UsageError, SpecErrors)):
        file.write_text(str(path), "name: c\n", was="name: a\n")
    assert (saved, [path]) == (path.read_bytes(), list(tmp_path.iterdir()))

    path.write_bytes(b"\xef\xbb\xbfname: a\r\n")
    file.write_text(str(path), "name: c\n", was=file.read_text(str(path)))
    assert b"\xef\xbb\xbfname: c\n" == path.read_bytes()
