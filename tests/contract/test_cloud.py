"""The contract of the Cloud port: the AWS adapter and the fake pass the same tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from controller.core.kinds.registry import KINDS
from controller.core.model import CallFailure, Disposition, Place, Target
from controller.ports import CloudError, ListingTooLongError
from tests.contract.showing import ACCOUNT, REGION, arn_of
from tests.contract.worlds import HERE, WORLDS, World

(KIND,) = KINDS.values()
ROLE = "arn:aws:iam::999999999999:role/BedrockJobs"
ELSEWHERE = Target(region=REGION, assume_role_arn=ROLE)
REQUEST: dict[str, Any] = {
    "jobName": "support-bot",
    "customModelName": "support-bot",
    "roleArn": f"arn:aws:iam::{ACCOUNT}:role/BedrockCustomization",
    "baseModelIdentifier": "amazon.nova-micro-v1:0:128k",
    "customizationType": "FINE_TUNING",
    "trainingDataConfig": {"s3Uri": "s3://acme-training/support/train.jsonl"},
    "outputDataConfig": {"s3Uri": "s3://acme-training/support/output/"},
    "hyperParameters": {"epochCount": "2"},
    "jobTags": [{"key": "team", "value": "support"}],
}


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Each cloud in turn."""
    with WORLDS[request.param](tmp_path) as made:
        yield made


def failed(call: Callable[[], object]) -> CallFailure:
    """Return the failure of a call."""
    with pytest.raises(CloudError) as caught:
        call()
    return caught.value.failure


def submit(world: World, token: str = "token-1", target: Target = HERE, **changes: Any) -> str:  # noqa: S107
    """Create a job with the given differences from the usual one."""
    return world.cloud.create(KIND, target, {**REQUEST, **changes}, token)


def test_place_is_account_and_region(world: World) -> None:
    """Credentials without a role act in their own account, in the target's region."""
    assert world.cloud.get_place(HERE) == Place(ACCOUNT, REGION)
    assert world.cloud.get_place(Target(region="eu-central-1")) == Place(ACCOUNT, "eu-central-1")


def test_place_falls_back_on_the_environment(world: World) -> None:
    """A target without a region uses the connection's."""
    assert world.cloud.get_place(Target()) == Place(ACCOUNT, REGION)


def test_assumed_role_acts_in_its_own_account(world: World) -> None:
    """A role leads to its account: jobs created there are visible only there."""
    assert world.cloud.get_place(ELSEWHERE) == Place("999999999999", REGION)

    arn = submit(world, target=ELSEWHERE)

    assert ":999999999999:" in arn
    assert world.cloud.get(KIND, ELSEWHERE, "support-bot") is not None
    assert world.cloud.get(KIND, HERE, "support-bot") is None


def test_absent_job_is_none(world: World) -> None:
    """A name or an ARN that no job has returns None."""
    assert world.cloud.get(KIND, HERE, "nobody") is None
    assert world.cloud.get(KIND, HERE, arn_of(KIND, "abcdefghijkl")) is None


@pytest.mark.parametrize("by", ["name", "arn"])
def test_created_job_is_shown(world: World, by: str) -> None:
    """A created job is found by name and by ARN, and shows what was sent."""
    arn = submit(world)

    live = world.cloud.get(KIND, HERE, "support-bot" if by == "name" else arn)

    assert live is not None
    assert (live.arn, live.name, live.status, live.token) == (
        arn,
        "support-bot",
        "InProgress",
        "token-1",
    )
    for member in ("roleArn", "trainingDataConfig", "outputDataConfig", "customizationType"):
        assert live.members[member] == REQUEST[member]
    assert live.members["outputModelName"] == "support-bot"
    assert live.members["hyperParameters"]["epochCount"] == "2"
    assert live.members["baseModelArn"].endswith(":foundation-model/amazon.nova-micro-v1:0:128k")
    assert live.members["creationTime"].endswith("Z")
    assert "jobTags" not in live.members
    assert "ResponseMetadata" not in live.members


def test_regions_are_separate(world: World) -> None:
    """A job is visible in its own region only, and its name is free in another."""
    arn = submit(world)
    west = Target(region="us-west-2")

    assert world.cloud.get(KIND, west, "support-bot") is None
    assert submit(world, "token-2", west) != arn


