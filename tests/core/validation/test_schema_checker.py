"""Each mistake in a manifest is one clear finding; a file dropped into data/findings is a case."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from controller.adapters.schemas.shipped_schemas import FLEET, get_checker
from controller.core.findings import ValueFinding
from controller.core.kinds.registry import KINDS
from controller.core.validation.schema_checker import SchemaChecker

DATA = Path(__file__).parents[2] / "data"
CASES = {
    path.stem: yaml.safe_load(path.read_text("utf-8"))
    for path in sorted((DATA / "findings").glob("*.yaml"))
}
INPUTS = json.loads((DATA / "real_inputs.json").read_text("utf-8"))
KIND = next(iter(KINDS))
SPEC = {
    "jobName": "support-bot",
    "roleArn": "arn:aws:iam::123456789012:role/BedrockCustomization",
    "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
    "customizationType": "FINE_TUNING",
    "trainingDataConfig": {"s3Uri": "s3://acme-training/support/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://acme-training/support/output/"},
}


def manifest(spec: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a manifest around a spec, with other top-level members replaced."""
    base = {"apiVersion": "bedrock-jobs/v1", "kind": KIND, "metadata": {"name": "x"}, "spec": spec}
    return base | members


def findings(spec: dict[str, Any], **members: Any) -> tuple[ValueFinding, ...]:
    """Return the findings on a manifest around a spec."""
    return get_checker(KIND).find_mistakes(manifest(spec, **members))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_mistakes_are_told_as_the_case_says(case: dict[str, Any]) -> None:
    """A spec with the case's change has exactly the case's findings, at their places."""
    spec = {name: value for name, value in SPEC.items() if name not in case.get("without", ())}
    told = findings(spec | case["change"])
    assert [(f.code.code, list(f.path), f.on_key) for f in told] == [
        (expected["code"], expected["at"], expected.get("on_key", False))
        for expected in case["expect"]
    ]
    for finding, expected in zip(told, case["expect"], strict=True):
        assert expected.get("message", "") in finding.message
        assert expected.get("hint", "") in finding.hint
        assert "\n" not in finding.message + finding.hint
        assert "hush" not in finding.message + finding.hint


@pytest.mark.parametrize("entry", INPUTS, ids=lambda entry: entry["source"][-40:])
def test_real_inputs_are_valid_unless_they_are_known_to_be_defective(entry: dict[str, Any]) -> None:
    """Requests that people published are accepted or refused as the service would, as manifests."""
    told = findings(entry["input"])
    assert bool(told) == bool(entry["defects"])
    if not told:
        schema = get_checker(KIND).schema
        assert jsonschema.Draft7Validator(schema).is_valid(manifest(entry["input"]))


@pytest.mark.parametrize(
    ("index", "code", "hint"),
    [
        (-3, "BJ207", "`CONTINUED_PRE_TRAINING`"),
        (-2, "BJ203", "`subnetIds`"),
        (-1, "BJ203", "`spec.customModelKmsKeyId`"),
    ],
)
def test_defects_of_real_inputs_are_named_once(index: int, code: str, hint: str) -> None:
    """Each published defect is one finding, with a hint that names what was meant."""
    (finding,) = findings(INPUTS[index]["input"])
    assert finding.code.code == code
    assert hint in finding.hint


def test_envelope_is_held_to_its_schema() -> None:
    """What is ours of a manifest is checked like the spec, all mistakes at once."""
    told = findings(
        SPEC,
        apiVersion="v1",
        metadata={"name": "Support_Bot", "labels": {"a b": "c"}},
        target={"accountId": "12"},
        policy={"state": "Suspend", "attempt": -1, "adopt": "x", "onFailure": {"retry": 1}},
        roleArn="x",
    )
    assert {(finding.code.code, finding.path[-1]) for finding in told} == {
        ("BJ202", "apiVersion"),
        ("BJ208", "name"),
        ("BJ208", "a b"),
        ("BJ208", "accountId"),
        ("BJ207", "state"),
        ("BJ209", "attempt"),
        ("BJ208", "adopt"),
        ("BJ203", "retry"),
        ("BJ203", "roleArn"),
    }


