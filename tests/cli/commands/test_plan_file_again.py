"""Plans that were partly applied: interrupted, delayed, awaited, or applied by others."""

from __future__ import annotations

import pytest

from tests.cli.plans import FILE, carry, foretold, made, plan, refused
from tests.support.lossy import CREATE, between, refusal
from tests.support.manifests import spec
from tests.support.project import SETTLED, Project

FAILS_ONCE = spec(trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail-internal.jsonl"})
NAMES = ("a", "b", "c")


@pytest.fixture
def three(tree: Project) -> Project:
    """Return a tree with three jobs to submit."""
    for name in NAMES:
        tree.add(name)
    return tree


def test_a_run_that_failed_halfway_is_repeated(three: Project) -> None:
    """After a failure the same file applies the rest, with its tokens."""
    planned = plan(three)
    with between(three.sandbox.url) as service:
        service.break_down(CREATE, refusal("AccessDeniedException", 403), spared=1)
        ran = carry(three, AWS_ENDPOINT_URL=service.url)
        assert ran.code == 1
        assert len(three.calls("Create")) == 1
        service.mend()
        ran = carry(three, AWS_ENDPOINT_URL=service.url)
    assert ran.code == 0, ran.err
    assert "still holds: 3 changes, 1 carried out before" in ran.err
    assert made(three) == foretold(planned)


def test_an_intent_without_outcome_is_still_the_plans(three: Project) -> None:
    """A Create whose outcome is unknown is sent again with the same token."""
    planned = plan(three)
    with between(three.sandbox.url) as service:
        service.break_down(CREATE, refusal("InternalServerException", 500))
        assert carry(three, AWS_ENDPOINT_URL=service.url).code == 1
    again = three.call("plan", "--output", "json").data["actions"]
    assert {one["reason"] for one in again} == {"IntentUnconfirmed"}
    ran = carry(three)
    assert ran.code == 0, ran.err
    assert made(three) == foretold(planned)


def test_what_others_submitted_otherwise_is_another_plan(three: Project) -> None:
    """A job of that name with another spec does not count as the planned one."""
    plan(three)
    three.edit("a", "epochCount: 2", "epochCount: 3")
    three.call("reconcile")
    refused(three, "a: planned SUBMIT NotSubmitted, now WAIT InProgress: its manifest jobs/a.yaml")


def test_what_the_quota_puts_off_waits(three: Project) -> None:
    """A full quota delays submits; the same file submits them once there is room."""
    three.sandbox.change_settings(quota=2)
    planned = plan(three)
    assert carry(three).code == 0
    assert three.entry("c")["phase"] == "Queued"

    ran = carry(three)
    assert (ran.code, len(three.calls("Create"))) == (0, 3)
    assert "3 changes, 2 carried out before, 1 waiting for room" in ran.err

    three.sandbox.advance(SETTLED)
    assert carry(three).code == 0
    assert sorted(set(made(three))) == foretold(planned)
    assert three.entry("c")["phase"] == "InProgress"


def test_one_that_queues_is_no_part_of_the_plan(three: Project) -> None:
    """A job that the plan shows as queued is not submitted: that needs another plan."""
    three.fleet(limits={"maxActive": 2})
    planned = plan(three)
    carry(three)
    assert made(three) == foretold(planned)
    three.sandbox.advance(SETTLED)
    refused(three, "c: planned WAIT Queued, now SUBMIT NotSubmitted")


def test_waiting_goes_on_with_the_plan_and_not_beyond(moving: Project) -> None:
    """With --wait delayed submits are made as room comes; unplanned retries are not."""
    moving.sandbox.change_settings(quota=1)
    moving.add("a", FAILS_ONCE, policy={"onFailure": {"retries": 2}})
    moving.add("b")
    planned = plan(moving)
    ran = carry(moving, "--wait", "--every", "0.05", "--timeout", "300")
    assert ran.code == 3, ran.err
    assert sorted(set(made(moving))) == foretold(planned)
    assert "a: SUBMIT Retry needs another plan" in ran.err
    assert moving.entry("b")["phase"] == "Completed"
    refused(moving, "a: planned SUBMIT NotSubmitted, now SUBMIT Retry")


def test_waiting_is_not_for_what_the_plan_leaves(moving: Project) -> None:
    """A job that the plan queues is not waited for, because this plan never submits it."""
    moving.fleet(limits={"maxActive": 1})
    moving.add("a")
    moving.add("b")
    plan(moving)
    ran = carry(moving, "--wait", "--every", "0.05", "--timeout", "300")
    assert ran.code == 0, ran.err
    assert moving.entry("a")["phase"] == "Completed"
    assert [call["members"]["jobName"] for call in moving.calls("Create")] == ["a"]


def test_a_stop_that_was_made_is_recognised(tree: Project) -> None:
    """If another user stopped one of two jobs, only the other one is stopped."""
    for name in ("a", "b"):
        tree.add(name)
    tree.call("reconcile")
    for name in ("a", "b"):
        tree.add(name, policy={"state": "Stopped"})
    planned = plan(tree)
    first, second = (one["stops"][0] for one in planned["actions"])
    tree.sandbox.bedrock().stop_model_customization_job(jobIdentifier=first)
    tree.hush()
    ran = carry(tree)
    assert ran.code == 0, ran.err
    assert "2 changes, 1 carried out before" in ran.err
    assert made(tree) == [("Stop", second)]
    tree.sandbox.advance(SETTLED)
    tree.hush()
    assert carry(tree).code == 0
    assert tree.changes() == []


def test_what_others_carried_out_is_not_done_again(three: Project) -> None:
    """After a pass without the file submitted the jobs, no plan does it again."""
    plan(three)
    three.call("reconcile")
    three.hush()
    assert "has nothing left to do: its 3 changes were carried out before" in carry(three).err
    plan(three)
    three.sandbox.advance(SETTLED)
    ran = carry(three)
    assert (ran.code, three.changes()) == (0, [])
    assert f"{FILE} still holds: it changes nothing." in ran.err
    assert three.entry("a")["phase"] == "Completed"
