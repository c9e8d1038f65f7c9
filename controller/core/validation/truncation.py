"""Documents cut down to what is worth explaining, so that no input can keep us busy with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST_VALUES = 1_300
"""Values of a document that are explained; a manifest with every tag allowed has fewer."""
_MOST_ITEMS = 250
_MOST_KEYS = 50
"""Keys that no schema names, of those in one mapping."""


def list_member_names(schema: Any) -> frozenset[str]:
    """Return every member that a schema names anywhere."""
    return frozenset(_iter_member_names(schema))


def truncate_value(value: Any, names: frozenset[str]) -> tuple[Any, bool]:
    """Return a value less what is too much of it, and whether anything is missing.

    Members with one of the names stay, so that what is left lacks nothing that the whole has.
    """
    cut = _Truncation(names)
    return cut.truncate(value), cut.short


class _Truncation:
    """One value being cut: how much may still stay, and whether anything had to go."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._left = MOST_VALUES
        self.short = False

    def truncate(self, value: Any) -> Any:
        self._left -= 1
        if isinstance(value, dict):
            return {key: self.truncate(value[key]) for key in self._truncate_keys(value)}
        if isinstance(value, list):
            kept: list[Any] = []
            for item in value:
                if self._left <= 0 or len(kept) == _MOST_ITEMS:
                    self.short = True
                    break
                kept.append(self.truncate(item))
            return kept
        return value

    def _truncate_keys(self, value: dict[str, Any]) -> Iterator[str]:
        others = 0
        for key in value:
            if key not in self._names:
                others += 1
                if others > _MOST_KEYS or self._left <= 0:
                    self.short = True
                    continue
            yield key


def _iter_member_names(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for inner in schema.values():
            yield from _iter_member_names(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _iter_member_names(inner)
