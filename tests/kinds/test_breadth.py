"""The generator serves every kind of job: a further kind is a row and a data file, and no code."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from controller.adapters.schemas.schema_files import load_service_model
from controller.core.identity.tokens import fill_names
from controller.core.kinds.descriptions import Node
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.core.schema.manifest_schema import build_manifest_schema, request_schema
from controller.core.schema.shapes import find_recursive_shapes
from controller.core.validation.schema_checker import SchemaChecker
from tests.kinds.rows import EVALUATION, NOT_OFFERED

FOLDER = Path(__file__).parents[1] / "data" / "kinds"
ROWS = {row.name: row for row in (*KINDS.values(), *NOT_OFFERED)}
CASES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
VALID = [
    (name, title, change)
    for name, case in CASES.items()
    for title, change in {"valid": {}, **case.get("also valid", {})}.items()
]
BROKEN = [(name, title, case) for name in CASES for title, case in CASES[name]["broken"].items()]

each_row = pytest.mark.parametrize("kind", ROWS.values(), ids=ROWS)


@functools.cache
def checker(kind: str) -> SchemaChecker:
    """Return a kind's manifest schema, compiled."""
    return SchemaChecker(build_manifest_schema(ROWS[kind], load_service_model()))


def manifest(kind: str, change: dict[str, Any]) -> dict[str, Any]:
    """Return the kind's valid manifest with some members of its spec replaced."""
    return {
        "apiVersion": "bedrock-jobs/v1",
        "kind": kind,
        "metadata": {"name": CASES[kind]["name"]},
        "spec": CASES[kind]["valid"] | change,
    }


def nodes(node: Any) -> list[Node]:
    """Return all mappings in a schema, the nodes among them."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = [node] if isinstance(node, dict) else []
    return found + [deeper for child in inner for deeper in nodes(child)]


def test_each_kind_that_is_not_offered_has_its_cases() -> None:
    """A row without a data file would be tested on nothing."""
    assert set(CASES) == {row.name for row in NOT_OFFERED}


@each_row
def test_schemas_are_draft_07(kind: Kind) -> None:
    """Both schemas of a kind keep draft-07's own schema."""
    for schema in (
        build_manifest_schema(kind, load_service_model()),
        request_schema(kind, load_service_model()),
    ):
        jsonschema.Draft7Validator.check_schema(schema)


@each_row
def test_schema_is_the_same_each_time(kind: Kind) -> None:
    """Two generations have the same bytes, key order included."""
    first, second = (
        json.dumps(build_manifest_schema(kind, load_service_model())) for _ in range(2)
    )
    assert first == second


@each_row
def test_no_structure_takes_a_key_that_the_service_does_not(kind: Kind) -> None:
    """Every node with properties refuses all others, overlays aside."""
    schema = build_manifest_schema(kind, load_service_model())
    schema["properties"]["spec"].pop("allOf", None)
    for node in nodes(schema):
        if isinstance(node.get("properties"), dict) and "type" in node:
            assert node["additionalProperties"] is False


@pytest.mark.parametrize(("kind", "title", "change"), VALID)
def test_valid_requests_are_accepted(kind: str, title: str, change: dict[str, Any]) -> None:
    """A request that the service takes is a valid spec, to both engines, and a valid request."""
    value = manifest(kind, change)
    assert checker(kind).find_mistakes(value) == ()
    assert jsonschema.Draft7Validator(checker(kind).schema).is_valid(value)
    request = fill_names(ROWS[kind], value["spec"], value["metadata"]["name"])
    wire = SchemaChecker(request_schema(ROWS[kind], load_service_model()))
    assert wire.find_mistakes(request | {ROWS[kind].token_member: "bj1-abc"}) == ()


@pytest.mark.parametrize(("kind", "title", "case"), BROKEN)
def test_broken_requests_are_refused(kind: str, title: str, case: dict[str, Any]) -> None:
    """A broken request is refused for its mistake, and for nothing else."""
    value = manifest(kind, case.get("change", {}))
    for member in case.get("without", ()):
        del value["spec"][member]
    assert [finding.code.code for finding in checker(kind).find_mistakes(value)] == case["codes"]


@pytest.mark.parametrize("kind", CASES)
def test_each_required_member_is_required(kind: str) -> None:
    """Without any one of its required members a request is refused, names aside."""
    row = ROWS[kind]
    shape = load_service_model()["operations"][row.get_operation("Create")]["input"]["shape"]
    for member in load_service_model()["shapes"][shape]["required"]:
        value = manifest(kind, {})
        value["spec"].pop(member, None)
        accepted = checker(kind).is_valid(value)
        assert accepted == (member in row.suffixed_members), member


def test_recursive_shapes_are_defined_once() -> None:
    """A structure that contains itself stands under definitions and is referred to."""
    assert find_recursive_shapes(load_service_model()["shapes"], "CreateEvaluationJobRequest") == {
        "RetrievalFilter"
    }
    schema = build_manifest_schema(EVALUATION, load_service_model())
    assert list(schema["definitions"]) == ["RetrievalFilter"]
    assert {"$ref": "#/definitions/RetrievalFilter"} in nodes(schema["definitions"])


def test_findings_mask_what_lies_under_a_sensitive_recursive_shape() -> None:
    """A wrong value deep in a sensitive filter is never shown, nor is any key under it."""
    filters = {"orAll": [{"equals": {"key": ["hush"], "value": 1}}] * 2}
    config = {
        "knowledgeBaseId": "ABC",
        "knowledgeBaseRetrievalConfiguration": {"vectorSearchConfiguration": {"filter": filters}},
    }
    change = {
        "inferenceConfig": {"ragConfigs": [{"knowledgeBaseConfig": {"retrieveConfig": config}}]}
    }
    findings = checker("EvaluationJob").find_mistakes(manifest("EvaluationJob", change))
    assert [finding.code.code for finding in findings] == ["BJ205"] * 2
    assert "hush" not in str(findings)
