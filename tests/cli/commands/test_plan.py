"""The plan command prints exactly what reconcile does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.manifests import OTHER_ACCOUNT, failing, spec
from tests.support.project import SETTLED, Project


@pytest.fixture
def varied(tree: Project) -> Project:
    """Return a tree with an action of every verb and reason that one pass can have."""
    tree.add("completed")
    tree.add("failed", failing())
    tree.settle()
    tree.bystand({"jobName": "foreign", "customModelName": "foreign", **spec()})
    tree.add("foreign")
    for name in ("changed", "running", "stopped"):
        tree.add(name)
    tree.call("reconcile")
    arn = tree.bystand({"jobName": "adopted", "customModelName": "adopted", **spec()})
    tree.add("adopted", policy={"adopt": arn})
    tree.edit("changed", "epochCount: 2", "epochCount: 4")
    tree.add("stopped", policy={"state": "Stopped"})
    tree.add("suspended", policy={"state": "Suspended"})
    tree.add("invalid", {"roleArn": "nonsense"})
    for name in ("new-1", "new-2"):
        tree.add(name)
    tree.hush()
    return tree


def planned(tree: Project, *arguments: str) -> dict[str, Any]:
    """Return the plan as data."""
    found: dict[str, Any] = tree.call("plan", *arguments, "--output", "json").data
    return found


def test_plan_names_every_verb(varied: Project) -> None:
    """Every job of the tree has one action, in the order of kind and name."""
    actions = planned(varied)["actions"]
    assert [(one["name"], one["verb"], one["reason"]) for one in actions] == [
        ("adopted", "ADOPT", "Adopted"),
        ("changed", "HOLD", "SpecChanged"),
        ("completed", "NOOP", "Completed"),
        ("failed", "NOOP", "Failed"),
        ("foreign", "HOLD", "NotOwned"),
        ("invalid", "HOLD", "Invalid"),
        ("new-1", "SUBMIT", "NotSubmitted"),
        ("new-2", "SUBMIT", "NotSubmitted"),
        ("running", "WAIT", "InProgress"),
        ("stopped", "STOP", "StopRequested"),
        ("suspended", "NOOP", "Suspended"),
    ]


def test_plan_changes_nothing(varied: Project) -> None:
    """Planning makes no mutating call and writes no file."""
    before = varied.files()
    varied.run("plan")
    assert varied.changes() == []
    assert varied.files() == before


def test_reconcile_does_what_the_plan_says(varied: Project) -> None:
    """Every mutating call is an action of the plan, with its name and token."""
    actions = planned(varied)["actions"]
    assert varied.call("reconcile").code == 4
    created = {
        (entry["members"]["jobName"], entry["members"]["clientRequestToken"])
        for entry in varied.calls("Create")
    }
    stopped = {entry["members"]["jobIdentifier"] for entry in varied.calls("Stop")}
    submits = [one for one in actions if one["verb"] == "SUBMIT"]
    stops = [one for one in actions if one["verb"] == "STOP"]
    assert created == {(one["jobName"], one["token"]) for one in submits}
    assert stopped == {one["jobArn"] for one in stops}
    assert len(varied.changes()) == len(submits) + len(stops)


def test_every_job_is_recorded_as_planned(varied: Project) -> None:
    """Jobs that a pass does not change are recorded with the reason of the plan."""
    actions = planned(varied)["actions"]
    varied.call("reconcile")
    for one in actions:
        if one["verb"] in {"HOLD", "NOOP", "WAIT"}:
            assert varied.entry(one["name"])["conditions"][0]["reason"] == one["reason"]


@pytest.mark.parametrize("output", ["text", "json", "yaml"])
def test_dry_run_is_plan(varied: Project, output: str) -> None:
    """A dry run prints the same bytes as plan, and changes as little."""
    before = varied.files()
    plan = varied.call("plan", "--output", output)
    dry = varied.call("reconcile", "--dry-run", "--output", output)
    assert dry == plan
    assert varied.changes() == []
    assert varied.files() == before


def test_dry_run_does_not_wait(varied: Project) -> None:
    """With --dry-run, --wait has no effect."""
    assert varied.call("reconcile", "--dry-run", "--wait").code == 4


def test_detailed_exit_code_is_2_while_anything_is_to_do(tree: Project) -> None:
    """The exit code is 2 with a submit to do, and 0 while the job runs and after it has ended."""
    tree.add("support-bot")
    assert tree.call("plan").code == 0
    assert tree.call("plan", "--detailed-exitcode").code == 2
    tree.call("reconcile")
    assert tree.call("plan", "--detailed-exitcode").code == 0
    tree.sandbox.advance(SETTLED)
    assert tree.call("plan", "--detailed-exitcode").code == 0


def test_detailed_exit_code_is_2_while_jobs_queue(tree: Project) -> None:
    """A queued job is a pending change."""
    tree.fleet(limits={"maxActive": 1})
    tree.add("first")
    tree.add("second")
    tree.call("reconcile")
    assert tree.call("plan", "--detailed-exitcode").code == 2


def test_empty_tree_is_fine(tree: Project) -> None:
    """A tree without manifests has an empty plan, and needs no credentials."""
    ran = tree.call("plan")
    assert (ran.code, ran.out) == (0, "Plan: 0 jobs: no manifests.\n")
    assert tree.sandbox.list_calls() == []


def test_missing_folder_is_a_usage_error(tree: Project) -> None:
    """Without a jobs/ folder the error says how to start."""
    tree.jobs.rmdir()
    ran = tree.call("plan")
    assert ran.code == 64
    assert "bedrock-jobs new" in ran.err


def test_exit_codes_have_a_precedence(tree: Project) -> None:
    """Of a failure, a refusal, an invalid manifest and pending changes the first wins."""
    plan = ("plan", "--detailed-exitcode")
    tree.add("new")
    assert tree.call(*plan).code == 2
    tree.add("invalid", {"roleArn": "nonsense"})
    assert tree.call(*plan).code == 4
    tree.add("strayed", target={"accountId": OTHER_ACCOUNT})
    assert tree.call(*plan).code == 5
    assert tree.call(*plan, AWS_PROFILE="nobody").code == 1
