"""Every row is sound: what it claims of the service, the service model confirms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.adapters.schemas.schema_files import load_service_model
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from tests.kinds.lint import lint
from tests.kinds.rows import COPY, EVALUATION, INVOCATION, NOT_OFFERED

OFFERED = tuple(KINDS.values())


@pytest.mark.parametrize("kind", [*OFFERED, *NOT_OFFERED], ids=lambda kind: kind.name)
def test_row_agrees_with_the_service_model(kind: Kind) -> None:
    """A row names operations, members, statuses and marks as the model has them, none missing."""
    assert lint(kind, load_service_model()) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"plural": "EvaluationJobList"}, "operation"),
        ({"stoppable": False}, "Stop exists"),
        ({"stopped": frozenset()}, "stopped"),
        ({"name_member": "name"}, "no member name"),
        ({"token_member": "token"}, "token"),
        ({"tag_members": ()}, "tags"),
        ({"identifier_member": "jobArn"}, "jobArn alone"),
        ({"arn_member": "arn"}, "answer with arn"),
        ({"resource": "model-copy-job"}, "ARN of a model-copy-job"),
        ({"status_member": "jobType", "active": frozenset()}, "statuses"),
        ({"failure_member": "failureMessage"}, "failureMessage"),
        ({"summaries_member": "summaries"}, "summaries"),
        ({"listed_name_member": "name"}, "summary does not show name"),
        ({"listed_as_active": ""}, "listed_as_active"),
        ({"active": frozenset({"InProgress"})}, "Deleting"),
        ({"failed": frozenset({"Failed", "Stopped"})}, "two groups"),
        ({"stopping": frozenset({"Stopped"})}, "not active"),
        ({"echoes_token": True}, "echoes the token"),
        ({"echoes": {"roleArn": "role"}}, "echoed as role"),
        ({"tagged": {}}, "which ARN carries jobTags"),
        ({"tagged": {"jobTags": "jobArn", "tags": "jobArn"}}, "tags is tagged"),
        ({"tagged": {"jobTags": "roleArn"}}, "no tags for roleArn"),
        ({"sensitive": frozenset({"filter"})}, "sensitive"),
        ({"role_members": ("roleArn.name",)}, "roleArn.name"),
        ({"patterns": {"x*": "x*"}}, "x*"),
        ({"output_only": {"ApplicationType": ("None",)}}, "ApplicationType"),
        ({"descriptions": {"evaluationConfig.none": "x"}}, "evaluationConfig.none"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_lint_finds_each_wrong_claim(change: dict[str, Any], told: str) -> None:
    """A row with one false claim is told of it."""
    assert any(
        told in problem for problem in lint(replace(EVALUATION, **change), load_service_model())
    )


def test_lint_asks_how_a_member_is_shown_that_get_names_otherwise() -> None:
    """A Create member that Get does not show under its name must be explained by the row."""
    assert any("modelKmsKeyId" in p for p in lint(replace(COPY, echoes={}), load_service_model()))


def test_lint_knows_the_end_of_a_job() -> None:
    """A row that forgets the member with the end of a job is told of it."""
    assert any(
        "endTime" in p for p in lint(replace(INVOCATION, ended_member=""), load_service_model())
    )
