"""Guards, queues, priorities and what policy lets a pass do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.project import SETTLED, Project


def created(tree: Project) -> list[str]:
    """Return the names of the submitted jobs, in the order of their submission."""
    return [entry["members"]["jobName"] for entry in tree.calls("Create")]


def fill(tree: Project, count: int, **given: Any) -> list[str]:
    """Write so many manifests, and return their names."""
    names = [f"job-{number:02}" for number in range(count)]
    for name in names:
        tree.add(name, **given)
    return names


@pytest.mark.parametrize("by_option", [True, False], ids=["--max-submits", "limits.maxSubmits"])
def test_too_many_submits_do_nothing(tree: Project, *, by_option: bool) -> None:
    """One submit too many refuses the whole plan with 5: no call, no sidecar."""
    fill(tree, 3)
    if not by_option:
        tree.fleet(limits={"maxSubmits": 2})
    options = ("--max-submits", "2") if by_option else ()
    ran = tree.call("reconcile", *options)
    assert ran.code == 5
    assert tree.changes() == []
    assert tree.sidecars() == {}
    assert "3 submits" in ran.err
    assert "--max-submits" in ran.err
    assert tree.call("plan", *options).code == 5


def test_as_many_submits_as_the_limit_go_through(tree: Project) -> None:
    """The limit itself is allowed, and the option goes before the file."""
    fill(tree, 3)
    tree.fleet(limits={"maxSubmits": 1})
    assert tree.call("reconcile", "--max-submits", "3").code == 0
    assert len(created(tree)) == 3


def test_default_limit_is_50(tree: Project) -> None:
    """Without a word from anybody the 51st submit is one too many."""
    fill(tree, 51)
    ran = tree.call("plan", "--output", "json")
    assert ran.code == 5
    assert "51 submits" in ran.data["refused"]


def test_queue_lets_the_first_through(tree: Project) -> None:
    """Of more jobs than may be active, the first by name go; the rest show as Queued, exit 0."""
    tree.fleet(limits={"maxActive": 2})
    names = fill(tree, 5)
    assert tree.call("reconcile").code == 0
    assert sorted(created(tree)) == names[:2]
    assert [tree.entry(name)["phase"] for name in names[1:3]] == ["InProgress", "Queued"]
    tree.hush()
    tree.call("reconcile")
    assert tree.changes() == []
    tree.sandbox.advance(SETTLED)
    tree.call("reconcile")
    assert sorted(created(tree)) == names[2:4]


def test_priority_goes_first(tree: Project) -> None:
    """policy.priority goes before the name."""
    tree.fleet(limits={"maxActive": 2})
    tree.add("alpha")
    tree.add("beta", policy={"priority": 1})
    tree.add("gamma", policy={"priority": 7})
    tree.add("omega", policy={"priority": -1})
    tree.call("reconcile")
    assert sorted(created(tree)) == ["beta", "gamma"]
    tree.sandbox.advance(SETTLED)
    tree.call("reconcile")
    assert sorted(created(tree)[2:]) == ["alpha", "omega"]


def test_every_place_has_its_own_queue(tree: Project) -> None:
    """What runs in one region takes no room in another."""
    tree.fleet(limits={"maxActive": 1})
    tree.add("near")
    tree.add("far", target={"region": "eu-west-1"})
    tree.call("reconcile")
    assert sorted(created(tree)) == ["far", "near"]


def test_wait_empties_the_queue(moving: Project) -> None:
    """--wait submits as room comes, until all have ended, never with more active than allowed."""
    moving.fleet(limits={"maxActive": 2})
    names = fill(moving, 5)
    ran = moving.call("reconcile", "--wait", "--every", "0.05")
    assert ran.code == 0
    assert sorted(created(moving)) == names
    lives = []
    for name in names:
        live = moving.entry(name)["live"]
        assert live["status"] == "Completed"
        lives += [(live["creationTime"], 1), (live["endTime"], -1)]
    active, most = 0, 0
    for _, step in sorted(lives):
        active += step
        most = max(most, active)
    assert most <= 2


@pytest.mark.parametrize("state", ["Suspended", "Stopped"])
def test_unwanted_job_is_never_submitted(tree: Project, state: str) -> None:
    """A manifest that is Suspended or Stopped from the start has no job, and that is in order."""
    tree.add("support-bot", policy={"state": state})
    assert tree.call("plan", "--detailed-exitcode").code == 0
    assert tree.call("reconcile", "--wait").code == 0
    assert tree.changes() == []
    entry = tree.entry("support-bot")
    assert entry["phase"] == "Suspended"
    assert entry["conditions"][0]["status"] == "True"
    assert tree.call("status", "--exit-code").code == 0


def test_suspended_job_is_submitted_once_it_may(tree: Project) -> None:
    """Taking the suspension back submits the job."""
    tree.add("support-bot", policy={"state": "Suspended"})
    tree.call("reconcile")
    tree.add("support-bot")
    tree.call("reconcile")
    assert created(tree) == ["support-bot"]


def test_suspension_lets_a_running_job_be(tree: Project) -> None:
    """Suspended does not stop what runs."""
    tree.add("support-bot")
    tree.call("reconcile")
    tree.add("support-bot", policy={"state": "Suspended"})
    tree.hush()
    assert tree.call("reconcile").code == 0
    assert tree.changes() == []


def test_running_job_is_stopped_once(tree: Project) -> None:
    """Stopped stops a running job with one call, and no later pass calls again."""
    tree.add("support-bot")
    tree.call("reconcile")
    tree.add("support-bot", policy={"state": "Stopped"})
    tree.hush()
    assert tree.call("reconcile").code == 0
    assert tree.entry("support-bot")["phase"] == "Stopping"
    assert tree.call("reconcile").code == 0
    tree.sandbox.advance(SETTLED)
    assert tree.call("reconcile").code == 0
    assert tree.changes() == ["StopModelCustomizationJob"]
    entry = tree.entry("support-bot")
    assert (entry["phase"], entry["conditions"][0]["status"]) == ("Stopped", "True")
    assert tree.call("status", "--exit-code").code == 0


def test_job_stopped_against_its_manifest_is_unhealthy(tree: Project) -> None:
    """A job that somebody else stopped is not what its manifest asks for."""
    tree.add("support-bot")
    tree.call("reconcile")
    tree.sandbox.bedrock().stop_model_customization_job(jobIdentifier="support-bot")
    tree.sandbox.advance(SETTLED)
    assert tree.call("reconcile").code == 0
    assert tree.entry("support-bot")["conditions"][0]["status"] == "False"
    assert tree.call("status", "--exit-code").code == 3


def test_selection_leaves_the_rest_alone(tree: Project) -> None:
    """-l serves the manifests with the labels: the others are neither sent nor recorded."""
    tree.add("chosen", labels={"team": "support"})
    tree.add("other", labels={"team": "search"})
    tree.add("bare")
    assert tree.call("reconcile", "-l", "team=support").code == 0
    assert created(tree) == ["chosen"]
    assert list(tree.sidecars()) == ["jobs/chosen.status.json"]
    data = tree.call("status", "-l", "team!=support", "--output", "json").data
    assert [job["name"] for job in data["jobs"]] == ["bare", "other"]


def test_selection_counts_towards_the_guard(tree: Project) -> None:
    """Only what is selected counts against the limit."""
    tree.add("chosen", labels={"team": "support"})
    fill(tree, 3)
    assert tree.call("reconcile", "-l", "team", "--max-submits", "1").code == 0
    assert created(tree) == ["chosen"]


def test_one_file_can_be_named(tree: Project) -> None:
    """A path of one file serves its manifests alone."""
    fill(tree, 3)
    assert tree.call("reconcile", "jobs/job-01.yaml").code == 0
    assert created(tree) == ["job-01"]
    assert list(tree.sidecars()) == ["jobs/job-01.status.json"]
