"""Ways through a schema: from a node to that of a member, and to every member there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def follow_step(
    schema: Mapping[str, Any], node: Mapping[str, Any], key: str | int
) -> Mapping[str, Any]:
    """Return the schema of what stands under a key or an index; empty where it says nothing.

    ``schema`` is the whole one, into whose definitions references lead.
    """
    if isinstance(key, int):
        child = node.get("items")
    else:
        child = node.get("properties", {}).get(key, node.get("additionalProperties"))
    # `additionalProperties: false` has nothing to say of a key's node.
    if not isinstance(child, Mapping):
        return {}
    found: Mapping[str, Any] = resolve_reference(schema, child)
    return found


def resolve_reference(schema: Mapping[str, Any], node: Any) -> Any:
    """Return what a reference into the definitions leads to; any other node as it is."""
    if isinstance(node, Mapping) and "$ref" in node:
        return schema["definitions"][node["$ref"].rpartition("/")[2]]
    return node


def iter_member_paths(
    node: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield the path of every member that stands in a schema; references are not followed."""
    for name, child in node.get("properties", {}).items():
        yield (*path, name)
        yield from iter_member_paths(child, (*path, name))
    for inner in ("items", "additionalProperties"):
        if isinstance(node.get(inner), dict):
            yield from iter_member_paths(node[inner], path)
