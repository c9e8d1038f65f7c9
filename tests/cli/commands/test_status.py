"""Status prints what the sidecars record, without a call."""

from __future__ import annotations

import json

import pytest

from tests.support.manifests import failing
from tests.support.project import SETTLED, Project

NOTHING = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": ""}


def test_status_is_offline(tree: Project) -> None:
    """Status needs no credentials, region or service, and writes nothing."""
    tree.add("support-bot")
    tree.settle()
    tree.hush()
    before = tree.files()
    ran = tree.call("status", **NOTHING)
    assert ran.code == 0
    assert "Completed" in ran.out
    assert tree.sandbox.list_calls() == []
    assert tree.files() == before


def test_job_without_a_sidecar_is_pending(tree: Project) -> None:
    """A manifest without a recorded pass is Pending, and not unhealthy."""
    tree.add("support-bot")
    ran = tree.call("status", "--exit-code", "--output", "json")
    assert ran.code == 0
    (job,) = ran.data["jobs"]
    assert job["phase"] == "Pending"


@pytest.mark.parametrize(("spec_given", "code"), [(None, 0), (failing(), 3)], ids=["good", "bad"])
def test_exit_code_judges_the_jobs(tree: Project, spec_given: dict[str, str], code: int) -> None:
    """With --exit-code a failed job exits with 3, without it with 0."""
    tree.add("support-bot", spec_given)
    tree.call("reconcile")
    assert tree.call("status", "--exit-code").code == 0
    tree.sandbox.advance(SETTLED)
    tree.call("reconcile")
    assert tree.call("status", "--exit-code").code == code
    assert tree.call("status").code == 0


def test_failure_is_shown_in_the_services_words(tree: Project) -> None:
    """The service's message is in the table and the sidecar verbatim."""
    tree.add("fails", failing())
    tree.settle()
    shown = tree.sandbox.get("fails")["failureMessage"]
    assert shown in tree.call("status").out
    (succeeded,) = [one for one in tree.entry("fails")["conditions"] if one["type"] == "Succeeded"]
    assert succeeded["message"] == shown
    assert succeeded["status"] == "False"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"jobs": []}', "\0"])
def test_invalid_sidecar_is_reported_and_ignored(tree: Project, content: str) -> None:
    """An invalid sidecar counts as missing, and the next pass rebuilds it."""
    tree.add("support-bot")
    tree.settle()
    before = tree.sidecars()
    (tree.jobs / "support-bot.status.json").write_text(content)
    ran = tree.call("status")
    assert ran.code == 0
    assert "Pending" in ran.out
    assert tree.call("reconcile").code == 0
    assert len(tree.calls("Create")) == 1
    assert tree.sidecars() == before


def test_odd_entry_does_not_hurt(tree: Project) -> None:
    """Members of the wrong type cause no traceback, and the next pass fixes them."""
    tree.add("support-bot")
    tree.settle()
    path = tree.jobs / "support-bot.status.json"
    before = path.read_bytes()
    document = json.loads(before)
    document["jobs"]["support-bot"] |= {
        "phase": 7,
        "conditions": [None, {"type": []}, "x"],
        "target": "here",
        "live": [],
        "history": {},
    }
    path.write_text(json.dumps(document))
    assert tree.call("status", "--output", "json").code == 0
    assert tree.call("status").code == 0
    assert tree.call("reconcile").code == 0
    assert path.read_bytes() == before
    assert len(tree.calls("Create")) == 1


def test_invalid_manifest_still_shows_its_job(tree: Project) -> None:
    """An invalid manifest does not hide its running job: exit code 4, and the row is shown."""
    tree.add("support-bot")
    tree.call("reconcile")
    tree.edit("support-bot", "spec:", "spce:")
    ran = tree.call("status")
    assert ran.code == 4
    assert "InProgress" in ran.out
    tree.sandbox.advance(SETTLED)
    assert tree.call("reconcile").code == 4
    entry = tree.entry("support-bot")
    assert (entry["phase"], entry["live"]["status"]) == ("Stalled", "Completed")
    assert len(tree.calls("Create")) == 1
