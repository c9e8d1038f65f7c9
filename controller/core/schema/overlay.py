"""Partial manifests laid over each other: maps merge, the nearest wins, the rest is replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Keywords that ask for what a partial manifest may leave to the one above it.
_WHOLE = frozenset(
    {
        "required",
        "minProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "dependencies",
    }
)
# Keywords whose value is a mapping of names, not of keywords.
_NAMES = frozenset({"properties", "definitions"})


def overlay_values(over: Any, under: Any) -> Any:
    """Return one value laid over another; neither is changed.

    Only two maps merge, the lower one's keys first.
    """
    if not isinstance(over, dict) or not isinstance(under, dict):
        return over
    merged = dict(under)
    for key, value in over.items():
        merged[key] = overlay_values(value, under[key]) if key in under else value
    return merged


def relax_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that asks for nothing to be there, and still refuses what is wrong.

    A pattern's ``not`` and the like inside a scalar's schema stay: they hold for any value.
    """
    return _relax_node(schema, named=False)


def _relax_node(node: Mapping[str, Any], *, named: bool) -> dict[str, Any]:
    partial = not named and ("properties" in node or node.get("type") == "object")
    return {
        key: _relax_value(key, value, named=named)
        for key, value in node.items()
        if not (partial and key in _WHOLE)
    }


def _relax_value(key: str, value: Any, *, named: bool) -> Any:
    if isinstance(value, Mapping):
        return _relax_node(value, named=not named and key in _NAMES)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [
            _relax_node(item, named=False) if isinstance(item, Mapping) else item for item in value
        ]
    return value
