"""The service model's shapes as draft-07 nodes; every rule that a shape states is carried over.

Input is the raw service model, a dict as its JSON holds it, so nothing here reads a file.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from controller.core.kinds.descriptions import Description, Node, describe_node
from controller.core.kinds.schema_keywords import FORM, SENSITIVE, WRITTEN_TEXT
from controller.core.schema.pattern_texts import FORMS
from controller.core.schema.patterns import make_constraint
from controller.core.schema.shape_texts import COMMON

Shape: TypeAlias = Mapping[str, Any]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def make_text_node(*, as_written: bool, **keywords: Any) -> Node:
    """Return a node for a text; a written one may look like a number or a boolean."""
    return {"type": list(WRITTEN_TEXT) if as_written else "string", **keywords}


def strip_markup(documentation: str) -> str:
    """Return a model's documentation without its markup, as one paragraph."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", documentation)).split())


def _iter_targets(shape: Shape) -> Iterator[str]:
    """Yield the names of the shapes that a shape is made of, in the model's order."""
    for member in shape.get("members", _NOTHING).values():
        yield member["shape"]
    for part in ("member", "key", "value"):
        if part in shape:
            yield shape[part]["shape"]


def list_reachable_shapes(shapes: Mapping[str, Shape], root: str) -> tuple[str, ...]:
    """Return the names of all shapes under a root, the root first, each once."""
    found: dict[str, None] = {}
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting.extend(reversed(tuple(_iter_targets(shapes[name]))))
    return tuple(found)


def find_recursive_shapes(shapes: Mapping[str, Shape], root: str) -> frozenset[str]:
    """Return the names of the structures under a root that contain themselves."""
    return frozenset(
        name
        for name in list_reachable_shapes(shapes, root)
        if shapes[name]["type"] == "structure"
        and any(name in list_reachable_shapes(shapes, part) for part in _iter_targets(shapes[name]))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeReader:
    """How shapes are read: which are defined apart, replaced, left out or described.

    ``as_written`` asks for nodes of a manifest, where texts are still unquoted scalars; otherwise
    they are nodes of a request on the wire. ``documented`` adds the model's own documentation.
    """

    shapes: Mapping[str, Shape]
    recursive: frozenset[str] = frozenset()
    patterns: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    output_only: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NOTHING)
    descriptions: Mapping[str, Description] = field(default_factory=lambda: _NOTHING)
    as_written: bool = True
    documented: bool = False

    def read_node(self, name: str, path: str) -> Node:
        """Return a shape's node, or the reference to it if the shape contains itself."""
        if name in self.recursive:
            return {"$ref": f"#/definitions/{name}"}
        return self.read_body(name, path)

    def read_body(self, name: str, path: str) -> Node:
        """Return a shape's own node; ``path`` is the dotted member, for its descriptions."""
        shape = self.shapes[name]
        node = _READERS[shape["type"]](self, name, path)
        if shape.get("sensitive"):
            node[SENSITIVE] = True
        return node

    def read_member(self, member: Mapping[str, Any], path: str, shared: str) -> Node:
        """Return the node of a structure's member; ``shared`` is its shape's name for it."""
        theirs = strip_markup(member.get("documentation", "")) if self.documented else ""
        return describe_node(
            self.read_node(member["shape"], path), self.find_description(path, shared), theirs
        )

    def read_part(self, name: str, path: str, shared: str) -> Node:
        """Return the node of a list's items, or of a map's values."""
        return describe_node(
            self.read_node(name, path), self.find_description(f"{path}{shared[-2:]}", shared)
        )

    def find_description(self, path: str, shared: str) -> Description | None:
        """Return what is said of a member: by its kind's row, else of its shape everywhere."""
        if not self.as_written:
            return None
        return self.descriptions.get(path) or COMMON.get(shared)


def _read_bounds(shape: Shape, least: str, most: str) -> Node:
    """Return a shape's min and max under the keywords of its type."""
    node: Node = {}
    # A minimum of nothing says nothing, except of numbers.
    if shape.get("min") or ("min" in shape and least == "minimum"):
        node[least] = shape["min"]
    if "max" in shape:
        node[most] = shape["max"]
    return node


