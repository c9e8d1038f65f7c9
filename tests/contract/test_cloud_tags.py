"""The contract of the Cloud port on tags: the AWS adapter and the fake behave the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.core.model import Disposition, Target
from tests.contract.showing import arn_of, product_of
from tests.contract.test_cloud import ELSEWHERE, KIND, failed, submit
from tests.contract.worlds import HERE, WORLDS, World


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Each cloud in turn."""
    with WORLDS[request.param](tmp_path) as made:
        yield made


def product(world: World) -> str:
    """Return the ARN of the usual job's output."""
    live = world.cloud.get(KIND, HERE, "support-bot")
    assert live is not None
    return str(live.members[KIND.tagged["customModelTags"]])


def test_job_has_the_tags_that_create_sent(world: World) -> None:
    """Tags of the request are on the job at once."""
    arn = submit(world)

    assert world.cloud.get_tags(HERE, arn) == {"team": "support"}


def test_job_without_tags_has_none(world: World) -> None:
    """No tags are a valid result, not an error."""
    assert world.cloud.get_tags(HERE, submit(world, jobTags=[])) == {}


def test_output_has_its_tags_once_it_exists(world: World) -> None:
    """The output's tags exist once the job has completed, not before."""
    arn = submit(world, customModelTags=[{"key": "stage", "value": "trial"}])
    early = failed(lambda: world.cloud.get_tags(HERE, product_of(KIND, arn)))
    world.finish(KIND)

    assert early.disposition is Disposition.ABSENT
    assert world.cloud.get_tags(HERE, product(world)) == {"stage": "trial"}
    assert world.cloud.get_tags(HERE, arn) == {"team": "support"}


def test_tags_are_set_and_overwritten(world: World) -> None:
    """A new key is added, an existing one gets the new value, and the others stay."""
    arn = submit(world, jobTags=[{"key": key, "value": key} for key in ("team", "stage")])

    world.cloud.add_tags(HERE, arn, {"stage": "live", "cost center": ""})

    assert world.cloud.get_tags(HERE, arn) == {"team": "team", "stage": "live", "cost center": ""}


def test_tags_of_an_output_are_set(world: World) -> None:
    """A job's output takes tags too, and the job's own stay unchanged."""
    arn = submit(world)
    world.finish(KIND)

    world.cloud.add_tags(HERE, product(world), {"stage": "live"})

    assert world.cloud.get_tags(HERE, product(world)) == {"stage": "live"}
    assert world.cloud.get_tags(HERE, arn) == {"team": "support"}


def test_tags_are_removed(world: World) -> None:
    """A removed tag is gone; removing one that does not exist is no error."""
    arn = submit(world)

    world.cloud.remove_tags(HERE, arn, ["team", "absent"])
    world.cloud.remove_tags(HERE, arn, {"team"})

    assert world.cloud.get_tags(HERE, arn) == {}


def test_service_s_own_tags_are_shown(world: World) -> None:
    """Tags that the service set are listed among the others."""
    arn = submit(world)
    world.mark(arn, {"aws:cloudformation:stack-name": "acme"})

    assert world.cloud.get_tags(HERE, arn) == {
        "aws:cloudformation:stack-name": "acme",
        "team": "support",
    }


def test_service_s_own_keys_are_refused(world: World) -> None:
    """Setting a key that begins with aws: is refused, with nothing of that call."""
    arn = submit(world)

    found = failed(lambda: world.cloud.add_tags(HERE, arn, {"aws:mine": "", "stage": "live"}))

    assert (found.code, found.disposition) == ("ValidationException", Disposition.REFUSED)
    assert world.cloud.get_tags(HERE, arn) == {"team": "support"}


def test_service_s_own_tags_are_not_removed(world: World) -> None:
    """Removing a key that begins with aws: is refused."""
    arn = submit(world)
    world.mark(arn, {"aws:theirs": "1"})

    found = failed(lambda: world.cloud.remove_tags(HERE, arn, ["aws:theirs"]))

    assert found.disposition is Disposition.REFUSED
    assert "aws:theirs" in world.cloud.get_tags(HERE, arn)


def test_too_many_tags_are_refused(world: World) -> None:
    """A resource has at most fifty tags; a call beyond that adds none."""
    arn = submit(world)
    world.mark(arn, {"aws:does-not-count": ""})
    world.cloud.add_tags(HERE, arn, {f"key-{number}": "" for number in range(49)})

    found = failed(lambda: world.cloud.add_tags(HERE, arn, {"team": "other", "one-more": ""}))

    assert (found.code, found.disposition) == ("TooManyTagsException", Disposition.REFUSED)
    assert world.cloud.get_tags(HERE, arn)["team"] == "support"
    assert len(world.cloud.get_tags(HERE, arn)) == 51


@pytest.mark.parametrize("target", [HERE, Target(region="us-west-2"), ELSEWHERE])
def test_tags_of_a_missing_resource_are_an_error(world: World, target: Target) -> None:
    """Listing tags of an ARN that does not exist is an error, not an empty list."""
    arn = submit(world) if target != HERE else arn_of(KIND, "abcdefghijkl")
    cloud = world.cloud

    reading = failed(lambda: cloud.get_tags(target, arn))
    changing = [
        failed(lambda: cloud.add_tags(target, arn, {"team": "x"})),
        failed(lambda: cloud.remove_tags(target, arn, ["team"])),
    ]

    assert reading.code == "ResourceNotFoundException"
    assert reading.disposition is Disposition.ABSENT
    assert {found.disposition for found in changing} == {Disposition.REFUSED}
