"""What editors say of a member: a sentence of ours, and what its node knows in plain words.

The sentences are data; bounds and defaults are read off the node, so that no text repeats them and
none can be wrong about them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeAlias

Node: TypeAlias = dict[str, Any]

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
# Bounds that are a type's and not the member's, and lengths that nobody comes near.
_ENDLESS: Final = 2**31 - 1
_LONG: Final = 512


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of one member: what it is and its unit, examples, and what each value means.

    ``examples`` are values as JSON has them; ``values`` explains each value of an enum.
    """

    text: str
    examples: tuple[Any, ...] = ()
    values: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


def describe_node(node: Node, words: Description | None, theirs: str = "") -> Node:
    """Return a node with its description first and its examples last.

    ``theirs`` is a text of the service's own, which stands below ours.
    """
    ours = " ".join((words.text, *_list_facts(node))) if words else ""
    described = "\n\n".join(part for part in (ours, theirs) if part)
    made: Node = {"description": described, **node} if described else dict(node)
    if words and words.values:
        # A newer model may have values that nobody has described yet.
        made["enumDescriptions"] = [words.values.get(value, value) for value in node["enum"]]
    if words and words.examples:
        made["examples"] = list(words.examples)
    return made


def describe_all_nodes(node: Node, table: Mapping[str, Description], path: str) -> Node:
    """Return a node and all below it with the table's words; none may be missing there.

    A table's keys are dotted members; ``[]`` after one means each item of its list, ``{}`` each
    value of its map.
    """
    made = dict(node)
    if "properties" in node:
        prefix = f"{path}." if path else ""
        made["properties"] = {
            name: describe_all_nodes(child, table, f"{prefix}{name}")
            for name, child in node["properties"].items()
        }
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(keyword), dict):
            made[keyword] = describe_all_nodes(node[keyword], table, f"{path}{mark}")
    return describe_node(made, table[path])


def format_number(value: float) -> str:
    """Return a number as people write it: no exponent, no idle zeros."""
    return format(Decimal(repr(value)), "f")


def _list_facts(node: Node) -> Iterator[str]:
    """Yield what a node says of sizes and defaults, a sentence each."""
    if node.get("maxLength", 0) < _LONG:
        yield from _format_range(node.get("minLength"), node.get("maxLength"), "character")
    yield from _format_range(node.get("minItems"), node.get("maxItems"), "item")
    yield from _format_range(node.get("minimum"), node.get("maximum"), "")
    if (node.get("minProperties"), node.get("maxProperties")) == (1, 1):
        yield "Exactly one of its members." if "properties" in node else "Exactly one entry."
    if "default" in node:
        yield f"Default: {_default(node['default'])}."


def _format_range(least: float | None, most: float | None, unit: str) -> Iterator[str]:
    low = None if least is None or least <= -_ENDLESS else format_number(least)
    high = None if most is None or most >= _ENDLESS else format_number(most)
    # That a text is not empty goes without saying.
    if high is None and unit and least == 1:
        return
    units = f" {unit}{'' if (high or low) == '1' else 's'}" if unit else ""
    if low is not None and high is not None:
        yield f"{low} to {high}{units}." if low != high else f"{low}{units}."
    elif high is not None:
        yield f"At most {high}{units}."
    elif low is not None:
        yield f"At least {low}{units}."


def _default(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
