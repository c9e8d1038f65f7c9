"""The service's quota, met by whole passes: what is called, kept and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.core.call_errors import failure
from controller.core.fleet import Limits
from controller.core.model import Target
from controller.core.planning.actions import Reason, Verb
from controller.engine.reconcile import Mode
from controller.engine.wait import wait
from controller.ports import CloudError
from tests.contract.passes import KIND, Tree
from tests.core.cases import SPEC

FULL = failure("ServiceQuotaExceededException", "Too many jobs", reading=False)
LOST = failure("ReadTimeout", "no answer", reading=False, ambiguous=True)
FOREIGN = "351997e1-336f-40c9-99a7-e1fd05e819b3"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with six manifests, of which the service takes two at a time."""
    made = Tree(tmp_path)
    for number in range(6):
        made.put(f"job-{number}")
    take(made, 2)
    return made


def take(tree: Tree, quota: int) -> None:
    """Let the service take so many active jobs from now on."""

    def watch(operation: str, _: str) -> None:
        if operation == "Create" and len(active(tree)) >= quota:
            raise CloudError(FULL)

    tree.cloud.watcher = watch


def active(tree: Tree) -> list[str]:
    """Return the names of the active jobs, in the order in which they were made."""
    return [live.name for live in tree.live() if live.status in KIND.active]


def bystand(tree: Tree, name: str) -> None:
    """Let somebody else have a job."""
    watcher, tree.cloud.watcher = tree.cloud.watcher, lambda _operation, _argument: None
    tree.cloud.create(KIND, Target(), {**SPEC, "jobName": name}, FOREIGN + name)
    tree.cloud.watcher = watcher


def creates(tree: Tree) -> list[str]:
    """Return the names that Create was called with in the last pass."""
    return [name for operation, name in tree.cloud.calls if operation == "Create"]


def queues(tree: Tree) -> dict[str, Any]:
    """Return what each entry in the queue keeps of it, by name."""
    entries = {name: tree.entry(name) for name in tree.jobs}
    return {name: one.get("queue") for name, one in entries.items() if one["phase"] == "Queued"}


def test_full_place_is_asked_once(tree: Tree) -> None:
    """Two go in, as many at most are refused and know why, and the rest never called."""
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


def test_full_place_is_not_asked_again(tree: Tree) -> None:
    """As long as nothing ends, passes only look, and write no byte."""
    tree.reconcile()
    before = tree.files()
    report = tree.reconcile()

    assert set(tree.cloud.count()) <= {"Get", "List"}
    assert tree.files() == before
    waiting = [one for one in report.plan.actions if one.reason is Reason.QUEUED]
    assert [one.desired.key.name for one in waiting] == [f"job-{number}" for number in range(2, 6)]


def test_plan_shows_who_waits(tree: Tree) -> None:
    """The plan tells the same, and what reconcile does next is what it shows."""
    tree.reconcile()
    tree.cloud.turn(KIND, "job-0", "Completed")
    foreseen = tree.reconcile(Mode.PLAN).plan
    report = tree.reconcile()

    assert report.plan == foreseen
    submits = [one.desired.key.name for one in foreseen.actions if one.verb is Verb.SUBMIT]
    assert (submits, creates(tree)) == (["job-2"], ["job-2"])


def test_freed_slot_is_taken_in_the_next_pass(tree: Tree) -> None:
    """Pass by pass all end, in order, and are refused no more often than slots were freed."""
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
    """A more urgent manifest that comes later needs no refusal of its own to go first."""
    tree.reconcile()
    tree.put("urgent", {"priority": 5})
    tree.reconcile()
    assert creates(tree) == []
    tree.cloud.turn(KIND, "job-0", "Completed")
    tree.reconcile()

    assert creates(tree) == ["urgent"]
    assert tree.entry("urgent")["phase"] == "InProgress"


def test_others_jobs_take_slots_too(tree: Tree) -> None:
    """A place that others fill is asked once, and again only when one of their jobs has ended."""
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


def test_higher_quota_is_found_out(tree: Tree) -> None:
    """More active jobs than the number that was learnt show that it holds no more."""
    tree.reconcile()
    take(tree, 4)
    tree.reconcile()
    assert creates(tree) == []
    bystand(tree, "theirs")
    tree.reconcile()

    assert creates(tree) == ["job-2"]
    assert len(active(tree)) == 4


def test_quota_for_another_cause_is_probed(tree: Tree) -> None:
    """Where nothing is active and jobs are refused all the same, each pass tries just one."""
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
    """Without leave to list, a pass tries one job, and is refused once."""
    for name in ("theirs-0", "theirs-1"):
        bystand(tree, name)
    status = KIND.listed_as_active
    tree.cloud.failing = {("List", status): failure("AccessDeniedException", "no", reading=True)}
    for _ in range(2):
        tree.reconcile()
        assert creates(tree) == ["job-0"]
    assert queues(tree)["job-0"] is None


def test_lost_sidecars_cost_one_refusal(tree: Tree) -> None:
    """What the queue knew is learnt anew by one job, and nothing is submitted twice."""
    tree.reconcile()
    for path in tree.folder.iterdir():
        path.unlink()
    tree.reconcile()

    assert creates(tree) == ["job-2"]
    assert active(tree) == ["job-0", "job-1"]


def test_limit_of_ours_spares_every_refusal(tree: Tree) -> None:
    """With limits.maxActive at the quota nothing is ever refused."""
    tree.limits = Limits(max_active=2)
    for _ in range(8):
        made = len(tree.live())
        tree.reconcile()
        assert len(creates(tree)) == len(tree.live()) - made
        for name in active(tree):
            tree.cloud.turn(KIND, name, "Completed")

    assert len(tree.live()) == 6


def test_unconfirmed_goes_first(tree: Tree) -> None:
    """A submit without an answer is confirmed before any other takes the slot."""
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
    """An unanswered submit that stands behind a refusal is not tried, nor forgotten."""
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
    """Queued jobs are not over: they are waited for to their end, or until time is up."""
    take(tree, quota)

    def one_pass() -> Any:
        for name in active(tree):
            tree.cloud.turn(KIND, name, "Completed")
        return tree.reconcile()

    waited = wait(one_pass, {KIND.name: KIND}, tree.clock, 30, 600, lambda _: None)

    assert waited.timed_out is (quota == 0)
    assert len(tree.live()) == (6 if quota else 0)


def test_retry_waits_for_its_slot(tree: Tree) -> None:
    """A further attempt that the quota refuses costs no attempt: it is the same one, later."""
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
