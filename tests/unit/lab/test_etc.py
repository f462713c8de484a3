"""Which resolvers a node is told of."""

from pathlib import Path

import pytest

from vethlab.lab.etc import resolver

STUB = "# made by systemd-resolved\nnameserver 127.0.0.53\noptions edns0\nsearch example\n"
ABOVE = "nameserver 192.0.2.53\nnameserver 2001:db8::53\n"


@pytest.mark.parametrize(("own", "above", "expected"), [
    (STUB, ABOVE, ABOVE),
    (STUB, None, ""),
    (ABOVE, None, ""),
    ("nameserver ::1\nnameserver 192.0.2.53\nsearch example\n", ABOVE, "nameserver 192.0.2.53\nsearch example\n"),
    ("nameserver\t127.0.0.53\n", ABOVE, ABOVE),
    ("nameserver 0.0.0.0\n", ABOVE, ABOVE),
    (None, None, ""),
    ("search example\n", "nameserver 127.0.0.1\n", ""),
])
def test_only_those_that_can_be_reached(tmp_path: Path, own: str | None, above: str | None, expected: str) -> None:
    """None on a loopback; those that systemd-resolved asks, where it alone is named; nothing where the machine's file will do."""
    places = str(tmp_path / "resolv.conf"), str(tmp_path / "upstream")
    for place, text in zip(places, (own, above), strict=True):
        if text is not None:
            Path(place).write_text(text)
    assert expected == resolver(places)


def test_a_link_into_run_leads_nowhere_in_a_node(tmp_path: Path) -> None:
    """A file that is good and yet in /run is given as a copy."""
    link = tmp_path / "resolv.conf"
    link.symlink_to("/run/systemd/resolve/none-such.conf")
    above = tmp_path / "upstream"
    above.write_text(ABOVE)
    assert ABOVE == resolver((str(link), str(above)))
