"""What is unknown about the service: every value of every switch."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from controller.core.call_errors import NAME_IN_USE
from controller.sandbox.http.server import start_sandbox
from controller.sandbox.state.store import FILE_NAME
from tests.sandbox.support import LONG_ENOUGH, MINUTE, Sandbox, refused, speaking_to

MISSING = "ResourceNotFoundException"
VERSION_1 = Path(__file__).parents[2] / "data" / "sandbox" / "stores" / "version-1.sql"


@pytest.mark.parametrize(
    ("lifetime", "after", "honoured"),
    [
        ("none", 0, False),
        ("10m", 0, True),
        ("10m", 10 * MINUTE - 1, True),
        ("10m", 10 * MINUTE, False),
        ("forever", 0, True),
        ("forever", 1000 * LONG_ENOUGH, True),
    ],
)
def test_a_token_is_valid_for_its_lifetime(
    sandbox: Sandbox, lifetime: str, after: int, honoured: bool
) -> None:
    """A valid token returns its job; afterwards the used name is rejected."""
    sandbox.change_settings(tokenLifetime=lifetime)
    made = sandbox.create("job", clientRequestToken="t")
    sandbox.advance(after)

    if honoured:
        assert sandbox.create("job", clientRequestToken="t") == made
    else:
        again = refused(lambda: sandbox.create("job", clientRequestToken="t"))
        assert again == ("ValidationException", NAME_IN_USE, 400)
    assert sandbox.list_names() == ["job"]


def test_an_expired_token_can_create_another_job(sandbox: Sandbox) -> None:
    """An expired token creates a job with another name, and then returns that one."""
    sandbox.change_settings(tokenLifetime="10m")
    first = sandbox.create("one", clientRequestToken="t")
    sandbox.advance(10 * MINUTE)
    second = sandbox.create("two", clientRequestToken="t")

    assert second != first
    assert sandbox.create("three", clientRequestToken="t") == second
    assert sandbox.list_names() == ["two", "one"]


@pytest.mark.parametrize(
    "changes", [{"jobTags": [{"key": "k", "value": "v"}]}, {"customModelName": "other"}]
)
def test_a_token_with_other_parameters(sandbox: Sandbox, changes: dict[str, Any]) -> None:
    """It returns the old job or a conflict, as configured; with equal parameters, the job."""
    made = sandbox.create("job", clientRequestToken="t")

    assert sandbox.create("job", clientRequestToken="t", **changes) == made
    sandbox.change_settings(tokenMismatch="conflict")
    code, _, status = refused(lambda: sandbox.create("job", clientRequestToken="t", **changes))
    assert (code, status) == ("ConflictException", 400)
    assert sandbox.create("job", clientRequestToken="t") == made
    assert sandbox.list_names() == ["job"]


def test_without_a_quota_all_jobs_run(sandbox: Sandbox) -> None:
    """With the recorded behaviour, any number of jobs runs concurrently."""
    for number in range(5):
        sandbox.create(f"job-{number}")

    statuses = {sandbox.get(name)["status"] for name in sandbox.list_names()}

    assert statuses == {"InProgress"}


def test_a_quota_can_reject(sandbox: Sandbox) -> None:
    """Above the quota a Create is rejected until a job ends; other regions are separate."""
    sandbox.change_settings(quota=2)
    made = sandbox.create("a", clientRequestToken="t")
    sandbox.create("b")

    code, message, status = refused(lambda: sandbox.create("c"))

    assert (code, status) == ("ServiceQuotaExceededException", 400)
    assert "2" in message
    assert sandbox.create("a", clientRequestToken="t") == made
    assert sandbox.list_names() == ["b", "a"]
    sandbox.advance(LONG_ENOUGH)
    sandbox.create("c")


def begun(sandbox: Sandbox, name: str) -> str | None:
    """Return when a job's first stage started, according to Get."""
    stage = sandbox.get(name)["statusDetails"]["validationDetails"]
    moment: Any = stage.get("creationTime")
    return None if moment is None else str(moment)


