"""Where two generations of a schema differ in what they know, member by member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_INNER = (("items", "[]"), ("additionalProperties", "{}"))


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """A member or a value that one of two schemas has and the other lacks.

    ``path`` is the member's, dotted. ``value`` is an enum's, None where the member itself is
    missing. ``is_new`` says that only the second schema has it.
    """

    path: str
    value: str | None
    is_new: bool

    def __str__(self) -> str:
        """Return the name, as a manifest has it."""
        return self.path if self.value is None else f"{self.path}: {self.value}"


def compare_schemas(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[SchemaDifference, ...]:
    """Return the members and enum values that only one of two schemas has, in the order of paths.

    Definitions are compared by their names, as members are; bounds and descriptions are not.
    """
    found = [*_compare(old, new, "")]
    for name in _list_keys(old.get("definitions")) | _list_keys(new.get("definitions")):
        was, now = _get_node(old.get("definitions"), name), _get_node(new.get("definitions"), name)
        found += _compare(was, now, name)
    return tuple(sorted(set(found), key=lambda one: (one.path, str(one.value), one.is_new)))


def _compare(old: Any, new: Any, path: str) -> Iterator[SchemaDifference]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return
    yield from _compare_values(old, new, path)
    were, are = old.get("properties"), new.get("properties")
    for name in _list_keys(were) | _list_keys(are):
        below = f"{path}.{name}" if path else name
        if name in _list_keys(were) and name in _list_keys(are):
            yield from _compare(_get_node(were, name), _get_node(are, name), below)
        else:
            yield SchemaDifference(below, None, is_new=name in _list_keys(are))
    for keyword, mark in _INNER:
        yield from _compare(old.get(keyword), new.get(keyword), f"{path}{mark}")


def _compare_values(
    old: Mapping[str, Any], new: Mapping[str, Any], path: str
) -> Iterator[SchemaDifference]:
    were, are = old.get("enum"), new.get("enum")
    if isinstance(were, list) and isinstance(are, list):
        for value in {*map(str, were)} ^ {*map(str, are)}:
            yield SchemaDifference(path, value, is_new=value in map(str, are))


def _list_keys(node: Any) -> set[str]:
    return set(node) if isinstance(node, Mapping) else set()


def _get_node(node: Any, name: str) -> Any:
    return node.get(name) if isinstance(node, Mapping) else None
