"""The service's quota in whole passes: calls, records and messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.core.call_errors import make_failure
from controller.core.fleet import Limits
from controller.core.model import Target
from controller.core.planning.actions import Reason, Verb
from controller.engine.reconcile import Mode
from controller.engine.wait import wait_for_jobs
from controller.ports import CloudError
from tests.contract.passes import KIND, Tree
from tests.core.cases import SPEC

FULL = make_failure("ServiceQuotaExceededException", "Too many jobs", reading=False)
LOST = make_failure("ReadTimeout", "no answer", reading=False, ambiguous=True)
FOREIGN = "351997e1-336f-40c9-99a7-e1fd05e819b3"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with six manifests and a quota of two jobs."""
    made = Tree(tmp_path)
    for number in range(6):
        made.put(f"job-{number}")
    take(made, 2)
    return made


def take(tree: Tree, quota: int) -> None:
    """Set the quota of active jobs."""

    def watch(operation: str, _: str) -> None:
        if operation == "Create" and len(active(tree)) >= quota:
            raise CloudError(FULL)

    tree.cloud.watcher = watch


def active(tree: Tree) -> list[str]:
    """Return the names of the active jobs, in the order of their creation."""
    return [live.name for live in tree.live() if live.status in KIND.active]


def bystand(tree: Tree, name: str) -> None:
    """Submit a job as somebody else."""
    watcher, tree.cloud.watcher = tree.cloud.watcher, lambda _operation, _argument: None
    tree.cloud.create(KIND, Target(), {**SPEC, "jobName": name}, FOREIGN + name)
    tree.cloud.watcher = watcher


def creates(tree: Tree) -> list[str]:
    """Return the names that Create was called with in the last pass."""
    return [name for operation, name in tree.cloud.calls if operation == "Create"]


def queues(tree: Tree) -> dict[str, Any]:
    """Return the queue members of each entry, by name."""
    entries = {name: tree.entry(name) for name in tree.jobs}
    return {name: one.get("queue") for name, one in entries.items() if one["phase"] == "Queued"}


def test_full_place_is_tried_once(tree: Tree) -> None:
    """Two jobs are submitted, at most two are refused, and the rest are never sent."""
    report = tree.reconcile()

    assert active(tree) == ["job-0", "job-1"]
    assert len(creates(tree)) <= 4
    refused = {name: {"active": 2} for name in creates(tree)[2:]}
    assert queues(tree) == {f"job-{number}": None for number in range(2, 6)} | refused
    told = tree.entry(creates(tree)[2])["conditions"][0]
    assert (told["status"], told["reason"]) == ("False", "Queued")
    assert "Too many jobs" in told["message"]
    assert "2 active" in told["message"]
    assert all("attempt" in one.entry for one in report.results)
    assert {one.outcome.planned.verb for one in report.results} == {Verb.SUBMIT}


def test_full_place_is_not_tried_again(tree: Tree) -> None:
    """Until a job ends, passes only read, and write no byte."""
    tree.reconcile()
    before = tree.files()
    report = tree.reconcile()

    assert set(tree.cloud.count()) <= {"Get", "List"}
    assert tree.files() == before
    waiting = [one for one in report.plan.actions if one.reason is Reason.QUEUED]
    assert [one.desired.key.name for one in waiting] == [f"job-{number}" for number in range(2, 6)]


def test_plan_shows_the_queue(tree: Tree) -> None:
    """A plan shows the same queue that reconcile then uses."""
    tree.reconcile()
    tree.cloud.turn(KIND, "job-0", "Completed")
    foreseen = tree.reconcile(Mode.PLAN).plan
    report = tree.reconcile()

    assert report.plan == foreseen
    submits = [one.desired.key.name for one in foreseen.actions if one.verb is Verb.SUBMIT]
    assert (submits, creates(tree)) == (["job-2"], ["job-2"])


def test_freed_slot_is_taken_in_the_next_pass(tree: Tree) -> None:
    """Over several passes all jobs run in order, with no more refusals than freed slots."""
    refusals, slots = 0, 2
    for _ in range(12):
        before = len(tree.live())
        tree.reconcile()
        refusals += len(creates(tree)) - (len(tree.live()) - before)
        assert refusals <= slots
        assert len(active(tree)) <= 2
        waiting = [name for name in tree.jobs if tree.entry(name)["phase"] == "Queued"]
        assert len(active(tree)) == 2 or not waiting
        if active(tree):
            tree.cloud.turn(KIND, active(tree)[0], "Completed")
            slots += 1

    assert [live.name for live in tree.live()] == list(tree.jobs)
    assert {live.status for live in tree.live()} == {"Completed"}
    assert queues(tree) == {}


def test_priority_goes_first_into_a_freed_slot(tree: Tree) -> None:
    """A later manifest with a higher priority goes first without a refusal of its own."""
    tree.reconcile()
    tree.put("urgent", {"priority": 5})
    tree.reconcile()
    assert creates(tree) == []
    tree.cloud.turn(KIND, "job-0", "Completed")
    tree.reconcile()

    assert creates(tree) == ["urgent"]
    assert tree.entry("urgent")["phase"] == "InProgress"


