"""What is sent is what is written, checked on the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import Project

RECORDS = json.loads((Path(__file__).parents[1] / "data" / "real_inputs.json").read_text())
VALID = [record["input"] for record in RECORDS if not record["defects"]]
DEFECTIVE = [record["input"] for record in RECORDS if record["defects"]]


def sent(tree: Project) -> tuple[dict[str, Any], str]:
    """Return the one body that Create was sent, and the token that it held."""
    (entry,) = tree.calls("Create")
    body = json.loads(entry["body"])
    return body, body.pop("clientRequestToken")


@pytest.mark.parametrize("request_given", VALID, ids=lambda one: one["jobName"])
def test_real_request_reaches_the_wire_unchanged(
    tree: Project, request_given: dict[str, Any]
) -> None:
    """A request from the field, written as a manifest, is sent equal to the input."""
    tree.add("from-the-field", request_given)
    ran = tree.call("reconcile")
    assert ran.code == 0, ran.err
    body, token = sent(tree)
    assert body == request_given
    assert token == tree.entry("from-the-field")["token"]


def test_token_is_the_manifests_alone(tree: Project) -> None:
    """The same manifest in another region of another checkout is sent under the same token."""
    tree.add("support-bot")
    tree.call("reconcile")
    first = sent(tree)
    tree.forget()
    tree.hush()
    tree.call("reconcile", "--region", "us-west-2")
    assert sent(tree) == first


@pytest.mark.parametrize("request_given", DEFECTIVE, ids=lambda one: one["jobName"])
def test_defective_request_is_refused_before_any_call(
    tree: Project, request_given: dict[str, Any]
) -> None:
    """A request from the field that AWS would refuse is told with its place, and never sent."""
    path = tree.add("from-the-field", request_given)
    ran = tree.call("reconcile")
    assert ran.code == 4
    assert f"jobs/{path.name}:" in ran.err
    assert "BJ" in ran.err
    assert tree.changes() == []
