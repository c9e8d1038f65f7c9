"""Generates docs/reference/manifest.md from the shipped schemas: all keys that may be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from controller.adapters.schemas import shipped_schemas
from controller.core.authoring.skeleton import format_inline
from controller.core.kinds.descriptions import Node
from controller.core.kinds.registry import KINDS
from controller.core.kinds.schema_keywords import FORM, PROBLEM, REFUSED, WRITTEN_TEXT
from tests.house.source import ROOT

PAGE = ROOT / "docs" / "reference" / "manifest.md"
_TYPES = {
    "object": "mapping",
    "array": "list",
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "true or false",
    "null": "null",
}
_HEAD = """# Manifest

Every key of a manifest and of `bedrock-jobs.yaml`, generated from the schemas: `make docs` updates
this page. Editors show the same texts ([how](../tutorial/first-job.md#in-your-editor));
`bedrock-jobs new` writes a first manifest.

- Manifests are the `.yaml`, `.yml` and `.json` files below `jobs/` (in upper or lower case) whose
  names do not begin with `.` or `_`. A JSON file is a manifest if its `apiVersion` is
  `bedrock-jobs/v1` and its `kind` that of a job; others are ignored. It is parsed as YAML: write
  characters outside the Basic Multilingual Plane literally, not as two `\\u` escapes.
- **Bold** keys are required. `a[]` is each item of a list `a`, `a{}` each value of a mapping `a`.
- A string is used as written, regardless of its YAML type: `1e-5`, `012` and `no` stay as they are.
- A `_defaults.yaml` sets any of these keys for all manifests in and below its folder, except
  `metadata.name`, `policy.adopt` and the names in `spec`.
- Other keys are invalid; the message suggests the nearest one.
"""
_MANIFEST = """## Around the spec

These keys are the same for every kind. Only `spec` is sent to the service.
"""
_SPEC = "The request, with the API's own names: see the tables of each kind below."
_FLEET = """## bedrock-jobs.yaml

The settings of a fleet: the outermost file between a manifest and the root of the outermost git
repository around it, whatever folder a command runs in. Outside git the search ends at the working
directory, and if that has no such file, the nearest one above it is used. `--config` names another.
An inner file never overrides it: manifests below one are invalid (BJ115). All manifests are invalid
if the file has another spelling, such as `bedrock-jobs.yml` (BJ116), or is empty (BJ117). Every key
is optional; write `{}` for a file without settings.
"""


def rendered() -> str:
    """Return the page: the envelope, then each kind's spec, then bedrock-jobs.yaml."""
    kinds = {name: shipped_schemas.load_schema(name) for name in KINDS}
    ours = dict(next(iter(kinds.values())))
    # A row of its own here, and tables of its own below.
    keys = ours["properties"] | {"spec": {"type": "object", "description": _SPEC}}
    parts = [_HEAD, _MANIFEST, *_sections({**ours, "properties": keys}, "", "###")]
    for name, schema in kinds.items():
        spec = schema["properties"]["spec"]
        parts += [f"## spec of a {name}\n", f"{spec['description']}\n"]
        parts += [_Table("spec", spec).text(), _refused(spec), _rules(spec)]
        parts += _sections(spec, "spec", "###", with_own=False)
    parts += [
        _FLEET,
        *_sections(dict(shipped_schemas.load_schema(shipped_schemas.FLEET)), "", "###"),
    ]
    return "\n".join(part for part in parts if part)


def _sections(node: Node, path: str, sign: str, *, with_own: bool = True) -> Iterator[str]:
    """Yield the table of a mapping's keys, and the tables of the mappings in it."""
    if with_own:
        yield f"{sign} {path}\n\n{node['description']}\n" if path else ""
        yield _Table(path, node).text()
    for name, child in node["properties"].items():
        inner = child if "properties" in child else child.get("items", {})
        if "properties" in inner:
            mark = "" if inner is child else "[]"
            yield from _sections(inner, f"{path}.{name}{mark}".lstrip("."), sign)


class _Table:
    """The keys of one mapping, one row each."""

    def __init__(self, path: str, node: Node) -> None:
        self._path, self._node = path, node

    def text(self) -> str:
        """Return the table as Markdown."""
        required = self._node.get("required", ())
        rows = ["| key | type | description |", "|---|---|---|"]
        for name, child in self._node["properties"].items():
            for key, node in _with_parts(name, child):
                shown = f"**`{key}`**" if key in required else f"`{key}`"
                rows.append(f"| {shown} | {_takes(node)} | {_cell(node)} |")
        return "\n".join(rows) + "\n"


def _with_parts(name: str, node: Node) -> Iterator[tuple[str, Node]]:
    """Yield a key, and its items or values if they have no table of their own."""
    yield name, node
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        part = node.get(keyword)
        if isinstance(part, dict) and "properties" not in part:
            yield f"{name}{mark}", part


def _takes(node: Node) -> str:
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return "<br>".join(f"`{value}`" for value in node["enum"])
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    if set(types) == set(WRITTEN_TEXT):
        return "string"
    return " or ".join(_TYPES[name] for name in types)


def _cell(node: Node) -> str:
    """Return everything about a key: its description, values, pattern and an example."""
    values = zip(node.get("enum", ()), node.get("enumDescriptions", ()), strict=True)
    lines = [
        as_markdown(node["description"]),
        *(f"`{value}`: {as_markdown(meaning)}" for value, meaning in values),
        *([as_markdown(node[FORM])] if FORM in node else []),
        *([f"Example: `{format_inline(node['examples'][0])}`"] if node.get("examples") else []),
    ]
    return "<br>".join(lines)


def as_markdown(text: str) -> str:
    """Return a text for a cell, with angle brackets escaped outside code."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(p if index % 2 else p.replace("<", "&lt;") for index, p in enumerate(parts))


def _refused(spec: Mapping[str, Any]) -> str:
    told = [f"`{name}` is never written: {why}." for name, why in spec.get(REFUSED, {}).items()]
    return "\n".join(told) + "\n" if told else ""


def _rules(spec: Mapping[str, Any]) -> str:
    """Return the rules about several keys, as reported when one is violated."""
    rules = [f"- {rule[PROBLEM]}." for rule in spec.get("allOf", ())]
    return "\n".join(["Rules that bind several keys:\n", *rules]) + "\n" if rules else ""