def test_same_token_returns_the_same_job(world: World) -> None:
    """Repeating a Create under its token returns the same job."""
    first = submit(world)

    assert submit(world) == first
    assert len(world.cloud.list_jobs(KIND, HERE)) == 1


def test_name_in_use_is_a_conflict(world: World) -> None:
    """Another token cannot use a name that some job had, even one that ended."""
    submit(world)
    world.finish(KIND)

    found = failed(lambda: submit(world, "token-2"))

    assert (found.disposition, found.ambiguous) == (Disposition.CONFLICT, False)
    assert found.message == "The provided job name is currently in use."


def test_racing_creates_make_one_job(world: World) -> None:
    """Parallel Creates under one token all return one job."""
    with ThreadPoolExecutor(8) as executor:
        arns = set(executor.map(lambda _: submit(world), range(16)))

    assert len(arns) == 1
    assert len(world.cloud.list_jobs(KIND, HERE)) == 1


def test_listing_of_nothing_is_empty(world: World) -> None:
    """An account without jobs has an empty listing of one page."""
    assert world.cloud.list_jobs(KIND, HERE) == ()
    assert world.calls("List") == 1


def test_listing_has_every_page(world: World) -> None:
    """A listing of 2,500 jobs takes three pages and has each job once, newest first."""
    world.seed(KIND, REQUEST, 2500)

    listed = world.cloud.list_jobs(KIND, HERE)

    assert world.calls("List") == 3
    assert [summary.name for summary in listed] == [f"job-{n:04}" for n in reversed(range(2500))]
    assert len({summary.arn for summary in listed}) == 2500
    assert {summary.status for summary in listed} == {"InProgress"}
    assert all(str(summary.modified).endswith("Z") for summary in listed)


def test_listing_by_status_holds_only_such_jobs(world: World) -> None:
    """A listing by status leaves other jobs out, on all pages."""
    world.seed(KIND, REQUEST, 1200)
    world.finish(KIND)
    submit(world, "token-new")

    (active,) = world.cloud.list_jobs(KIND, HERE, status="InProgress")

    assert active.name == "support-bot"
    assert world.calls("List") == 1
    assert len(world.cloud.list_jobs(KIND, HERE, status="Completed")) == 1200
    assert world.calls("List") == 3


def test_listing_stops_at_its_page_limit(world: World) -> None:
    """A listing with too many pages ends in an error, without calls for further pages."""
    world.seed(KIND, REQUEST, 2500)

    with pytest.raises(ListingTooLongError):
        world.cloud.list_jobs(KIND, HERE, most=2)

    assert world.calls("List") == 2
    assert len(world.cloud.list_jobs(KIND, HERE, most=3)) == 2500


def test_summary_agrees_with_get(world: World) -> None:
    """A summary's ARN, status and modification time equal those of Get."""
    arn = submit(world)
    (summary,) = world.cloud.list_jobs(KIND, HERE)
    live = world.cloud.get(KIND, HERE, arn)

    assert live is not None
    assert (summary.arn, summary.name, summary.status) == (live.arn, live.name, live.status)
    assert summary.modified == live.members["lastModifiedTime"]


def test_stop_shows_at_once(world: World) -> None:
    """A stopped job is shown as such by the next Get; a second stop is no error."""
    arn = submit(world)

    world.cloud.stop(KIND, HERE, arn)
    live = world.cloud.get(KIND, HERE, arn)

    assert live is not None
    assert live.status == "Stopping"
    world.cloud.stop(KIND, HERE, arn)


def test_stop_of_an_ended_job_is_a_conflict(world: World) -> None:
    """A job that ended cannot be stopped, and keeps its status."""
    arn = submit(world)
    world.finish(KIND)

    found = failed(lambda: world.cloud.stop(KIND, HERE, arn))
    live = world.cloud.get(KIND, HERE, arn)

    assert (found.code, found.disposition) == ("ConflictException", Disposition.CONFLICT)
    assert live is not None
    assert live.status == "Completed"
    assert live.members["endTime"].endswith("Z")


def test_stop_of_no_job_is_refused(world: World) -> None:
    """Stopping an ARN that no job has is refused."""
    found = failed(lambda: world.cloud.stop(KIND, HERE, arn_of(KIND, "abcdefghijkl")))

    assert found.code == "ResourceNotFoundException"
    assert found.disposition is Disposition.REFUSED
