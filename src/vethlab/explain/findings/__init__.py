"""Every finding that `vethlab why` can name, declared once: a file each, named like the slug with `_` for `-`.

Enters: a slug; leaves: its Declaration. Rule of the folder: adding a finding is adding a file with its `DECLARATION`; nothing lists them,
and a caller who wants one loads one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from vethlab.explain.declaration import GROUPS, Declaration

__all__ = ["declarations", "declared", "slugs"]


@cache
def slugs() -> tuple[str, ...]:
    """The slugs in alphabetical order, without loading anything."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def declared(slug: str) -> Declaration | None:
    """The finding of that name, None if there is none."""
    if slug not in slugs():
        return None
    found: Declaration = importlib.import_module(f"{__name__}.{slug.replace('-', '_')}").DECLARATION
    return found


@cache
def declarations() -> Mapping[str, Declaration]:
    """Every finding by its slug, group by group along a packet's way."""
    found = [one for slug in slugs() if (one := declared(slug)) is not None]
    return {one.slug: one for one in sorted(found, key=lambda one: (GROUPS.index(one.group), one.slug))}
