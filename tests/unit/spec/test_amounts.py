"""Rates, delays and losses: what a lab file may say, what it means, and how it is said again."""

from __future__ import annotations

import pytest

from vethlab import spec
from vethlab.errors import SpecErrors
from vethlab.model.shaping import Shaping
from vethlab.spec.amounts import delay_text, loss_text, rate_text, texts

LAB = "name: x\nlinks: [{{ends: a -- b, {}}}]\n"


def shaping(keys: str) -> Shaping:
    """What a link with these keys means."""
    return spec.loads(LAB.format(keys)).cables[0].shaping


@pytest.mark.parametrize(
    ("keys", "expected", "said"),
    [
        ("rate: 10mbit", Shaping(10_000_000), {"rate": "10mbit"}),
        ("rate: 1.5gbit", Shaping(1_500_000_000), {"rate": "1500mbit"}),
        ("rate: 9600 bit", Shaping(9600), {"rate": "9600bit"}),
        ("delay: 1.5ms", Shaping(0, 1500), {"delay": "1500us"}),
        ("delay: 2s, loss: 0.25%", Shaping(0, 2_000_000, 2500), {"delay": "2s", "loss": "0.25%"}),
        ("loss: 100%", Shaping(0, 0, 1_000_000), {"loss": "100%"}),
        ("loss: 0%", Shaping(), {}),
    ],
)
def test_amounts_mean_what_they_say(keys: str, expected: Shaping, said: dict[str, str]) -> None:
    """Decimal units, as tc(8) has them; the text that is written again means the same."""
    assert (expected, said) == (shaping(keys), texts(expected))
    assert expected == (shaping(", ".join(f"{key}: {text}" for key, text in said.items())) if said else Shaping())


@pytest.mark.parametrize(
    ("keys", "slug"),
    [
        ("rate: 10", "wrong-type"), ("rate: fast", "wrong-value"), ("rate: 999bit", "wrong-value"), ("rate: 11tbit", "wrong-value"),
        ("delay: 5", "wrong-type"), ("delay: 61s", "wrong-value"), ("loss: 101%", "wrong-value"), ("loss: 1", "wrong-type"),
    ],
)
def test_other_amounts_are_mistakes(keys: str, slug: str) -> None:
    """No unit, no number, too much, too little."""
    with pytest.raises(SpecErrors) as caught:
        shaping(keys)
    assert [slug] == [one.slug for one in caught.value.errors]


def test_nothing_is_said_as_nothing() -> None:
    """A key without an effect is left out, and a shaping without any effect is none."""
    assert [False, True, True, True] == [bool(one) for one in (Shaping(), Shaping(1), Shaping(0, 1), Shaping(0, 0, 1))]
    assert ("", "", "") == (rate_text(0), delay_text(0), loss_text(0))


def test_a_network_has_them_too() -> None:
    """With the same meaning."""
    text = "name: x\nnetworks: {br0: {rate: 1mbit, delay: 3ms, loss: 2%, nodes: [a, b]}}\n"
    topology = spec.loads(text)
    assert Shaping(10**6, 3000, 20_000) == topology.networks[0].shaping
    assert topology == spec.loads(spec.to_yaml(topology))
