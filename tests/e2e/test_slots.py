"""Which jobs take a slot under limits.maxActive, whatever the sidecars say of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.project import SETTLED, Project

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def one(tree: Project) -> Project:
    """A tree that lets one job be active at once, and whose job ``a`` runs."""
    tree.fleet(limits={"maxActive": 1})
    tree.add("a")
    assert tree.call("reconcile").code == 0
    tree.add("b")
    return tree


def edit(tree: Project, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit a job's entry as a person, or a merge, may do."""
    path = tree.jobs / f"{name}.status.json"
    document = json.loads(path.read_text())
    change(document["jobs"][name])
    path.write_text(json.dumps(document))


def end(entry: dict[str, Any], status: str = "Completed") -> None:
    """Let an entry say that its job ended."""
    entry["phase"] = entry["live"]["status"] = status


def created(tree: Project) -> list[str]:
    """Return the names of the submitted jobs, in the order of their submission."""
    return [entry["members"]["jobName"] for entry in tree.calls("Create")]


@pytest.mark.parametrize("paths", [(), ("jobs/b.yaml",)], ids=["the whole", "a part"])
@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_recorded_end_frees_no_slot(one: Project, status: str, paths: tuple[str, ...]) -> None:
    """A job that only its sidecar says has ended takes its slot until it has."""
    edit(one, "a", lambda entry: end(entry, status))

    ran = one.call("reconcile", *paths)

    assert (ran.code, created(one), one.entry("b")["phase"]) == (0, ["a"], "Queued")
    one.sandbox.advance(SETTLED)
    assert one.call("reconcile", *paths).code == 0
    assert created(one) == ["a", "b"]


def test_recorded_end_of_a_stopping_job_frees_no_slot(one: Project) -> None:
    """A job that is being stopped takes its slot until it is."""
    one.sandbox.bedrock().stop_model_customization_job(jobIdentifier="a")
    edit(one, "a", lambda entry: end(entry, "Stopped"))

    one.call("reconcile")

    assert created(one) == ["a"]


def test_end_recorded_under_another_arn_frees_no_slot(one: Project) -> None:
    """A job is known by its name too, where an entry names another ARN."""

    def change(entry: dict[str, Any]) -> None:
        end(entry)
        entry["jobArn"] = entry["jobArn"][:-4] + "abcd"

    edit(one, "a", change)

    one.call("reconcile")

    assert created(one) == ["a"]


def test_end_in_the_history_frees_no_slot(tree: Project) -> None:
    """Nor does the history's word that a job before the one that counts has ended."""
    tree.fleet(limits={"maxActive": 2})
    tree.add("a", policy={"onSpecChange": "NewRevision"})
    tree.call("reconcile")
    tree.edit("a", "epochCount: 2", "epochCount: 3")
    tree.call("reconcile")
    assert len(created(tree)) == 2
    edit(tree, "a", lambda entry: entry["history"][0].update(phase="Completed"))
    tree.add("b")

    tree.call("reconcile")

    assert len(created(tree)) == 2


def test_removed_manifest_frees_no_slot(one: Project) -> None:
    """A job whose manifest is gone takes its slot as long as it runs."""
    edit(one, "a", end)
    (one.jobs / "a.yaml").unlink()

    one.call("reconcile")

    assert created(one) == ["a"]


@pytest.mark.parametrize("paths", [(), ("jobs/b.yaml",)], ids=["the whole", "a part"])
def test_missing_job_frees_no_slot(one: Project, paths: tuple[str, ...]) -> None:
    """A recorded job that the service does not show is not known to have ended."""
    one.sandbox.change_settings(getLag=86400, listLag=86400)
    edit(one, "a", lambda entry: entry["live"].update(creationTime=LONG_AGO))
    os.utime(one.jobs / "a.status.json", (1, 1))

    one.call("reconcile", *paths)

    assert created(one) == ["a"]
    one.call("reconcile")
    assert one.entry("a")["conditions"][0]["reason"] == "LiveMissing"


def test_job_elsewhere_frees_no_slot(one: Project) -> None:
    """A job takes the slot of the region that it runs in, whatever its manifest says now."""
    one.add("a", target={"region": "eu-west-1"})

    one.call("reconcile")

    assert created(one) == ["a"]


def test_slots_that_cannot_be_counted_are_not_taken(one: Project) -> None:
    """Where the service does not answer what runs, nothing is submitted, and the exit code is 1."""
    edit(one, "a", end)
    one.sandbox.inject_fault("proxy-403", "ListModelCustomizationJobs", times=None)

    ran = one.call("reconcile")

    assert (ran.code, created(one)) == (1, ["a"])
    assert one.entry("b")["conditions"][0]["reason"] == "ObservationFailed"


def test_strangers_take_no_slot(one: Project) -> None:
    """Jobs without a manifest do not count towards the fleet's own limit."""
    one.sandbox.advance(SETTLED)
    one.sandbox.create("strangers")
    one.call("reconcile")

    assert created(one)[-1] == "b"


def test_ended_jobs_are_asked_for_only_where_a_slot_is_taken(one: Project) -> None:
    """Pass after pass that submits nothing asks nothing of jobs that ended."""
    one.sandbox.advance(SETTLED)
    one.call("reconcile")
    one.sandbox.advance(SETTLED)
    one.call("reconcile")
    one.hush()

    one.call("reconcile")

    assert (created(one), one.sandbox.list_calls()) == ([], [])


def test_collection_forgets_no_job_that_runs(one: Project) -> None:
    """The entry of a removed job is dropped once the service, and not only it, says so."""
    edit(one, "a", end)
    (one.jobs / "a.yaml").unlink()

    assert one.call("reconcile", "--gc").code == 0
    assert one.entry("a")["phase"] == "InProgress"
    assert created(one) == ["a"]


def test_collection_forgets_no_job_that_shows_late(one: Project) -> None:
    """Nor is that of a job which is too young to be missed."""
    one.sandbox.change_settings(getLag=60, listLag=60)
    (one.jobs / "a.yaml").unlink()

    assert one.call("reconcile", "--gc").code == 0
    assert one.entry("a")["jobArn"]
    assert created(one) == ["a"]


def test_stop_by_name_asks_whether_a_job_ended(one: Project) -> None:
    """`stop` does not rely on the sidecar alone to report that nothing runs."""
    edit(one, "a", end)

    assert one.call("stop", "a", "--yes").code == 0
    assert one.changes()[-1].startswith("Stop")
