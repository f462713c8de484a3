"""Rates, delays and losses as a lab file writes them. Enters: an Item. Leaves: whole numbers, and back: their text.

Rule of the file: what is read and written again means the same; `10mbit` is 10,000,000 bit/s, as tc(8) has it.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from vethlab.model.shaping import PPM, Shaping
from vethlab.spec.kinds import Kind, unfit
from vethlab.spec.mistakes import Wrong
from vethlab.spec.tree import Item, shown


class Getter(Protocol):
    """The parsed values of a mapping."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value of `key`, or `default`."""


_RATE, _DELAY, _LOSS = "a rate such as 10mbit", "a time such as 5ms", "a percentage such as 1%"
_RATES = {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9, "tbit": 10**12}
_TIMES = {"us": 1, "ms": 10**3, "s": 10**6}
_SLOWEST, _LONGEST = 1000, 60 * 10**6


def _rate(item: Item) -> int:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]?bit)", item.text)
    if not match:
        raise unfit(item, _RATE, "bit, kbit, mbit, gbit or tbit")
    value = round(float(match[1]) * _RATES[match[2]])
    if not _SLOWEST <= value <= 10 * _RATES["tbit"]:
        raise Wrong(f"`{shown(item.text)}` is not between 1kbit and 10tbit", slug="wrong-value")
    return value


def _delay(item: Item) -> int:
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(us|ms|s)", item.text)
    if not match:
        raise unfit(item, _DELAY)
    value = round(float(match[1]) * _TIMES[match[2]])
    if value > _LONGEST:
        raise Wrong(f"`{shown(item.text)}` is longer than 60s", slug="wrong-value")
    return value


def _loss(item: Item) -> int:
    match = re.fullmatch(r"(100|[0-9]{1,2}(?:\.[0-9]+)?) ?%", item.text)
    if not match:
        raise unfit(item, _LOSS)
    return round(float(match[1]) * PPM / 100)


RATE = Kind(_RATE, {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?[kmgt]?bit$"}, _rate)
DELAY = Kind(_DELAY, {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?(us|ms|s)$"}, _delay)
LOSS = Kind(_LOSS, {"type": "string", "pattern": "^(100|[0-9]{1,2}(\\.[0-9]+)?) ?%$"}, _loss)


def shaping(fields: Getter) -> Shaping:
    """What a link or network says of these keys."""
    return Shaping(fields.get("rate", 0), fields.get("delay", 0), fields.get("loss", 0))


def texts(value: Shaping) -> dict[str, str]:
    """The keys that say it again; those that would say nothing are left out."""
    found = {"rate": rate_text(value.rate), "delay": delay_text(value.delay), "loss": loss_text(value.loss)}
    return {key: text for key, text in found.items() if text}


def rate_text(rate: int) -> str:
    """`10mbit`, `1500kbit`."""
    return _text(rate, _RATES)


def delay_text(delay: int) -> str:
    """`5ms`, `1500us`."""
    return _text(delay, _TIMES)


def loss_text(loss: int) -> str:
    """`0.5%`."""
    return f"{100 * loss / PPM:f}".rstrip("0").rstrip(".") + "%" if loss else ""


def _text(value: int, units: dict[str, int]) -> str:
    """In the largest unit in which it is a whole number; empty for nothing."""
    unit = next((unit for unit, size in reversed(units.items()) if value and value % size == 0), "")
    return f"{value // units[unit]}{unit}" if unit else ""
