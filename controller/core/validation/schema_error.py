"""A violation of a schema, seen from the value that it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from controller.core.findings import ValueFinding
from controller.core.kinds.schema_keywords import SENSITIVE
from controller.core.problems import Code
from controller.core.schema.paths import follow_step
from controller.core.validation.violations import Violation

_HIDDEN: Final = "a hidden value"
_LONGEST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaMistake:
    """An error of the engine, seen from the value that it is about.

    ``rule`` is the keyword that was broken and ``node`` the schema at ``path``; ``label`` is the
    path in dots, its secret part masked.
    """

    schema: Mapping[str, Any]
    rule: str
    node: Mapping[str, Any]
    path: tuple[str | int, ...]
    label: str
    value: Any
    details: Mapping[str, Any]
    sensitive: bool
    on_key: bool = False

    def make_finding(self, code: Code, message: str, hint: str = "") -> ValueFinding:
        """Return a finding on this value, whose label begins the message."""
        return ValueFinding(code, self.path, f"{self.label} {message}", hint, self.on_key)

    @property
    def shown(self) -> str:
        """The value as a message may show it: short, on one line, masked if it is sensitive."""
        if self.sensitive:
            return _HIDDEN
        if isinstance(self.value, dict | list):
            return describe_type(self.value)
        text = self.value if isinstance(self.value, str) else json.dumps(self.value, default=str)
        # Escapes of a terminal and line breaks must not reach the reader as such.
        text = text if text.isprintable() and text else json.dumps(text)
        return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def describe_type(value: object) -> str:
    """Return what a value is, in words."""
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "a mapping", list: "a list", str: "a text", int: "a whole number"}
    return names.get(type(value), "null" if value is None else "a number")


def look(schema: Mapping[str, Any], path: Sequence[str | int]) -> tuple[Any, str, bool]:
    """Return the node at a path, the path in dots, and whether it lies under a sensitive node."""
    node: Mapping[str, Any] = schema
    label, hidden = "", False
    for key in path:
        # In a map the keys are the user's own too, so all below a sensitive node is masked.
        shown: str | int = "…" if hidden else key
        label += f"[{shown}]" if isinstance(key, int) else f".{shown}"
        node = follow_step(schema, node, key)
        hidden = hidden or bool(node.get(SENSITIVE))
    return node, f"`{label.lstrip('.')}`" if label else "The document", hidden


def iter_mistakes(schema: Mapping[str, Any], violation: Violation) -> Iterator[SchemaMistake]:
    """Yield the mistakes behind a violation: one, or one for each member that is missing.

    The validator reports a key's violation on the mapping that holds it; here it is about the key.
    """
    path = violation.path
    node, label, sensitive = look(schema, path)
    if violation.on_key:
        shown = "…" if sensitive else violation.value
        path, label = (*path, violation.value), f"The key `{shown}` of {label}"
        node = node["propertyNames"]
    for details in _list_details(violation):
        yield SchemaMistake(
            schema=schema,
            rule=violation.rule,
            node=node,
            path=path,
            label=label,
            value=violation.value,
            details=details,
            sensitive=sensitive,
            on_key=violation.on_key,
        )


def _list_details(violation: Violation) -> Iterator[Mapping[str, Any]]:
    limit = violation.limit
    match violation.rule:
        case "required":
            yield from ({"property": name} for name in limit if name not in violation.value)
        case "type":
            yield {"types": [limit] if isinstance(limit, str) else limit}
        case _:
            yield {}
