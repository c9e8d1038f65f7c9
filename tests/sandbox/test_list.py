from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from tests.sandbox.support import LONG_ENOUGH, MINUTE, Sandbox, refused, request_named

SUMMARIES: Final = "modelCustomizationJobSummaries"


def fill(sandbox: Sandbox, *names: str, **changes: Any) -> None:
    """Create jobs one minute apart."""
    for name in names:
        request = request_named(name, **changes)
        sandbox.bedrock().create_model_customization_job(**request)
        sandbox.advance(MINUTE)


def listed(sandbox: Sandbox, **filters: Any) -> list[str]:
    """Return the names on one page."""
    answer = sandbox.bedrock().list_model_customization_jobs(**filters)
    return [summary["jobName"] for summary in answer[SUMMARIES]]


def test_the_newest_come_first(sandbox: Sandbox) -> None:
    """A listing is in descending order of time unless ascending order is requested."""
    fill(sandbox, "a", "b", "c")

    assert listed(sandbox) == ["c", "b", "a"]
    assert listed(sandbox, sortBy="CreationTime", sortOrder="Descending") == ["c", "b", "a"]
    assert listed(sandbox, sortBy="CreationTime", sortOrder="Ascending") == ["a", "b", "c"]


def test_jobs_of_one_instant_keep_their_order(sandbox: Sandbox) -> None:
    """Jobs that were created at the same moment are listed in the order of creation."""
    for name in ("a", "b", "c"):
        sandbox.bedrock().create_model_customization_job(**request_named(name))

    assert listed(sandbox) == ["c", "b", "a"]


def test_a_summary_has_the_members_of_its_shape(sandbox: Sandbox) -> None:
    """A summary has the recorded members, agrees with Get, and shows the model when it is due."""
    fill(sandbox, "job")
    early = dict(sandbox.bedrock().list_model_customization_jobs()[SUMMARIES][0])
    sandbox.advance(LONG_ENOUGH)
    late = dict(sandbox.bedrock().list_model_customization_jobs()[SUMMARIES][0])
    shown = sandbox.get("job")

    assert set(early) == {
        *("jobArn", "baseModelArn", "jobName", "status", "statusDetails", "lastModifiedTime"),
        *("creationTime", "customModelName", "customizationType"),
    }
    assert set(late) - set(early) == {"endTime", "customModelArn"}
    assert late["customModelArn"] == shown["outputModelArn"]
    assert late["customModelName"] == shown["outputModelName"]
    assert {name: late[name] for name in set(late) & set(shown)} == {
        name: shown[name] for name in set(late) & set(shown)
    }


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pages_have_every_job_once(sandbox: Sandbox, size: int, order: Any) -> None:
    """With any page size, the pages together have each job once and in order."""
    names = [f"job-{number}" for number in range(7)]
    fill(sandbox, *names)
    pages = (
        sandbox.bedrock()
        .get_paginator("list_model_customization_jobs")
        .paginate(sortOrder=order, PaginationConfig={"PageSize": size})
    )

    found = [[summary["jobName"] for summary in page[SUMMARIES]] for page in pages]

    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    assert [name for page in found for name in page] == (
        names if order == "Ascending" else names[::-1]
    )


def test_a_new_job_shifts_no_page(sandbox: Sandbox) -> None:
    """A page continues where the last one ended, although there is a newer job."""
    fill(sandbox, "a", "b", "c")
    first = sandbox.bedrock().list_model_customization_jobs(maxResults=2)
    fill(sandbox, "d")

    assert listed(sandbox, maxResults=2, nextToken=first["nextToken"]) == ["a"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"statusEquals": "InProgress"}, ["new"]),
        ({"statusEquals": "Completed"}, ["old-b", "old-a"]),
        ({"statusEquals": "Failed"}, ["broken"]),
        ({"statusEquals": "Stopping"}, []),
        ({"statusEquals": "Completed", "maxResults": 1}, ["old-b"]),
        ({"nameContains": "old"}, ["old-b", "old-a"]),
        ({"nameContains": "Old"}, []),
        ({"nameContains": "d-a"}, ["old-a"]),
        ({"statusEquals": "Completed", "nameContains": "b"}, ["old-b"]),
    ],
)
def test_filters_narrow_a_listing(
    sandbox: Sandbox, filters: dict[str, Any], found: list[str]
) -> None:
    """Status and part of a name each filter a listing, alone and together."""
    fill(sandbox, "old-a", "old-b")
    fill(sandbox, "broken", trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail"})
    sandbox.advance(LONG_ENOUGH)
    fill(sandbox, "new")

    assert listed(sandbox, **filters) == found


def test_filters_by_time_are_exclusive(sandbox: Sandbox) -> None:
    """After and before a creation time are strict, to the millisecond."""
    fill(sandbox, "a", "b", "c")
    moment = sandbox.get("b")["creationTime"]

    assert listed(sandbox, creationTimeAfter=moment) == ["c"]
    assert listed(sandbox, creationTimeBefore=moment) == ["a"]
    assert listed(sandbox, creationTimeAfter=datetime(2020, 1, 1, tzinfo=UTC)) == ["c", "b", "a"]


@pytest.mark.parametrize("token", ["nonsense", "bnVsbA==", "WzFd", "é"])
def test_an_unknown_page_token_is_rejected(sandbox: Sandbox, token: str) -> None:
    """A token that no page returned is an error, not an empty page."""
    code, _, status = refused(lambda: listed(sandbox, nextToken=token))

    assert (code, status) == ("ValidationException", 400)


def test_a_listing_is_of_one_region(sandbox: Sandbox) -> None:
    """Jobs of another region are not listed."""
    fill(sandbox, "job")

    assert sandbox.bedrock("us-west-2").list_model_customization_jobs()[SUMMARIES] == []