def test_a_quota_can_queue(sandbox: Sandbox) -> None:
    """Above the quota a job is InProgress with no stage started, until a slot is free."""
    sandbox.change_settings(quota=1, overQuota="queue", deviation=0)
    for name in ("a", "b", "c"):
        sandbox.create(name)

    assert [sandbox.get(name)["status"] for name in "abc"] == ["InProgress"] * 3
    assert [begun(sandbox, name) is None for name in "abc"] == [False, True, True]
    sandbox.advance(3600)
    assert [sandbox.get(name)["status"] for name in "abc"] == ["Completed", *["InProgress"] * 2]
    assert begun(sandbox, "b") == str(sandbox.get("a")["lastModifiedTime"])
    assert begun(sandbox, "c") is None
    sandbox.advance(7200)
    assert [sandbox.get(name)["status"] for name in "abc"] == ["Completed"] * 3


def test_a_stop_frees_its_slot(sandbox: Sandbox) -> None:
    """Waiting jobs advance when a running job, or an earlier waiting job, is stopped."""
    sandbox.change_settings(quota=1, overQuota="queue")
    for name in ("a", "b", "c"):
        sandbox.create(name)
    for name in ("b", "a"):
        sandbox.bedrock().stop_model_customization_job(jobIdentifier=name)
    sandbox.advance(MINUTE)

    assert [sandbox.get(name)["status"] for name in "abc"] == ["Stopped", "Stopped", "InProgress"]
    assert begun(sandbox, "b") is None
    assert begun(sandbox, "c") == str(sandbox.get("a")["lastModifiedTime"])


def test_a_job_stopped_while_waiting_takes_no_slot(sandbox: Sandbox) -> None:
    """A job that is Stopping and never started takes no slot."""
    sandbox.change_settings(quota=1, overQuota="queue")
    sandbox.create("a")
    sandbox.create("b")
    sandbox.bedrock().stop_model_customization_job(jobIdentifier="a")
    sandbox.advance(MINUTE / 2)
    sandbox.bedrock().stop_model_customization_job(jobIdentifier="b")
    sandbox.create("c")
    sandbox.advance(MINUTE)

    assert begun(sandbox, "c") == str(sandbox.get("a")["lastModifiedTime"])


@pytest.mark.parametrize(("quota", "waiting"), [(None, ""), (3, ""), (2, "c")])
def test_a_higher_quota_starts_waiting_jobs(
    sandbox: Sandbox, quota: int | None, waiting: str
) -> None:
    """A raised quota applies at once to queued jobs."""
    sandbox.change_settings(quota=1, overQuota="queue")
    for name in ("a", "b", "c"):
        sandbox.create(name)
    sandbox.advance(MINUTE)
    sandbox.change_settings(quota=quota)

    assert "".join(name for name in "abc" if begun(sandbox, name) is None) == waiting


def test_get_can_lag(sandbox: Sandbox) -> None:
    """Get does not show a new job, by name or ARN, until the lag is over; List does."""
    sandbox.change_settings(getLag=5)
    arn = sandbox.create("job")

    assert refused(lambda: sandbox.get("job"))[0] == MISSING
    assert refused(lambda: sandbox.get(arn))[0] == MISSING
    assert sandbox.list_names() == ["job"]
    assert refused(lambda: sandbox.create("job"))[1] == NAME_IN_USE
    sandbox.advance(5)
    assert sandbox.get("job") == sandbox.get(arn)


def test_list_can_lag(sandbox: Sandbox) -> None:
    """List does not show a new job until the lag is over, with any filter; Get does."""
    sandbox.change_settings(listLag=5)
    sandbox.create("old")
    sandbox.advance(5)
    sandbox.create("new")
    listing = sandbox.bedrock().list_model_customization_jobs(nameContains="new")

    assert sandbox.list_names() == ["old"]
    assert listing["modelCustomizationJobSummaries"] == []
    assert sandbox.get("new")["status"] == "InProgress"
    sandbox.advance(5)
    assert sandbox.list_names() == ["new", "old"]