def test_defaults_may_be_written_out() -> None:
    """The policy that the design shows with all its defaults is valid, null included."""
    policy = {
        "state": "Submitted",
        "onSpecChange": "Hold",
        "onFailure": {"retries": 0},
        "attempt": 0,
        "adopt": None,
        "onDelete": "Retain",
        "priority": 0,
    }
    target = {
        "region": "us-east-1",
        "accountId": "123456789012",
        "assumeRoleArn": "arn:aws:iam::123456789012:role/BedrockJobs",
    }
    metadata = {"name": "support-bot", "labels": {"team": "support"}}
    assert findings(SPEC, policy=policy, target=target, metadata=metadata) == ()


def test_another_kind_is_an_unknown_kind() -> None:
    """A manifest that is held against another kind's schema is told its kind, not a value."""
    (finding,) = findings(SPEC, kind="Job")
    assert finding.code.code == "BJ201"


@pytest.mark.parametrize("value", [None, 1, "text", [], True, 10**400, -(10**30), 1e300])
def test_a_document_that_is_no_mapping_is_one_finding(value: object) -> None:
    """Any JSON value ends in a finding and never in an error."""
    assert len(get_checker(KIND).find_mistakes(value)) == 1


def test_long_values_are_cut_and_signs_are_escaped() -> None:
    """A message stays on one readable line whatever the value holds."""
    told = findings(SPEC | {"jobName": "a b" * 20, "roleArn": "a\x1b[31m\tb"})
    assert all(finding.message.isprintable() for finding in told)
    assert max(len(finding.message) for finding in told) < 200


def test_hostile_job_name_is_refused_in_no_time() -> None:
    """The name that hangs a backtracking engine costs what any other does."""
    began = time.thread_time()
    (finding,) = findings(SPEC | {"jobName": "a" + "-" * 61 + "!"})
    assert time.thread_time() - began < 0.5
    assert finding.code.code == "BJ208"


def test_checker_agrees_with_itself() -> None:
    """A value is valid if, and only if, it has no finding."""
    for case in CASES.values():
        value = manifest(SPEC | case["change"])
        assert get_checker(KIND).is_valid(value) == (get_checker(KIND).find_mistakes(value) == ())


def test_a_rule_without_words_is_still_told() -> None:
    """A keyword that we have no sentence for ends in a finding that names it."""
    (finding,) = SchemaChecker({"uniqueItems": True}).find_mistakes([1, 1])
    assert "uniqueItems" in finding.message


def test_fleet_is_held_to_its_schema() -> None:
    """The fleet's file takes what the design shows, and tells what it does not take."""
    fleet = {
        "owner": "acme-ml",
        "target": {"region": "us-east-1", "accountId": "123456789012"},
        "limits": {"maxSubmits": 50, "maxActive": 2},
        "allow": {
            "accounts": ["123456789012"],
            "regions": ["us-east-1"],
            "roleArns": ["arn:aws:iam::123456789012:role/Bedrock*"],
            "baseModels": ["amazon.nova-*"],
            "s3Prefixes": ["s3://acme-*/"],
        },
        "require": {"tags": ["team"], "kms": True, "vpc": False},
    }
    assert get_checker(FLEET).find_mistakes(fleet) == ()
    assert get_checker(FLEET).find_mistakes({}) == ()
    broken = {"allows": {}, "limits": {"maxActive": 0}, "require": {"tags": "team"}}
    told = get_checker(FLEET).find_mistakes(broken)
    assert {(f.code.code, f.path[-1]) for f in told} == {
        ("BJ203", "allows"),
        ("BJ209", "maxActive"),
        ("BJ205", "tags"),
    }