def _read_structure(reader: ShapeReader, name: str, path: str) -> Node:
    shape = reader.shapes[name]
    # A document is any JSON, and the empty node is how draft-07 says that.
    if shape.get("document"):
        return {}
    node: Node = {"type": "object"}
    if shape.get("required"):
        node["required"] = list(shape["required"])
    # Plain counting instead of oneOf: one clear error, and editors still complete the members.
    if shape.get("union"):
        node |= {"minProperties": 1, "maxProperties": 1}
    node["properties"] = {
        member: reader.read_member(
            target, f"{path}.{member}" if path else member, f"{name}.{member}"
        )
        for member, target in shape.get("members", _NOTHING).items()
    }
    node["additionalProperties"] = False
    return node


def _read_string(reader: ShapeReader, name: str, _: str) -> Node:
    shape = reader.shapes[name]
    # Where the values are listed, bounds and patterns add nothing, nor can YAML misread them.
    if "enum" in shape:
        left_out = reader.output_only.get(name, ())
        return {"type": "string", "enum": [v for v in shape["enum"] if v not in left_out]}
    node = make_text_node(
        as_written=reader.as_written, **_read_bounds(shape, "minLength", "maxLength")
    )
    if "pattern" in shape:
        node |= make_constraint(reader.patterns.get(shape["pattern"], shape["pattern"]))
        node |= {FORM: FORMS[name]} if name in FORMS else {}
    return node


def _read_number(reader: ShapeReader, name: str, _: str) -> Node:
    return {"type": "number", **_read_bounds(reader.shapes[name], "minimum", "maximum")}


def _read_integer(reader: ShapeReader, name: str, _: str) -> Node:
    """Return the node of a whole number, bounded by its type where the shape does not."""
    shape = reader.shapes[name]
    least, most = _WHOLE[shape["type"]]
    return {
        "type": "integer",
        **_read_bounds({"min": least, "max": most, **shape}, "minimum", "maximum"),
    }


def _read_boolean(*_: object) -> Node:
    return {"type": "boolean"}


def _read_timestamp(*_: object) -> Node:
    return {"type": "string", "format": "date-time"}


def _read_blob(reader: ShapeReader, name: str, _: str) -> Node:
    """Return the node of bytes, which are written in Base64: four characters for three bytes."""
    shape = reader.shapes[name]
    coded = {side: -(-shape[side] // 3) * 4 for side in ("min", "max") if side in shape}
    bounds = _read_bounds(coded, "minLength", "maxLength")
    return {"type": "string", "contentEncoding": "base64", **bounds}


def _list(reader: ShapeReader, name: str, path: str) -> Node:
    shape = reader.shapes[name]
    items = reader.read_part(shape["member"]["shape"], path, f"{name}[]")
    return {"type": "array", **_read_bounds(shape, "minItems", "maxItems"), "items": items}


def _map(reader: ShapeReader, name: str, path: str) -> Node:
    shape = reader.shapes[name]
    node: Node = {"type": "object", **_read_bounds(shape, "minProperties", "maxProperties")}
    keys = reader.read_body(shape["key"]["shape"], path)
    # A key is text whatever it looks like, so its node says nothing of types.
    keys.pop("type", None)
    if keys:
        node["propertyNames"] = keys
    node["additionalProperties"] = reader.read_part(shape["value"]["shape"], path, f"{name}{{}}")
    return node


# A long ends where JSON's numbers stop being exact: no digest could tell its neighbours apart.
_WHOLE: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"integer": (-(2**31), 2**31 - 1), "long": (-(2**53) + 1, 2**53 - 1)}
)

_READERS: Final[Mapping[str, Callable[[ShapeReader, str, str], Node]]] = MappingProxyType(
    {
        "structure": _read_structure,
        "string": _read_string,
        "character": _read_string,
        "float": _read_number,
        "double": _read_number,
        "integer": _read_integer,
        "long": _read_integer,
        "boolean": _read_boolean,
        "timestamp": _read_timestamp,
        "blob": _read_blob,
        "list": _list,
        "map": _map,
    }
)
