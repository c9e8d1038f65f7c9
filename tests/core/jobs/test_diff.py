"""Differences between a request and Get's response, by the service's recorded behavior."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.jobs.diff import (
    MASK,
    Difference,
    compare_members,
    get_failure_message,
    mask_sensitive,
)
from controller.core.kinds.registry import KINDS
from tests.contract.showing import shown
from tests.core.cases import SPEC

(KIND,) = KINDS.values()
RECORDED = json.loads(
    (Path(__file__).parents[2] / "data" / "live_get.json").read_text(encoding="utf-8")
)
REQUEST: dict[str, Any] = {"jobName": "support-bot", "customModelName": "support-bot", **SPEC}
KMS = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NOVA = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k"


def behind(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request behind a recorded response, before the service filled it in.

    The base model is named without the variant's suffix, and only settings that the recording's
    text sent are sent.
    """
    model = live["baseModelArn"].rpartition("/")[2].partition(":")[0]
    sent = ("epochCount", "batchSize", "learningRate", "learningRateWarmupSteps")
    settings = {
        name: live["hyperParameters"][name] for name in sent if name in live["hyperParameters"]
    }
    return {
        "jobName": live["jobName"],
        "customModelName": live["outputModelName"],
        "roleArn": live["roleArn"],
        "baseModelIdentifier": model,
        "customizationType": "FINE_TUNING",
        "trainingDataConfig": live["trainingDataConfig"],
        "outputDataConfig": live["outputDataConfig"],
        "hyperParameters": settings,
        "jobTags": [{"key": "team", "value": "support"}],
        "clientRequestToken": "any",
    }


def found(request: Mapping[str, Any], members: Mapping[str, Any]) -> Difference:
    """Compare under the customization kind."""
    return compare_members(KIND, request, members)


def members_changed(request: Mapping[str, Any], members: Mapping[str, Any]) -> list[str]:
    """Return the names of the members that differ."""
    return [change.member for change in found(request, members).changes]


@pytest.mark.parametrize("recording", RECORDED, ids=lambda each: each["get"]["jobName"])
def test_recorded_answer_equals_its_request(recording: dict[str, Any]) -> None:
    """A real response does not differ from its request."""
    live = recording["get"]
    made = found(behind(live), live)

    assert made.changes == ()
    assert set(made.unknown) <= {"customizationType"}
    assert ("customizationType" in live) == (made.unknown == ())


