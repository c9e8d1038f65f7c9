"""The generator carries over every rule that a shape states; each is shown on a made-up service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from controller.core.kinds.descriptions import Description, Node
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.core.schema.envelope import build_fleet_schema
from controller.core.schema.manifest_schema import (
    build_manifest_schema,
    build_partial_schema,
    request_schema,
)
from controller.core.schema.shapes import strip_markup
from controller.core.validation.schema_checker import SchemaChecker
from tests.kinds.rows import COPY

TEXT = ["string", "number", "boolean"]


def service(member: dict[str, Any], **shapes: dict[str, Any]) -> dict[str, Any]:
    """Return a service whose Create takes a token, a name, and one member of the given shape."""
    members = {
        "targetModelName": {"shape": "Name"},
        "clientRequestToken": {"shape": "Name"},
        "it": {"shape": "It", "documentation": "<p>What <b>it</b> is &amp; does.</p>"},
    }
    request = {"type": "structure", "required": ["targetModelName", "it"], "members": members}
    return {
        "operations": {"CreateModelCopyJob": {"input": {"shape": "Request"}}},
        "shapes": {"Request": request, "Name": {"type": "string"}, "It": member, **shapes},
    }


def node_of(member: dict[str, Any], kind: Kind = COPY, **shapes: dict[str, Any]) -> Node:
    """Return the node that a shape becomes in a manifest."""
    schema = build_manifest_schema(kind, service(member, **shapes))
    node: Node = schema["properties"]["spec"]["properties"]["it"]
    return node


S: dict[str, Any] = {"type": "string"}
PAIR: dict[str, Any] = {"type": "structure", "members": {"a": {"shape": "S"}, "b": {"shape": "S"}}}


@pytest.mark.parametrize(
    ("shape", "node"),
    [
        (S, {"type": TEXT}),
        ({"type": "string", "min": 2, "max": 5}, {"type": TEXT, "minLength": 2, "maxLength": 5}),
        ({"type": "string", "min": 0}, {"type": TEXT}),
        ({"type": "string", "sensitive": True}, {"type": TEXT, "x-sensitive": True}),
        (
            {"type": "string", "enum": ["A", "B"], "pattern": "[A-Z]"},
            {"type": "string", "enum": ["A", "B"]},
        ),
        (
            {"type": "string", "pattern": "a|b"},
            {
                "type": TEXT,
                "pattern": "^(?:a|b)$",
                "not": {"type": "string", "pattern": "\\n$"},
            },
        ),
        ({"type": "integer", "min": 0, "max": 9}, {"type": "integer", "minimum": 0, "maximum": 9}),
        (
            {"type": "long", "min": -1},
            {"type": "integer", "minimum": -1, "maximum": 2**53 - 1},
        ),
        ({"type": "integer"}, {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1}),
        ({"type": "float", "max": 0.5}, {"type": "number", "maximum": 0.5}),
        ({"type": "double"}, {"type": "number"}),
        ({"type": "boolean"}, {"type": "boolean"}),
        ({"type": "timestamp"}, {"type": "string", "format": "date-time"}),
        (
            {"type": "blob", "min": 1, "max": 4},
            {"type": "string", "contentEncoding": "base64", "minLength": 4, "maxLength": 8},
        ),
        (
            {"type": "list", "member": {"shape": "S"}, "min": 1, "max": 3},
            {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": TEXT}},
        ),
        (
            {"type": "map", "key": {"shape": "K"}, "value": {"shape": "S"}, "min": 1, "max": 2},
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 2,
                "propertyNames": {"minLength": 1},
                "additionalProperties": {"type": TEXT},
            },
        ),
        (
            {"type": "map", "key": {"shape": "S"}, "value": {"shape": "S"}},
            {"type": "object", "additionalProperties": {"type": TEXT}},
        ),
        (
            PAIR | {"required": ["b"]},
            {
                "type": "object",
                "required": ["b"],
                "properties": {"a": {"type": TEXT}, "b": {"type": TEXT}},
                "additionalProperties": False,
            },
        ),
        (
            PAIR | {"union": True},
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "properties": {"a": {"type": TEXT}, "b": {"type": TEXT}},
                "additionalProperties": False,
            },
        ),
        ({"type": "structure", "members": {}, "document": True}, {}),
    ],
)
def test_shape_becomes_a_node(shape: dict[str, Any], node: Node) -> None:
    """Type, bounds, enum, pattern, keys, union and mark of a shape stand in its node."""
    assert node_of(shape, S=S, K={"type": "string", "min": 1}) == node


def test_recursive_structures_are_references() -> None:
    """A structure that contains itself, through another even, is defined once and referred to."""
    loop = {"type": "structure", "members": {"again": {"shape": "List"}}}
    shapes = {"List": {"type": "list", "member": {"shape": "It"}}}
    schema = build_manifest_schema(COPY, service(loop, **shapes))
    assert schema["properties"]["spec"]["properties"]["it"] == {"$ref": "#/definitions/It"}
    assert schema["definitions"]["It"]["properties"]["again"]["items"] == {
        "$ref": "#/definitions/It"
    }
    value: dict[str, Any] = {"it": {"again": [{"again": [{}]}]}}
    checked = SchemaChecker({**schema["properties"]["spec"], "definitions": schema["definitions"]})
    assert checked.is_valid({"sourceModelArn": "x", **value}) is False
    assert checked.is_valid(value)
    assert not checked.is_valid({"it": {"again": [{"again": [{"other": 1}]}]}})


def test_row_adds_its_judgement() -> None:
    """Replaced patterns, left-out values, descriptions and overlay come from the row."""
    row = replace(
        COPY,
        patterns={"x*": "y*"},
        output_only={"It": ("OLD",)},
        descriptions={"it": Description("Ours.")},
        overlay=({"if": {}, "then": {"required": ["it"]}, "x-problem": "`it` is due"},),
    )
    assert node_of({"type": "string", "pattern": "x*"}, row)["pattern"] == "^(?:y*)$"
    assert node_of({"type": "string", "enum": ["OLD", "NEW"]}, row) == {
        "description": "Ours.",
        "type": "string",
        "enum": ["NEW"],
    }
    spec = build_manifest_schema(row, service(S))["properties"]["spec"]
    assert spec["allOf"] == list(row.overlay)


def test_names_may_be_left_out_and_the_token_must_be() -> None:
    """The names default to the manifest's, so only the rest is required; the token is refused."""
    spec = build_manifest_schema(COPY, service(S))["properties"]["spec"]
    assert spec["required"] == ["it"]
    assert "clientRequestToken" not in spec["properties"]
    assert "paid for twice" in spec["x-refused"]["clientRequestToken"]


