"""Function names from a list of symbols made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from vethlab.kernel.bpf.symbols import Symbols

LISTED = """\
0000000000001000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81000040 t ip_rcv_finish_core.isra.0
ffffffff81000080 T kfree_skb
ffffffff81000080 t an_alias
ffffffff810000c0 D init_net
ffffffffc0000000 t nf_hook\t[nf_tables]
ffffffff81000100 W later_than_a_module
"""


@pytest.fixture
def symbols(tmp_path: Path) -> Symbols:
    """Symbols of a small kernel."""
    path = tmp_path / "kallsyms"
    path.write_text(LISTED)
    return Symbols(path)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (0xFFFFFFFF81000000, "_text"), (0xFFFFFFFF8100003F, "_text"), (0xFFFFFFFF81000051, "ip_rcv_finish_core"),
        (0xFFFFFFFF810000FF, "an_alias"), (0xFFFFFFFF81000110, "later_than_a_module"), (0xFFFFFFFFC0000010, "nf_hook"),
        (0xFFFFFFFFC0200000, None), (0xFFFFFFFF80FFFFFF, None), (0x1004, None), (0, None),
    ],
)
def test_names(symbols: Symbols, address: int, expected: str | None) -> None:
    """The function that begins last before the address, without the compiler's suffix; data and far-away symbols are no answer."""
    assert expected == symbols.name(address)


def test_hidden_addresses(tmp_path: Path) -> None:
    """Where kernel.kptr_restrict shows zeros there is no name, rather than a wrong one."""
    path = tmp_path / "kallsyms"
    path.write_text("".join(f"{0:016x} T function_{number}\n" for number in range(100)))
    assert Symbols(path).name(0xFFFFFFFF81000051) is None


def test_no_list(tmp_path: Path) -> None:
    """A kernel without the list names nothing."""
    assert Symbols(tmp_path / "absent").name(0xFFFFFFFF81000051) is None


def test_the_list_is_read_when_asked_for_and_once(tmp_path: Path) -> None:
    """Making Symbols reads nothing; the second question finds the first reading."""
    path = tmp_path / "kallsyms"
    symbols = Symbols(path)
    path.write_text(LISTED)
    first = symbols.name(0xFFFFFFFF81000051)
    path.unlink()
    assert ("ip_rcv_finish_core", "_text") == (first, symbols.name(0xFFFFFFFF81000001))