@pytest.mark.parametrize("recording", RECORDED, ids=lambda each: each["get"]["jobName"])
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"roleArn": "arn:aws:iam::123456789012:role/Another"}, "roleArn"),
        ({"hyperParameters": {"epochCount": "99"}}, "hyperParameters.epochCount"),
        ({"hyperParameters": {"stepCount": "1"}}, "hyperParameters.stepCount"),
        ({"trainingDataConfig": {"s3Uri": "s3://other/x"}}, "trainingDataConfig.s3Uri"),
        ({"baseModelIdentifier": "amazon.nova-micro-v1:0"}, "baseModelIdentifier"),
        ({"customModelName": "another"}, "customModelName"),
        ({"customModelKmsKeyId": KMS}, "customModelKmsKeyId"),
        ({"vpcConfig": {"subnetIds": ["a"], "securityGroupIds": ["b"]}}, "vpcConfig"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_edit_of_a_recorded_request_is_named(
    recording: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    """Exactly the edited member is reported."""
    live = recording["get"]

    assert members_changed({**behind(live), **change}, live) == [named]


SAME = [
    ("the base model with its suffix", {"baseModelIdentifier": "amazon.nova-micro-v1:0:128k"}),
    ("the base model without", {"baseModelIdentifier": "amazon.nova-micro-v1:0"}),
    ("the bare base model", {"baseModelIdentifier": "amazon.nova-micro-v1"}),
    ("the base model's ARN", {"baseModelIdentifier": NOVA}),
    ("a number in another notation", {"hyperParameters": {"learningRate": "1e-5"}}),
    ("a number with zeros", {"hyperParameters": {"epochCount": "2.0"}}),
    ("a number for text", {"hyperParameters": {"epochCount": 2}}),
    ("no settings", {"hyperParameters": {}}),
    ("tags", {"jobTags": [{"key": "team", "value": "x"}], "customModelTags": []}),
    ("the token", {"clientRequestToken": "any"}),
    ("no validation data", {"validationDataConfig": {}}),
    ("ids in another order", {"vpcConfig": {"subnetIds": ["b", "a"], "securityGroupIds": ["c"]}}),
    ("a key's id", {"customModelKmsKeyId": KMS.rpartition("/")[2]}),
    ("a key's ARN", {"customModelKmsKeyId": KMS}),
]
DIFFERENT = [
    ({"baseModelIdentifier": "amazon.nova-micro"}, "baseModelIdentifier"),
    ({"baseModelIdentifier": "amazon.nova-micro-v1:0:64k"}, "baseModelIdentifier"),
    ({"baseModelIdentifier": NOVA.replace("micro", "lite")}, "baseModelIdentifier"),
    ({"hyperParameters": {"learningRate": "0.0001"}}, "hyperParameters.learningRate"),
    ({"hyperParameters": {"epochCount": "two"}}, "hyperParameters.epochCount"),
    ({"hyperParameters": {"epochCount": True}}, "hyperParameters.epochCount"),
    ({"customizationType": "DISTILLATION"}, "customizationType"),
    ({"vpcConfig": {"subnetIds": ["a"], "securityGroupIds": ["c"]}}, "vpcConfig.subnetIds"),
    ({"vpcConfig": {}}, "vpcConfig"),
    ({"vpcConfig": None}, "vpcConfig"),
    ({"customModelKmsKeyId": "1234abcd-12ab-34cd-56ef-1234567890ff"}, "customModelKmsKeyId"),
    ({"customModelKmsKeyId": None}, "customModelKmsKeyId"),
    (
        {"outputDataConfig": {"s3Uri": "s3://acme-training/support/output"}},
        "outputDataConfig.s3Uri",
    ),
]
# What a job with every kind of member shows: defaults filled in, ids resolved.
SHOWN: dict[str, Any] = {
    **shown(KIND, REQUEST),
    "hyperParameters": {"epochCount": "2", "learningRate": "0.00001", "batchSize": "1"},
    "vpcConfig": {"subnetIds": ["a", "b"], "securityGroupIds": ["c"]},
    "outputModelKmsKeyArn": KMS,
    "validationMetrics": [],
}
FULL: dict[str, Any] = {
    **REQUEST,
    "vpcConfig": SHOWN["vpcConfig"],
    "customModelKmsKeyId": KMS,
}


def changed_by(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the full request with some members changed; None removes one."""
    return {name: value for name, value in {**FULL, **change}.items() if value is not None}


@pytest.mark.parametrize("change", [each[1] for each in SAME], ids=[each[0] for each in SAME])
def test_equivalent_values_are_no_change(change: dict[str, Any]) -> None:
    """What the service resolves, fills in or never shows is not a difference."""
    assert found(changed_by(change), SHOWN) == Difference()


@pytest.mark.parametrize(("change", "named"), DIFFERENT)
def test_another_value_is_a_change(change: dict[str, Any], named: str) -> None:
    """A value with another meaning is reported, alone."""
    assert members_changed(changed_by(change), SHOWN) == [named]


@pytest.mark.parametrize(
    ("declared", "live", "named"),
    [
        ({"equals": {"a": "1"}}, {"equals": {"a": "1", "b": "2"}}, ".equals.b"),
        (None, {"equals": {"a": "1"}}, ""),
        ({"andAll": [{"equals": {"a": "1"}}]}, {"orAll": [{"equals": {"a": "1"}}]}, ".orAll"),
        ({"equals": {"a": "1"}}, {"equals": {"a": "1"}, "andAll": []}, None),
        (None, {}, None),
    ],
)
def test_filter_that_only_the_job_has_is_a_change(
    declared: Any, live: Any, named: str | None
) -> None:
    """A filter that only the job has is a difference; its values are not shown."""
    logs = "trainingDataConfig.invocationLogsConfig.requestMetadataFilters"
    ours, theirs = (
        {"invocationLogsConfig": {"requestMetadataFilters": filters} if filters is not None else {}}
        for filters in (declared, live)
    )
    request, shows = {**FULL, "trainingDataConfig": ours}, {**SHOWN, "trainingDataConfig": theirs}
    changes = found(request, shows).changes

    assert [change.member for change in changes][-1:] == (
        [logs + named] if named is not None else []
    )
    assert "1" not in "".join(change.live for change in changes)


def test_what_a_sidecar_masks_is_not_known_to_differ() -> None:
    """A job known only from its sidecar has no sensitive values to compare."""
    logs = {"requestMetadataFilters": {"andAll": [{"equals": {"team": "support"}}]}}
    request = {**FULL, "trainingDataConfig": {"invocationLogsConfig": logs}}
    made = found(request, mask_sensitive(KIND, {**SHOWN, **request}))

    inside = "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.andAll[0].equals"
    assert (made.changes, made.unknown) == ((), (inside,))


@pytest.mark.parametrize(("name", "other"), [("007", "7"), ("1e2", "100"), ("1_0", "10")])
def test_names_of_digits_are_names(name: str, other: str) -> None:
    """Two names that are equal as numbers are still different."""
    logs = {"requestMetadataFilters": {"equals": {"batch": name}}}
    sent = {**FULL, "customModelName": name, "trainingDataConfig": {"invocationLogsConfig": logs}}
    theirs = {"requestMetadataFilters": {"equals": {"batch": other}}}
    there = {"outputModelName": other, "trainingDataConfig": {"invocationLogsConfig": theirs}}
    filters = "trainingDataConfig.invocationLogsConfig.requestMetadataFilters.equals.batch"

    assert members_changed(sent, {**SHOWN, **there}) == ["customModelName", filters]


@pytest.mark.parametrize(
    ("change", "shown_otherwise"),
    [
        ({"customModelKmsKeyId": "alias/training"}, {}),
        ({"customModelKmsKeyId": "arn:aws:kms:us-east-1:123456789012:alias/training"}, {}),
        ({"baseModelIdentifier": "our-own-model"}, {}),
        (
            {"baseModelIdentifier": "arn:aws:bedrock:us-east-1:123456789012:custom-model/a.b/c"},
            {},
        ),
        ({}, {"customizationType": None}),
        ({}, {"baseModelArn": None}),
    ],
)
def test_incomparable_members_are_reported(
    change: dict[str, Any], shown_otherwise: dict[str, Any]
) -> None:
    """A member that cannot be compared is neither equal nor changed."""
    made = found(changed_by(change), {**SHOWN, **shown_otherwise})

    assert made.changes == ()
    assert len(made.unknown) == 1


def test_key_alias_against_no_key_is_a_change() -> None:
    """A job without a KMS key differs from a manifest with a key alias."""
    without = {name: value for name, value in SHOWN.items() if name != "outputModelKmsKeyArn"}

    assert members_changed({**FULL, "customModelKmsKeyId": "alias/x"}, without) == [
        "customModelKmsKeyId"
    ]


def test_change_shows_both_values() -> None:
    """A change has both values as JSON, and says if one is absent."""
    (change,) = found(
        {**REQUEST, "hyperParameters": {"stepCount": 7}}, shown(KIND, REQUEST)
    ).changes

    assert (change.member, change.declared, change.live) == (
        "hyperParameters.stepCount",
        "7",
        "(absent)",
    )


def filtered(value: Any) -> dict[str, Any]:
    """Return a request whose training data are filtered invocation logs."""
    logs = {"invocationLogSource": {"s3Uri": "s3://acme/logs"}, "requestMetadataFilters": value}
    return {**REQUEST, "trainingDataConfig": {"invocationLogsConfig": logs}}


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"equals": {"team": "secret-a"}}, {"equals": {"team": "secret-b"}}),
        ({"andAll": [{"notEquals": {"x": "secret-a"}}]}, {"andAll": [{"notEquals": {"x": "b"}}]}),
        ({"equals": {"team": "secret-a"}}, {"orAll": [{"equals": {"team": "secret-b"}}]}),
        ({"andAll": [{"equals": {"x": "secret-a"}}]}, {"andAll": []}),
        ({"equals": {"team": "secret-a"}}, None),
    ],
)
def test_sensitive_values_never_show(declared: Any, live: Any) -> None:
    """A difference in a sensitive member is reported without its values."""
    made = found(filtered(declared), shown(KIND, filtered(live)))

    assert made.changes
    assert "secret" not in repr(made)
    assert "secret" not in repr(mask_sensitive(KIND, filtered(declared)))


def test_mask_replaces_sensitive_values_only() -> None:
    """Only values of sensitive members are replaced, at any depth."""
    value = filtered({"andAll": [{"equals": {"a": "b"}}, {"notEquals": {"a": "b"}}]})
    before = json.dumps(value)
    logs = mask_sensitive(KIND, value)["trainingDataConfig"]["invocationLogsConfig"]

    assert logs["requestMetadataFilters"] == {"andAll": [{"equals": MASK}, {"notEquals": MASK}]}
    assert logs["invocationLogSource"] == {"s3Uri": "s3://acme/logs"}
    assert json.dumps(value) == before


@pytest.mark.parametrize(
    ("sensitive", "members", "told"),
    [
        (frozenset[str](), {"failureMessage": "no such bucket"}, "no such bucket"),
        (frozenset({"failureMessage"}), {"failureMessage": "no such bucket"}, MASK),
        (frozenset[str](), {}, "the service gives no cause"),
        (frozenset[str](), {"failureMessage": ""}, "the service gives no cause"),
    ],
)
def test_cause_of_a_failure(sensitive: frozenset[str], members: dict[str, str], told: str) -> None:
    """A failure's cause is the service's text, masked for kinds that mark it sensitive."""
    assert get_failure_message(replace(KIND, sensitive=sensitive), members) == told


LEAVES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda text: f"x{text}")
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner, min_size=1)
        | st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["jobName", "roleArn", "trainingDataConfig", "hyperParameters", "fresh"]),
    TREES,
    min_size=1,
)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of a value's leaves."""
    if isinstance(value, dict):
        return [one for name, each in value.items() for one in leaves(each, (*path, name))]
    if isinstance(value, list):
        return [one for index, each in enumerate(value) for one in leaves(each, (*path, index))]
    return [path]


def dotted(path: tuple[str | int, ...]) -> str:
    """Return a path in the notation of changes."""
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)[1:]


@settings(deadline=None, max_examples=100)
@given(MEMBERS)
def test_echo_equals_itself(request: dict[str, Any]) -> None:
    """A value that is returned as sent is comparable and unchanged."""
    assert found(request, shown(KIND, request)) == Difference()


@settings(deadline=None, max_examples=100)
@given(MEMBERS, st.data())
def test_one_changed_leaf_is_named(request: dict[str, Any], data: st.DataObject) -> None:
    """Changing one leaf of a response reports exactly that leaf."""
    path = data.draw(st.sampled_from(leaves(request)))
    live = json.loads(json.dumps(request))
    inner = live
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = "y"

    assert members_changed(request, live) == [dotted(path)]