def test_parts_ask_for_nothing_and_refuse_what_is_wrong() -> None:
    """Of a part nothing is missing, not even one of a union; a wrong key or value stays wrong."""
    row = replace(COPY, overlay=({"required": ["it"], "x-problem": "`it` is due"},))
    union = PAIR | {"union": True}
    part = SchemaChecker(build_partial_schema(row, build_manifest_schema(row, service(union, S=S))))
    named = {"apiVersion": "bedrock-jobs/v1", "metadata": {"labels": {"team": "ml"}}}
    parts: list[Node] = [
        {},
        named,
        {"spec": {}},
        {"spec": {"it": {}}},
        {"spec": {"it": {"a": "x"}}},
    ]
    for fine in parts:
        assert part.is_valid(fine), fine
    mistakes: list[Node] = [{"it": {}}, {"spec": {"at": 1}}, {"spec": {"it": {"a": "x", "b": "y"}}}]
    for wrong in mistakes:
        assert not part.is_valid(wrong), wrong


def test_request_is_what_goes_over_the_wire() -> None:
    """A request's texts are texts, its names are due, and its token is one of its members."""
    schema = request_schema(COPY, service(S))
    assert schema["required"] == ["targetModelName", "it"]
    assert schema["properties"]["it"] == {"type": "string"}
    assert "clientRequestToken" in schema["properties"]


def test_documentation_is_added_only_on_demand() -> None:
    """The model's words stand below ours when asked for, without their markup, and else nowhere."""
    row = replace(COPY, descriptions={"it": Description("Ours.")})
    documented = build_manifest_schema(row, service(S), documented=True)
    assert documented["properties"]["spec"]["properties"]["it"]["description"] == (
        "Ours.\n\nWhat it is & does."
    )
    assert "does" not in str(
        build_manifest_schema(row, service(S))["properties"]["spec"]["properties"]
    )
    assert strip_markup("<p>a</p><p>b&lt;c</p>") == "a b<c"


@pytest.mark.parametrize("kind", KINDS)
def test_own_parts_are_draft_07_and_described(kind: str) -> None:
    """Each key of a manifest and of the fleet's file has a description, and defaults are shown."""
    schema = build_manifest_schema(KINDS[kind], service_of(KINDS[kind]))
    for whole in (schema, build_fleet_schema()):
        jsonschema.Draft7Validator.check_schema(whole)
        assert undescribed(whole) == []
    policy = schema["properties"]["policy"]["properties"]
    assert {name: node.get("default", "none") for name, node in policy.items()} == {
        "state": "Submitted",
        "onSpecChange": "Hold",
        "onFailure": "none",
        "attempt": 0,
        "adopt": None,
        "onDelete": "Retain",
        "priority": 0,
    }


def service_of(kind: Kind) -> dict[str, Any]:
    """Return a service whose Create of a kind takes the token alone."""
    members = {kind.token_member: {"shape": "S"}}
    request = {"type": "structure", "members": members}
    operation = {"input": {"shape": "Request"}}
    return {
        "operations": {kind.get_operation("Create"): operation},
        "shapes": {"Request": request, "S": S},
    }


def undescribed(node: Node, path: str = "") -> list[str]:
    """Return the dotted keys under a node that have no description."""
    found = []
    for name, child in node.get("properties", {}).items():
        found += [] if child.get("description") else [f"{path}{name}"]
        found += undescribed(child, f"{path}{name}.")
    return found
