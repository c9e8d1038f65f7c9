"""What the fleet's rules forbid, value by value."""

from __future__ import annotations

import fnmatch
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.fleet import (
    Allow,
    Failures,
    Fleet,
    Require,
    find_target_violations,
    find_violations,
    is_match,
    is_under_prefix,
    parse_fleet,
)
from controller.core.kinds.registry import KINDS
from controller.core.model import Target
from controller.core.problems import Code

KIND = next(iter(KINDS.values()))
SPEC: dict[str, Any] = {
    "roleArn": "arn:aws:iam::123456789012:role/BedrockJobs",
    "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
    "trainingDataConfig": {"s3Uri": "s3://acme-training/train.jsonl"},
    "validationDataConfig": {"validators": [{"s3Uri": "s3://acme-training/check.jsonl"}]},
    "outputDataConfig": {"s3Uri": "s3://acme-training/output/"},
}
TARGET = Target("us-east-1", "123456789012")
ALL, NOTHING = Allow(), Require()


def refused(spec: dict[str, Any], allow: Allow = ALL, require: Require = NOTHING) -> Any:
    """Return the code and path of every violation in a spec."""
    fleet = Fleet(allow=allow, require=require)
    return [(found.code, found.path) for found in find_violations(KIND, TARGET, spec, fleet)]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("us-east-1", "us-east-1", True),
        ("us-east-1", "us-east-10", False),
        ("us-*", "us-east-1", True),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*b*a", "abba", True),
        ("*ab", "aab", True),
        ("a?c", "abc", False),
        ("a[b]c", "abc", False),
        ("A*", "abc", False),
    ],
)
def test_star_is_the_only_wildcard(pattern: str, text: str, *, expected: bool) -> None:
    """A star matches any text; every other character matches itself, case-sensitively."""
    assert is_match(pattern, text) is expected


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
@settings(deadline=None, max_examples=300)
def test_star_means_what_it_means_elsewhere(pattern: str, text: str) -> None:
    """Patterns of letters and stars match what the standard library's fnmatch matches."""
    assert is_match(pattern, text) is fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("prefix", "location", "expected"),
    [
        ("s3://acme-*/", "s3://acme-training/a/b.jsonl", True),
        ("s3://acme-*/", "s3://acme-training", True),
        ("s3://acme-*/", "s3://other/acme-x/", False),
        ("s3://*-data/", "s3://evil/acme-data/x", False),
        ("s3://acme/a/", "s3://acme/ab", False),
        ("s3://acme/a", "s3://acme/ab", True),
        ("s3://acme/*/out/", "s3://acme/x/out/y", True),
        ("s3://acme/*/out/", "s3://acme/x/y/out/", False),
        ("s3://acme/a/", "s3://acme", False),
    ],
)
def test_star_ends_at_a_slash_in_a_prefix(prefix: str, location: str, *, expected: bool) -> None:
    """A pattern for a bucket does not match a folder in another bucket."""
    assert is_under_prefix(prefix, location) is expected


def test_no_rules_refuse_nothing() -> None:
    """A fleet without rules allows everything."""
    assert refused(SPEC) == []


def test_satisfied_rules_refuse_nothing() -> None:
    """A spec that follows every rule is allowed."""
    allow = Allow(
        accounts=("123456789012",),
        regions=("us-*",),
        role_arns=("arn:aws:iam::123456789012:role/Bedrock*",),
        base_models=("amazon.nova-*",),
        s3_prefixes=("s3://acme-*/",),
    )
    spec = SPEC | {"jobTags": [{"key": "team", "value": "x"}], "customModelKmsKeyId": "alias/a"}

    assert refused(spec, allow, Require(tags=("team",), kms=True)) == []


