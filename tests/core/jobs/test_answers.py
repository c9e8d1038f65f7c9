"""Which responses are trusted: those of the service, about what was requested."""

from __future__ import annotations

from typing import Any

import pytest

from controller.core.jobs import answers
from controller.core.kinds.registry import KINDS
from controller.core.model import Place

(KIND,) = KINDS.values()
REGION = "us-east-1"
HERE = Place("123456789012", REGION)
MODEL = "amazon.nova-micro-v1:0:128k"
ARN = f"arn:aws:bedrock:{REGION}:123456789012:{KIND.resource}/{MODEL}/abcdefgh1234"
JOB: dict[str, Any] = {
    "jobArn": ARN,
    "jobName": "support-bot",
    "status": "InProgress",
    "creationTime": "2026-01-01T08:00:00.000Z",
}


@pytest.mark.parametrize("identifier", [ARN, "support-bot"])
def test_response_about_the_requested_job_is_trusted(identifier: str) -> None:
    """A Get response needs four members and the requested identifier; others may be missing."""
    assert answers.find_fault_in_job(KIND, HERE, identifier, JOB) is None


@pytest.mark.parametrize("member", JOB)
@pytest.mark.parametrize("value", [None, "", 7, [], {}])
def test_response_without_a_required_member_is_rejected(member: str, value: object) -> None:
    """Each member that decisions depend on must be a non-empty string, in Get and in List."""
    members = {**JOB, member: value}

    told = answers.find_fault_in_job(KIND, HERE, "support-bot", members)

    assert told is not None
    assert member in told
    assert answers.find_fault_in_summary(KIND, HERE, members) is not None


@pytest.mark.parametrize("identifier", ["another", ARN.replace("1234", "1235")])
def test_response_about_another_job_is_rejected(identifier: str) -> None:
    """A response about another job than requested is rejected."""
    told = answers.find_fault_in_job(KIND, HERE, identifier, JOB)

    assert told is not None
    assert identifier in told


def test_token_must_be_a_text() -> None:
    """A token may be missing, as in some responses; if present, it must be a string."""
    assert answers.find_fault_in_job(KIND, HERE, ARN, {**JOB, "clientRequestToken": 7})
    assert not answers.find_fault_in_job(KIND, HERE, ARN, {**JOB, "clientRequestToken": "bj1-a"})


@pytest.mark.parametrize(
    "arn",
    [
        None,
        7,
        "",
        "support-bot",
        ARN.replace(REGION, "eu-west-1"),
        ARN.replace("123456789012", "me"),
        ARN.replace("123456789012", "210987654321"),
        ARN.replace("bedrock", "sagemaker"),
        ARN.replace(KIND.resource, "custom-model"),
        ARN.partition("/")[0],
        ARN.replace("arn:", "urn:"),
        ARN.replace(":aws:", ":gcp:"),
    ],
)
def test_arn_must_be_of_the_kind_and_place(arn: object) -> None:
    """Create must return an ARN of the kind's resource in the requested account and region."""
    assert answers.find_fault_in_arn(KIND, HERE, arn) is not None
    assert answers.find_fault_in_arn(KIND, HERE, ARN) is None


def test_any_account_is_accepted_until_it_is_known() -> None:
    """Before the account of the credentials is known, any account in an ARN is accepted."""
    unknown = Place("", REGION)

    assert answers.find_fault_in_arn(KIND, unknown, ARN) is None
    assert answers.find_fault_in_arn(KIND, unknown, ARN.replace("123456789012", "me")) is not None


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"modelCustomizationJobSummaries": {}},
        {"modelCustomizationJobSummaries": [], "nextToken": 7},
        {"modelCustomizationJobSummaries": [], "nextToken": ""},
    ],
)
def test_page_must_have_its_list(page: dict[str, Any]) -> None:
    """A page without its list, or with a malformed nextToken, is rejected."""
    assert answers.find_fault_in_page(KIND, page) is not None
    assert answers.find_fault_in_page(KIND, {"modelCustomizationJobSummaries": []}) is None


@pytest.mark.parametrize(
    "tags", [None, {}, "a", ["a"], [{}], [{"key": "a"}], [{"key": 1, "value": ""}]]
)
def test_tags_must_be_keys_and_values(tags: object) -> None:
    """Tags must be a list of keys with string values, which may be empty."""
    assert answers.find_fault_in_tags(tags) is not None
    assert answers.find_fault_in_tags([]) is None
    assert answers.find_fault_in_tags([{"key": "team", "value": ""}]) is None


@pytest.mark.parametrize("account", [None, "", "12345", "12345678901a", 123456789012])
def test_account_must_be_twelve_digits(account: object) -> None:
    """An account ID must have twelve digits."""
    assert answers.find_fault_in_account(account) is not None
    assert answers.find_fault_in_account("123456789012") is None


def test_summary_must_be_an_object() -> None:
    """A listing with a summary that is not an object is rejected."""
    assert answers.find_fault_in_summary(KIND, HERE, "support-bot") is not None


def test_quoted_values_are_truncated() -> None:
    """A member of a megabyte does not make a message of a megabyte."""
    told = answers.find_fault_in_account("x" * 1_000_000)

    assert told is not None
    assert len(told) < 200
