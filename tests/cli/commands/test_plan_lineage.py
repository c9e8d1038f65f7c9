"""Plans and statuses say which of a manifest's jobs they mean: attempt, revision, history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.manifests import failing, spec
from tests.support.project import SETTLED, Project

UNSAID = "a-value-that-stays-unsaid"
TAGGED = spec(jobTags=[{"key": "team", "value": "support"}])


def planned(tree: Project) -> tuple[str, Mapping[str, Any]]:
    """Return the plan's text and its only action."""
    (action,) = tree.call("plan", "--output", "json").data["actions"]
    found: Mapping[str, Any] = action
    return tree.call("plan").out, found


@pytest.fixture
def revised(tree: Project) -> Project:
    """Return a tree whose manifest requests a new revision of a running job."""
    tree.add("bot", policy={"onSpecChange": "NewRevision"})
    tree.call("reconcile")
    tree.edit("bot", "epochCount: 2", "epochCount: 3")
    return tree


def test_new_revision_is_shown_with_its_name_and_fields(revised: Project) -> None:
    """The line has the new name, that it is billed, and each changed field with both values."""
    text, action = planned(revised)
    name = action["jobName"]
    assert name == f"bot-{action['revision']}"
    assert f"SUBMIT  NewRevision  bot as {name}  " in text
    assert 'hyperParameters.epochCount: manifest "3", live "2"' in text
    assert "billed" in text
    assert action["earlier"] == [revised.sandbox.get("bot")["jobArn"]]
    assert "jobArn" not in action


def test_retry_is_shown_with_its_attempt(tree: Project) -> None:
    """The line has the new attempt's name, and why the previous job ended."""
    tree.add("bot", failing())
    tree.settle()
    tree.call("retry", "bot", "--yes")
    text, action = planned(tree)
    assert (action["verb"], action["reason"]) == ("SUBMIT", "Retry")
    assert (action["attempt"], action["jobName"], action["revision"]) == (1, "bot-r1", "")
    assert action["earlier"] == [tree.sandbox.get("bot")["jobArn"]]
    assert "bot as bot-r1" in text
    assert tree.sandbox.get("bot")["failureMessage"] in text


def test_tags_are_shown_by_their_keys(tree: Project) -> None:
    """A tag correction lists the keys to set and to remove, and no value."""
    tree.add("bot", TAGGED)
    tree.call("reconcile")
    tree.add("bot", spec(jobTags=[{"key": "stage", "value": UNSAID}]))
    text, action = planned(tree)
    assert (action["verb"], action["reason"]) == ("TAG", "TagsChanged")
    (retag,) = action["retags"]
    assert retag["arn"] == tree.entry("bot")["jobArn"]
    assert (retag["member"], retag["set"], retag["remove"]) == ("jobTags", ["stage"], ["team"])
    assert "set stage and remove team" in text
    assert UNSAID not in f"{text}{action}"


def test_every_job_to_stop_is_shown(revised: Project) -> None:
    """The stop of a manifest with two running jobs lists both."""
    revised.call("reconcile")
    revised.edit("bot", "onSpecChange: NewRevision", "state: Stopped")
    text, action = planned(revised)
    assert len(action["stops"]) == 2
    assert all(arn in text for arn in action["stops"])


@pytest.mark.parametrize("change", ["retry", "revise"])
def test_later_job_is_no_spec_change(tree: Project, change: str) -> None:
    """A retried or revised job is its manifest's own: status reports no mismatch."""
    tree.add("bot", policy={"onSpecChange": "NewRevision"})
    tree.call("reconcile")
    if change == "retry":
        tree.call("stop", "bot", "--yes")
        tree.sandbox.advance(SETTLED)
        tree.call("reconcile")
        tree.call("retry", "bot", "--yes")
    else:
        tree.edit("bot", "epochCount: 2", "epochCount: 3")
    tree.settle()
    assert len(tree.sandbox.list_names()) == 2
    ran = tree.call("status", "--exit-code")
    assert (ran.code, "spec changed" in ran.out) == (0, False)
    tree.edit("bot", "support/output/", "support/results/")
    assert "spec changed" in tree.call("status").out


def test_status_shows_attempts_and_history(tree: Project) -> None:
    """From the second attempt on its number follows the name; --history lists earlier jobs."""
    tree.add("bot", failing(), policy={"attempt": 0})
    tree.add("other")
    tree.settle()
    assert "attempt" not in tree.call("status").out
    tree.call("retry", "bot", "--yes")
    tree.settle()
    plain, full = tree.call("status").out, tree.call("status", "--history").out
    assert "bot (attempt 1)  Failed" in plain
    (more,) = set(full.splitlines()) - set(plain.splitlines())
    live = tree.sandbox.get("bot")
    assert more.split()[:3] == ["bot", "Failed", live["jobArn"]]
    assert more.endswith(live["failureMessage"])
