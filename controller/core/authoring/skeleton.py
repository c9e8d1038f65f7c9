"""A manifest to start from: what must be there stands, the rest is commented out.

Every member stands under the sentence that its schema says of it. Descriptions begin with ``# ``;
what can be switched on begins with ``#`` and no blank, so that taking the sign away leaves the line
where it belongs.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from controller.core.authoring.modelines import make_modeline
from controller.core.kinds.descriptions import Node
from controller.core.kinds.kind import Kind, Variant
from controller.core.model import API_VERSION

_WIDTH: Final = 96
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./<$][^\s#,\[\]{}\"&!|%`]*(?<!:)")
_LONG_NUMBER: Final = re.compile(r"[0-9]{9,}")
_NULLS: Final = frozenset({"null", "Null", "NULL"})


def build_skeleton(
    kind: Kind, schema: Mapping[str, Any], name: str, variant: Variant, where: str
) -> str:
    """Return the text of a manifest that is valid once its placeholders are filled in.

    ``schema`` is the kind's manifest schema, ``where`` the path to it from the new file, for the
    first line that editors read.
    """
    given = {
        "apiVersion": API_VERSION,
        "kind": kind.name,
        "metadata": {"name": name},
        "spec": variant.spec,
    }
    writer = _SkeletonWriter(frozenset(f"spec.{path}" for path in variant.leave_out))
    head = [
        make_modeline(where),
        *format_comment(variant.title),
        *format_comment(
            "Fill in what stands in <angle brackets>; take the # away from what you need."
        ),
    ]
    return "\n".join([*head, *writer.write_members(dict(schema), given, "")]) + "\n"


def format_comment(text: str, depth: int = 0) -> list[str]:
    """Return a text as comment lines; a link stays whole."""
    width = _WIDTH - depth * 2
    return [
        f"# {line}"
        for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    ]


def _explain_member(node: Node, depth: int) -> list[str]:
    """Return what a member is, and what each of its values means."""
    values = zip(node.get("enum", ()), node.get("enumDescriptions", ()), strict=False)
    texts = [node.get("description", ""), *(f"{value}: {meaning}" for value, meaning in values)]
    return [line for text in texts for line in format_comment(text, depth)]


def indent_lines(lines: list[str]) -> list[str]:
    """Return lines one level further in."""
    return [f"  {line}" for line in lines]


def _format_scalar(value: Any) -> str:
    """Return a scalar as YAML; a text stays plain where YAML lets it, numbers have no exponent."""
    # YAML 1.1 readers take 5e-05 for a text.
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".")
    if isinstance(value, str) and _LONG_NUMBER.fullmatch(value):
        return f'"{value}"'
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in _NULLS:
        return value
    return json.dumps(value, ensure_ascii=False)


def format_inline(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {format_inline(entry)}' for key, entry in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(format_inline, value))}]"
    return _format_scalar(value)


def _make_placeholder(name: str) -> str:
    """Return what stands for a value that only the user knows: ``<role-arn>``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    return f"<{words.lower()}>"


def _make_example(name: str, node: Node) -> str:
    """Return a value that shows what a member takes, as YAML on one line."""
    # A policy's default is what the line means while it is commented out.
    if "default" in node:
        return _format_scalar(node["default"])
    if "examples" in node:
        return format_inline(node["examples"][0])
    if "enum" in node:
        return _format_scalar(node["enum"][0])
    if "minimum" in node:
        return _format_scalar(node["minimum"])
    if node.get("type") == "boolean":
        return "true"
    if node.get("type") == "array":
        return f"[{_make_example(name, node['items'])}]"
    if node.get("type") == "object":
        return "{<key>: <value>}"
    return _make_placeholder(name)


@dataclass(frozen=True, slots=True)
class _SkeletonWriter:
    """Writes the members of nodes as lines, less those that a way of beginning leaves out."""

    leave_out: frozenset[str]

    def write_members(self, node: Node, given: Mapping[str, Any] | None, path: str) -> list[str]:
        """Return a mapping's lines; what is not given is commented out.

        With nothing given at all the mapping is an example: its required members stand, or its
        first one.
        """
        properties: dict[str, Node] = node["properties"]
        standing = node.get("required") or [next(iter(properties))]
        return [
            line
            for name, child in self._select_members(properties, path)
            for line in self._write_member(
                name, child, given, f"{path}{name}", stands=name in (given or standing)
            )
        ]

    def _select_members(self, properties: dict[str, Node], path: str) -> Iterator[tuple[str, Node]]:
        for name, child in properties.items():
            if f"{path}{name}" not in self.leave_out:
                yield name, child

    def _write_member(
        self, name: str, node: Node, given: Mapping[str, Any] | None, path: str, *, stands: bool
    ) -> list[str]:
        value = given.get(name) if given else None
        body = self._write_body(name, node, value, f"{path}.")
        if not stands:
            body = [f"#{line}" for line in body]
        return _explain_member(node, path.count(".")) + body

    def _write_body(self, name: str, node: Node, value: Any, path: str) -> list[str]:
        """Return a member's key and value."""
        if "properties" in node:
            return [f"{name}:", *indent_lines(self.write_members(node, value, path))]
        if isinstance(value, Mapping):
            entries = [f"{key}: {_format_scalar(entry)}" for key, entry in value.items()]
            return [f"{name}:", *indent_lines(entries)]
        items = node.get("items", {})
        if value is None and "properties" in items and "examples" not in node:
            first, *rest = self._write_item(items, path)
            return [f"{name}:", f"  - {first}", *(f"    {line}" for line in rest)]
        return [f"{name}: {_make_example(name, node) if value is None else _format_scalar(value)}"]

    def _write_item(self, node: Node, path: str) -> list[str]:
        """Return the lines of one item of a list."""
        # The dash wants its first key beside it, so there is no place for comments.
        lines = self.write_members(node, None, path)
        return [line for line in lines if not line.startswith("#")]