def test_others_jobs_take_slots_too(tree: Tree) -> None:
    """A place full of others' jobs is tried once, and again only when one of them has ended."""
    for name in ("theirs-0", "theirs-1"):
        bystand(tree, name)
    tree.reconcile()
    assert creates(tree) == ["job-0"]
    tree.reconcile()
    assert creates(tree) == []
    tree.cloud.turn(KIND, "theirs-0", "Stopping")
    tree.reconcile()
    assert creates(tree) == []
    tree.cloud.turn(KIND, "theirs-0", "Stopped")
    tree.reconcile()
    assert creates(tree) == ["job-0"]
    assert tree.entry("job-0")["phase"] == "InProgress"


def test_raised_quota_is_noticed(tree: Tree) -> None:
    """More active jobs than the recorded number show that the quota was raised."""
    tree.reconcile()
    take(tree, 4)
    tree.reconcile()
    assert creates(tree) == []
    bystand(tree, "theirs")
    tree.reconcile()

    assert creates(tree) == ["job-2"]
    assert len(active(tree)) == 4


def test_quota_for_another_cause_is_probed(tree: Tree) -> None:
    """If jobs are refused although nothing is active, each pass tries only one."""
    take(tree, 0)
    for _ in range(3):
        tree.reconcile()
        assert creates(tree) == ["job-0"]
        assert queues(tree)["job-0"] == {"active": 0}
    take(tree, 2)
    tree.reconcile()
    assert creates(tree) == ["job-0"]
    tree.reconcile()
    assert len(active(tree)) == 2


def test_count_that_fails_lets_one_through(tree: Tree) -> None:
    """Without permission to list, each pass tries one job."""
    for name in ("theirs-0", "theirs-1"):
        bystand(tree, name)
    status = KIND.listed_as_active
    tree.cloud.failing = {
        ("List", status): make_failure("AccessDeniedException", "no", reading=True)
    }
    for _ in range(2):
        tree.reconcile()
        assert creates(tree) == ["job-0"]
    assert queues(tree)["job-0"] is None


def test_lost_sidecars_cost_one_refusal(tree: Tree) -> None:
    """Without records, one job finds out the quota again, and nothing is submitted twice."""
    tree.reconcile()
    for path in tree.folder.iterdir():
        path.unlink()
    tree.reconcile()

    assert creates(tree) == ["job-2"]
    assert active(tree) == ["job-0", "job-1"]


def test_max_active_avoids_refusals(tree: Tree) -> None:
    """With limits.maxActive at the quota, nothing is ever refused."""
    tree.limits = Limits(max_active=2)
    for _ in range(8):
        made = len(tree.live())
        tree.reconcile()
        assert len(creates(tree)) == len(tree.live()) - made
        for name in active(tree):
            tree.cloud.turn(KIND, name, "Completed")

    assert len(tree.live()) == 6


def test_unconfirmed_goes_first(tree: Tree) -> None:
    """An unanswered submit is confirmed before any other takes the slot."""
    tree.cloud.failing = {("Create", "job-5"): LOST}
    jobs, tree.jobs = tree.jobs, {"job-5": tree.jobs["job-5"]}
    tree.reconcile()
    assert tree.entry("job-5")["phase"] == "Submitting"
    tree.jobs, tree.cloud.failing = jobs, {}
    tree.put("urgent", {"priority": 9})
    tree.reconcile()

    assert creates(tree)[:2] == ["job-5", "urgent"]
    assert active(tree) == ["job-5", "urgent"]


def test_unconfirmed_in_a_full_place_stays_unconfirmed(tree: Tree) -> None:
    """An unanswered submit behind a refusal is neither tried nor forgotten."""
    for name in ("job-4", "job-5"):
        tree.cloud.failing[("Create", name)] = LOST
    jobs, tree.jobs = tree.jobs, {name: tree.jobs[name] for name in ("job-4", "job-5")}
    tree.reconcile()
    before = tree.entry("job-5")
    assert before["phase"] == "Submitting"
    tree.jobs, tree.cloud.failing = jobs, {}
    take(tree, 0)
    tree.reconcile()

    assert creates(tree) == ["job-4"]
    assert tree.entry("job-4")["phase"] == "Queued"
    assert tree.entry("job-5") == before


@pytest.mark.parametrize("quota", [0, 2])
def test_wait_ends_only_with_the_queue(tree: Tree, quota: int) -> None:
    """A wait includes queued jobs, until they end or time is up."""
    take(tree, quota)

    def one_pass() -> Any:
        for name in active(tree):
            tree.cloud.turn(KIND, name, "Completed")
        return tree.reconcile()

    waited = wait_for_jobs(one_pass, {KIND.name: KIND}, tree.clock, 30, 600, lambda _: None)

    assert waited.has_timed_out is (quota == 0)
    assert len(tree.live()) == (6 if quota else 0)


def test_retry_waits_for_its_slot(tree: Tree) -> None:
    """A retry that the quota refuses is sent later as the same attempt."""
    tree.jobs = {"job-0": tree.jobs["job-0"]}
    tree.reconcile()
    tree.cloud.turn(KIND, "job-0", "Failed")
    tree.put("job-0", {"attempt": 1})
    take(tree, 0)
    tree.reconcile()
    entry = tree.entry("job-0")
    assert (entry["phase"], entry["attempt"], creates(tree)) == ("Queued", 1, ["job-0-r1"])
    assert [one["jobName"] for one in entry["history"]] == ["job-0"]
    take(tree, 2)
    tree.reconcile()

    assert creates(tree) == ["job-0-r1"]
    assert [one["jobName"] for one in tree.entry("job-0")["history"]] == ["job-0"]
