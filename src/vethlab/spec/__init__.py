"""The lab file. Enters: text. Leaves: a Topology with every shorthand resolved, or SpecErrors with every mistake of the text.

Rule of the file: the layer's public names and nothing else; what only some callers need is imported when they call.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vethlab.errors import SpecErrors
    from vethlab.model.topology import Topology
    from vethlab.spec.draft import Draft
    from vethlab.spec.reference import Word
    from vethlab.spec.report import Colour

__all__ = [
    "Draft", "expand", "find", "hints", "load", "loads", "plain_name", "render", "schema", "template", "template_names", "to_yaml", "words",
]
SUFFIX = ".lab.yaml"
_PLAIN_NAME = re.compile(r"""^name:[ \t]+(["']?)([a-z0-9][a-z0-9-]{0,62})\1[ \t]*(?:#.*)?$""", re.MULTILINE)


def load(path: str) -> Topology:
    """The lab of a file. SpecErrors names every mistake, UsageError says why the file cannot be read."""
    from vethlab.spec.file import read_text  # noqa: PLC0415 - a Draft reads no file

    return loads(read_text(path), path)


def loads(text: str, path: str = "<text>") -> Topology:
    """The lab of a text; `path` is what messages call it."""
    from vethlab.spec.mistakes import Mistakes  # noqa: PLC0415 - `import vethlab.spec` alone costs nothing
    from vethlab.spec.read import parse  # noqa: PLC0415
    from vethlab.spec.resolve import resolve  # noqa: PLC0415

    mistakes = Mistakes(path, text)
    return resolve(parse(text, mistakes), mistakes)


def plain_name(text: str) -> str | None:
    """The name of a lab where its line is plain to see, without parsing; None where it is not. The parsed file has the last word."""
    found = _PLAIN_NAME.search(text)
    return found[2] if found else None


def find(directory: str = ".") -> str:
    """The one lab file of a directory. UsageError if there is none, or which ones there are."""
    from vethlab.spec.file import lab_file  # noqa: PLC0415

    return lab_file(directory, SUFFIX)


def hints(topology: Topology) -> list[str]:
    """Advice about a lab that is correct, one sentence each."""
    from vethlab.spec.advice import advice  # noqa: PLC0415

    return advice(topology)


def expand(topology: Topology) -> dict[str, Any]:
    """The canonical full form as a document. Reading it gives the same Topology."""
    from vethlab.spec.canonical import document  # noqa: PLC0415

    return document(topology)


def to_yaml(topology: Topology) -> str:
    """The canonical full form as text: loads(to_yaml(topology)) == topology."""
    from vethlab.spec.canonical import yaml_text  # noqa: PLC0415

    return yaml_text(expand(topology))


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a lab file."""
    from vethlab.spec.shape import json_schema  # noqa: PLC0415

    return json_schema()


def render(errors: SpecErrors, colour: Colour | None = None) -> str:
    """The mistakes as text for people; `colour` is a function (role, text) -> text."""
    from vethlab.spec.report import render as rendered  # noqa: PLC0415

    return rendered(errors, colour)


def words() -> dict[str, Word]:
    """Every key of a lab file for `vethlab explain`, by its place, e.g. "networks.subnet"."""
    from vethlab.spec.reference import all_words  # noqa: PLC0415

    return all_words()


def template_names() -> tuple[str, ...]:
    """The templates of `vethlab init`, the simplest first."""
    from vethlab.spec.templates import NAMES  # noqa: PLC0415

    return NAMES


def template(name: str) -> str:
    """The text of a template. UsageError names the one that was probably meant."""
    from vethlab.spec.templates import text  # noqa: PLC0415

    return text(name)


def __getattr__(name: str) -> Any:
    """`Draft` on first use: a file is the usual way in."""
    if name == "Draft":
        from vethlab.spec.draft import Draft  # noqa: PLC0415

        return Draft
    raise AttributeError(name)
