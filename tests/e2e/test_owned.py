"""Jobs that somebody else made under a manifest's name, and their adoption."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.manifests import spec
from tests.support.project import Project

REQUEST = {"jobName": "support-bot", "customModelName": "support-bot", **spec()}


def one_action(tree: Project) -> Mapping[str, Any]:
    """Return the plan's one action."""
    (action,) = tree.call("plan", "--output", "json").data["actions"]
    found: Mapping[str, Any] = action
    return found


@pytest.fixture
def foreign(tree: Project) -> str:
    """The ARN of an equal job that was made elsewhere, under a random token."""
    return tree.bystand(REQUEST)


def test_job_of_the_same_name_is_not_ours(tree: Project, foreign: str) -> None:
    """A job made elsewhere is held as NotOwned, told with its ARN, and nothing is sent."""
    tree.add("support-bot")
    tree.hush()
    ran = tree.call("reconcile")
    assert ran.code == 0
    assert tree.changes() == []
    entry = tree.entry("support-bot")
    assert (entry["phase"], entry["conditions"][0]["reason"]) == ("Stalled", "NotOwned")
    assert foreign in entry["conditions"][0]["message"]
    assert "live" not in entry
    assert "jobArn" not in entry
    assert tree.call("plan", "--detailed-exitcode").code == 2
    assert tree.call("status", "--exit-code").code == 3


def test_another_owners_job_is_not_ours(tree: Project) -> None:
    """A job that another repository's fleet submitted is NotOwned for this one."""
    tree.fleet(owner="acme-ml")
    tree.add("support-bot")
    tree.call("reconcile")
    tree.fleet(owner="acme-search")
    tree.forget()
    tree.hush()
    assert tree.call("reconcile").code == 0
    assert tree.entry("support-bot")["conditions"][0]["reason"] == "NotOwned"
    assert tree.changes() == []


def test_changed_owner_does_not_take_the_sidecars_word(tree: Project) -> None:
    """A sidecar from before the owner changed makes the job no more ours."""
    tree.fleet(owner="acme-ml")
    tree.add("support-bot")
    tree.settle()
    tree.fleet(owner="acme-search")
    tree.hush()
    tree.call("reconcile")
    assert tree.changes() == []
    assert tree.entry("support-bot")["conditions"][0]["reason"] == "NotOwned"


def test_equal_job_is_adopted(tree: Project, foreign: str) -> None:
    """policy.adopt with the job's ARN brings it under the manifest, without a call that changes."""
    tree.add("support-bot", policy={"adopt": foreign})
    tree.hush()
    assert one_action(tree)["verb"] == "ADOPT"
    assert tree.call("plan", "--detailed-exitcode").code == 2
    assert tree.call("reconcile").code == 0
    assert tree.changes() == []
    entry = tree.entry("support-bot")
    assert (entry["phase"], entry["jobArn"]) == ("InProgress", foreign)
    assert one_action(tree)["verb"] == "WAIT"


def test_adoption_is_byte_stable(tree: Project, foreign: str) -> None:
    """An adopted job's sidecar neither changes on the next pass nor after it was deleted."""
    tree.add("support-bot", policy={"adopt": foreign})
    for advanced in (0, 7200):
        tree.sandbox.advance(advanced)
        tree.call("reconcile")
        before = tree.files()
        tree.call("reconcile")
        assert tree.files() == before
        kept = tree.sidecars()
        tree.forget()
        tree.call("reconcile")
        assert tree.sidecars() == kept
    tree.hush()
    tree.call("reconcile")
    assert tree.calls() == []


def test_adopted_job_that_ended_is_adopted_again(tree: Project) -> None:
    """After an edit that changes no value it is compared with what Get shows, not with a mask."""
    logs = {
        "invocationLogSource": {"s3Uri": "s3://acme-logs/bedrock/"},
        "requestMetadataFilters": {"equals": {"project": "support"}},
    }
    made = spec(trainingDataConfig={"invocationLogsConfig": logs})
    there = tree.bystand({"jobName": "support-bot", "customModelName": "support-bot", **made})
    tree.add("support-bot", made, policy={"adopt": there})
    tree.settle()
    edited = {**made, "hyperParameters": {**made["hyperParameters"], "learningRate": "1e-5"}}
    tree.add("support-bot", edited, policy={"adopt": there})
    assert one_action(tree)["verb"] == "ADOPT"


def test_other_spec_is_not_adopted(tree: Project, foreign: str) -> None:
    """A job whose spec differs cannot be adopted; the hold names the difference."""
    other = spec(hyperParameters={"epochCount": "9", "learningRate": "0.00001"})
    tree.add("support-bot", other, policy={"adopt": foreign})
    tree.hush()
    action = one_action(tree)
    assert (action["verb"], action["reason"]) == ("HOLD", "NotOwned")
    assert [change["member"] for change in action["changes"]] == ["hyperParameters.epochCount"]
    assert tree.call("reconcile").code == 0
    assert tree.changes() == []


def test_other_arn_is_not_adopted(tree: Project, foreign: str) -> None:
    """Only the very ARN is adopted: where there is none, no job under the name is taken for it."""
    tree.add("support-bot", policy={"adopt": foreign[:-4] + "zzzz"})
    tree.hush()
    assert one_action(tree)["reason"] == "LiveMissing"
    assert tree.call("reconcile").code == 0
    assert tree.changes() == []


def test_adopted_job_is_stopped_by_its_manifest(tree: Project, foreign: str) -> None:
    """After its adoption a job obeys policy.state like any other."""
    tree.add("support-bot", policy={"adopt": foreign})
    tree.call("reconcile")
    tree.add("support-bot", policy={"adopt": foreign, "state": "Stopped"})
    tree.hush()
    assert tree.call("reconcile").code == 0
    assert tree.changes() == ["StopModelCustomizationJob"]


def test_name_taken_between_plan_and_submit(tree: Project) -> None:
    """Two checkouts of one repository share one job: the second finds the first's and adopts it."""
    tree.add("support-bot")
    tree.call("reconcile")
    first = tree.sidecars()
    tree.forget()
    tree.call("reconcile")
    assert tree.sidecars() == first
    assert tree.changes() == ["CreateModelCustomizationJob"]