def test_a_stop_lags_too(sandbox: Sandbox) -> None:
    """For a lagging read, a stopped job continues to run for a while."""
    sandbox.create("job")
    sandbox.change_settings(getLag=5, listLag=10)
    sandbox.advance(20)
    sandbox.bedrock().stop_model_customization_job(jobIdentifier="job")

    def statuses() -> tuple[str, str]:
        listing = sandbox.bedrock().list_model_customization_jobs()
        return (
            sandbox.get("job")["status"],
            listing["modelCustomizationJobSummaries"][0]["status"],
        )

    seen = [statuses()]
    for _ in range(2):
        sandbox.advance(5)
        seen.append(statuses())

    assert seen == [
        ("InProgress", "InProgress"),
        ("Stopping", "InProgress"),
        ("Stopping", "Stopping"),
    ]


@pytest.mark.parametrize(
    ("end", "held"), [("run", True), ("complete", True), ("fail", False), ("stop", False)]
)
def test_model_names_can_be_unique(sandbox: Sandbox, end: str, held: bool) -> None:
    """A model name is free at first; then it is taken by a job that produces, or produced, it."""
    data = {"s3Uri": f"s3://acme-training/{'sandbox-fail' if end == 'fail' else 'fine'}"}
    sandbox.create("first", customModelName="model", trainingDataConfig=data)
    if end == "stop":
        sandbox.bedrock().stop_model_customization_job(jobIdentifier="first")
    if end != "run":
        sandbox.advance(LONG_ENOUGH)
    sandbox.change_settings(modelNames="unique")

    if held:
        code, message, status = refused(lambda: sandbox.create("next", customModelName="model"))
        assert (code, status) == ("ValidationException", 400)
        assert "model name" in message
        assert message != NAME_IN_USE
        sandbox.change_settings(modelNames="reusable")
    sandbox.create("next", customModelName="model")
    assert sandbox.list_names() == ["next", "first"]


def test_job_names_can_be_reused(sandbox: Sandbox) -> None:
    """A second job with a name has its own ARN; Get by name shows the newest, by ARN either."""
    sandbox.change_settings(jobNames="repeatable")
    first = sandbox.create("job", clientRequestToken="one")
    sandbox.advance(1)
    second = sandbox.create("job", clientRequestToken="two")

    assert first != second
    assert sandbox.create("job", clientRequestToken="one") == first
    assert sandbox.list_names() == ["job", "job"]
    assert sandbox.get("job")["jobArn"] == second
    assert sandbox.get(first)["clientRequestToken"] == "one"
    sandbox.change_settings(jobNames="unique")
    assert refused(lambda: sandbox.create("job"))[1] == NAME_IN_USE


def test_a_store_of_version_1_is_migrated(tmp_path: Path) -> None:
    """Jobs, tokens, stops and tags of a store of version 1 are in the new one."""
    rows = sqlite3.connect(tmp_path / FILE_NAME)
    rows.executescript(VERSION_1.read_text(encoding="utf-8"))
    rows.close()
    with start_sandbox(tmp_path, speed=0) as url, speaking_to(url, tmp_path) as sandbox:
        sandbox.change_settings(tokenMismatch="conflict")
        old = sandbox.get("old")
        tags = sandbox.bedrock().list_tags_for_resource(resourceARN=old["jobArn"])["tags"]

        assert sandbox.list_names() == ["older-stopped", "old"]
        assert begun(sandbox, "old") == str(old["creationTime"])
        assert sandbox.get("older-stopped")["status"] == "Stopping"
        assert tags == [{"key": "k", "value": "v"}]
        # Nobody kept what the old request held, so it is taken for the same.
        assert sandbox.create("old", clientRequestToken="t") == old["jobArn"]
        assert refused(lambda: sandbox.create("old"))[1] == NAME_IN_USE
        sandbox.advance(LONG_ENOUGH)
        assert sandbox.get("old")["status"] == "Completed"
