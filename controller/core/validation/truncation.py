"""Documents cut down to what is worth explaining, so that no input can keep us busy with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST_VALUES = 1_300
"""Values of a document that are explained; a manifest with every tag allowed has fewer."""
_MOST_ITEMS = 250
_MOST_KEYS = 50
"""Keys that no schema names, of those in one mapping."""


def names_in(schema: Any) -> frozenset[str]:
    """Return every member that a schema names anywhere."""
    return frozenset(_names(schema))


def narrowed(value: Any, names: frozenset[str]) -> tuple[Any, bool]:
    """Return a value less what is too much of it, and whether anything is missing.

    Members with one of the names stay, so that what is left lacks nothing that the whole has.
    """
    cut = _Cut(names)
    return cut.inner(value), cut.short


class _Cut:
    """One value being cut: how much may still stay, and whether anything had to go."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._left = MOST_VALUES
        self.short = False

    def inner(self, value: Any) -> Any:
        self._left -= 1
        if isinstance(value, dict):
            return {key: self.inner(value[key]) for key in self._keys(value)}
        if isinstance(value, list):
            kept: list[Any] = []
            for item in value:
                if self._left <= 0 or len(kept) == _MOST_ITEMS:
                    self.short = True
                    break
                kept.append(self.inner(item))
            return kept
        return value

    def _keys(self, value: dict[str, Any]) -> Iterator[str]:
        others = 0
        for key in value:
            if key not in self._names:
                others += 1
                if others > _MOST_KEYS or self._left <= 0:
                    self.short = True
                    continue
            yield key


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for inner in schema.values():
            yield from _names(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _names(inner)
