"""A recorded end is enough to leave a job alone, but never to submit another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from controller.core.call_errors import make_failure
from controller.core.planning.actions import Reason, Verb
from tests.contract.passes import KIND, Tree

DOWN = make_failure("InternalServerException", "Try again", reading=True)
HEALS = "Internal server error"


def running(folder: Path, status: str) -> Tree:
    """Return a tree whose job runs although its sidecar records an end status."""
    tree = Tree(folder)
    tree.put("support-bot")
    tree.one()
    path = folder / "support-bot.status.json"
    document = json.loads(path.read_bytes())
    document["jobs"]["support-bot"]["phase"] = status
    document["jobs"]["support-bot"]["live"] |= {"status": status, "failureMessage": HEALS}
    path.write_text(json.dumps(document))
    return tree


FURTHER: dict[str, tuple[str, dict[str, Any]]] = {
    "a retry": ("Failed", {"onFailure": {"retries": 1}}),
    "a further attempt": ("Failed", {"attempt": 1}),
    "a further attempt of a stopped job": ("Stopped", {"attempt": 2}),
}


@pytest.mark.parametrize("further", FURTHER)
def test_job_is_looked_up_before_a_further_attempt(tmp_path: Path, further: str) -> None:
    """While the job runs, nothing is submitted beside it, whatever its sidecar says."""
    status, policy = FURTHER[further]
    tree = running(tmp_path, status)
    tree.put("support-bot", policy)

    result = tree.one()

    assert result.outcome.planned.reason is Reason.IN_PROGRESS
    assert ("Get", "support-bot") in tree.cloud.calls
    assert [live.name for live in tree.live()] == ["support-bot"]
    assert tree.entry()["phase"] == "InProgress"


def test_failed_lookup_holds_a_further_attempt(tmp_path: Path) -> None:
    """If the service cannot confirm that the job ended, no further attempt is submitted."""
    tree = running(tmp_path, "Failed")
    tree.put("support-bot", {"attempt": 1})
    tree.cloud.failing = {("Get", "support-bot"): DOWN}

    assert tree.one().outcome.planned.reason is Reason.OBSERVATION_FAILED
    assert "Create" not in tree.cloud.count()


def test_job_is_looked_up_before_a_revision(tmp_path: Path) -> None:
    """Before a new revision, the previous job is looked up instead of trusting the record."""
    tree = running(tmp_path, "Failed")
    spec = {"hyperParameters": {"epochCount": "3"}}
    tree.put("support-bot", {"onSpecChange": "NewRevision"}, **spec)

    action = tree.one().outcome.planned

    assert (action.verb, action.reason) == (Verb.SUBMIT, Reason.NEW_REVISION)
    assert [one.live.status for one in action.earlier] == ["InProgress"]


def test_many_jobs_are_looked_up_before_retries(tmp_path: Path) -> None:
    """Before retries, a listing can show that jobs run, just like Get."""
    tree = Tree(tmp_path)
    names = [f"job-{number:02}" for number in range(12)]
    for name in names:
        tree.put(name)
    tree.reconcile()
    for name in names:
        tree.put(name, {"attempt": 1})
        path = tmp_path / f"{name}.status.json"
        path.write_text(path.read_text().replace(KIND.listed_as_active, "Stopped"))

    report = tree.reconcile()

    assert {result.outcome.planned.reason for result in report.results} == {Reason.IN_PROGRESS}
    assert sorted(live.name for live in tree.live()) == names


def test_recorded_end_without_a_further_attempt_costs_no_call(tmp_path: Path) -> None:
    """Without a next attempt, the record of an end is enough."""
    tree = running(tmp_path, "Stopped")

    result = tree.one()

    assert (result.outcome.planned.verb, result.outcome.planned.reason) == (
        Verb.NOOP,
        Reason.STOPPED,
    )
    assert tree.cloud.count() == {}