def test_empty_list_allows_nothing() -> None:
    """A rule with an empty list forbids everything."""
    empty = Allow((), (), (), (), ())

    assert refused(SPEC, empty) == [
        (Code.FORBIDDEN_ACCOUNT, ("target", "accountId")),
        (Code.FORBIDDEN_REGION, ("target", "region")),
        (Code.FORBIDDEN_ROLE, ("spec", "roleArn")),
        (Code.FORBIDDEN_MODEL, ("spec", "baseModelIdentifier")),
        (Code.FORBIDDEN_LOCATION, ("spec", "trainingDataConfig", "s3Uri")),
        (
            Code.FORBIDDEN_LOCATION,
            ("spec", "validationDataConfig", "validators", 0, "s3Uri"),
        ),
        (Code.FORBIDDEN_LOCATION, ("spec", "outputDataConfig", "s3Uri")),
    ]


@pytest.mark.parametrize(
    "model",
    [
        "amazon.nova-micro-v1:0:128k",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k",
    ],
)
def test_base_model_is_the_same_by_its_arn(model: str) -> None:
    """A foundation model's ARN matches a rule for the model's ID."""
    spec = SPEC | {"baseModelIdentifier": model}

    assert refused(spec, Allow(base_models=("amazon.nova-*",))) == []
    assert refused(spec, Allow(base_models=("meta.*",))) != []


def test_custom_model_does_not_pass_for_its_base() -> None:
    """A custom model is allowed only by its own ARN, not by its base's ID in that ARN."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0/abcdefghijkl"
    spec = SPEC | {"baseModelIdentifier": arn}

    assert refused(spec, Allow(base_models=("amazon.nova-*",))) != []
    assert refused(spec, Allow(base_models=("arn:*:custom-model/*",))) == []


@pytest.mark.parametrize(
    ("require", "code"),
    [
        (Require(tags=("team",)), Code.TAG_REQUIRED),
        (Require(kms=True), Code.KMS_REQUIRED),
        (Require(vpc=True), Code.VPC_REQUIRED),
    ],
)
def test_missing_requirement_is_reported_at_the_spec(require: Require, code: Code) -> None:
    """A missing requirement is reported at the spec."""
    assert refused(SPEC, require=require) == [(code, ("spec",))]


def test_missing_tag_is_reported_at_the_tags() -> None:
    """A missing tag is reported at the tags, if there are some."""
    spec = SPEC | {"jobTags": [{"key": "cost", "value": "1"}]}

    assert refused(spec, require=Require(tags=("team",))) == [
        (Code.TAG_REQUIRED, ("spec", "jobTags"))
    ]


def test_fleet_s_own_target_counts() -> None:
    """If a manifest names no region, the fleet's own is checked against the rule."""
    fleet = Fleet(target=Target(region="eu-west-1"), allow=Allow(regions=("us-*",)))

    (found,) = find_violations(KIND, Target(), SPEC, fleet)

    assert found.code is Code.FORBIDDEN_REGION


def test_open_target_is_checked_once_resolved() -> None:
    """An open part of a target is checked only once it is resolved."""
    fleet = Fleet(allow=Allow(accounts=("123456789012",)))

    assert find_target_violations(Target(), fleet) == ()
    assert find_target_violations(replace(TARGET, account_id="210987654321"), fleet) != ()


def test_fleet_is_what_its_file_says() -> None:
    """Every key of the file is parsed, and an absent list sets no rule."""
    fleet = parse_fleet(
        {
            "owner": "acme-ml",
            "target": {"region": "us-east-1"},
            "limits": {"maxSubmits": 3, "maxActive": 2},
            "allow": {"accounts": [], "s3Prefixes": ["s3://acme-*/"]},
            "require": {"tags": ["team"], "vpc": True},
            "failures": {"healing": ["*busy*"], "lasting": ["*never*"]},
            "stampTags": True,
        }
    )

    assert (fleet.owner, fleet.target.region) == ("acme-ml", "us-east-1")
    assert (fleet.limits.max_submits, fleet.limits.max_active) == (3, 2)
    assert fleet.allow == Allow(accounts=(), s3_prefixes=("s3://acme-*/",))
    assert fleet.require == Require(tags=("team",), vpc=True)
    assert fleet.failures == Failures(healing=("*busy*",), lasting=("*never*",))
    assert fleet.stamp_tags
    assert parse_fleet({}) == Fleet()
