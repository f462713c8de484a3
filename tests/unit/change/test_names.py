"""Changes by name: tables over them hold every one and nothing else."""

from __future__ import annotations

from typing import get_args

import pytest

from vethlab import change
from vethlab.change.kinds import Change, SwitchChange
from vethlab.kernel import encode, linux
from vethlab.plan import order

NAMES = {one.__name__ for one in get_args(Change)}


def test_every_change_has_a_place_in_the_order_and_a_name_in_the_package() -> None:
    """No table names what is no change."""
    assert set(order._PHASE) == NAMES
    listed = {name for module, names in change.WHERE.items() if module != "kinds" for name in names} - {"words"}
    assert (NAMES, set(change.__all__)) == (listed, NAMES | {"words", "Change", "SwitchChange"})
    assert {one.__name__ for one in get_args(SwitchChange)} == linux._SWITCH
    assert set(encode._TABLE) <= NAMES
    with pytest.raises(AttributeError):
        getattr(change, "AddNothing")  # noqa: B009 - mypy knows that it is not there
