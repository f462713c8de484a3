"""The JSON Schema of a lab file (draft 2020-12). Enters: the declarations of `keys`. Leaves: one document.

Rule of the file: a schema knows shapes; what sentences mean and what fits together only `vethlab validate` knows.
"""

from __future__ import annotations

from typing import Any

from vethlab.spec.keys import ADDRESSING, CHECK, LAB, LINK, NETWORK, NODE, PORT, Noun

_DEFINED = {"node": NODE, "link": LINK, "network": NETWORK, "port": PORT, "addressing": ADDRESSING, "check": CHECK}


def json_schema() -> dict[str, Any]:
    """The schema, for editors and for checks before vethlab is at hand."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vethlab lab file",
        "description": "Nodes, cables and shared segments of a lab of Linux network namespaces.",
        **_object(LAB),
        "$defs": {name: _object(noun) for name, noun in _DEFINED.items()},
    }


def _object(noun: Noun) -> dict[str, Any]:
    properties = {}
    for key in noun.keys.values():
        described = key.meaning + (f" Default: {key.default}." if key.default else "")
        shape = key.kind.schema
        properties[key.name] = {"description": described, **(shape if "$ref" not in shape else {"anyOf": [shape, {"type": "null"}]})}
    required = [key.name for key in noun.keys.values() if key.required]
    return {"type": "object", "properties": properties, "additionalProperties": False, **({"required": required} if required else {})}
