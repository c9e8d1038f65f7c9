"""Where two generations of a schema differ in what they know."""

from __future__ import annotations

from typing import Any

from controller.core.schema.drift import compare_schemas

OLD: dict[str, Any] = {
    "properties": {
        "spec": {
            "properties": {
                "kind": {"enum": ["A", "B"]},
                "gone": {"type": "string"},
                "tags": {"items": {"properties": {"key": {}}}},
            }
        }
    },
    "definitions": {"Filter": {"properties": {"not": {}}}},
}
NEW: dict[str, Any] = {
    "properties": {
        "spec": {
            "properties": {
                "kind": {"enum": ["B", "C"]},
                "tags": {"items": {"properties": {"key": {}, "value": {}}}},
            }
        }
    },
    "definitions": {"Filter": {"properties": {"not": {}, "all": {}}}},
}


def test_members_and_values_are_named_with_the_side_that_has_them() -> None:
    """Each difference is one line: members by their path, values behind their member."""
    found = [(str(one), one.is_new) for one in compare_schemas(OLD, NEW)]

    assert found == [
        ("Filter.all", True),
        ("spec.gone", False),
        ("spec.kind: A", False),
        ("spec.kind: C", True),
        ("spec.tags[].value", True),
    ]
    assert compare_schemas(OLD, OLD) == ()


def test_what_is_no_schema_has_no_members() -> None:
    """A file that anybody edited is compared as far as it has the form of a schema."""
    assert compare_schemas({"properties": ["a"], "definitions": 1}, {"properties": 7}) == ()
