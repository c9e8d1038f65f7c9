"""Jobs that fail by chance and may heal: each is tried as often as its manifest says, no more."""

from __future__ import annotations

from typing import Any

import pytest

from controller.core.identity.tokens import derive_submission
from controller.core.kinds.registry import KINDS
from tests.support.manifests import spec
from tests.support.project import SETTLED, Project

(KIND,) = KINDS.values()
OWNER = "acme-ml"
RETRIES = 2
SHARE = 0.25
FLEET = [f"job-{number:02}" for number in range(40)]


def lineage(name: str) -> dict[str, str]:
    """Return the token of every job that a manifest may have, by the job's name."""
    made = [
        derive_submission(KIND, spec(), name, OWNER, attempt=attempt, revision="")
        for attempt in range(RETRIES + 1)
    ]
    return {one.name: one.token for one in made}


def chance(tree: Project) -> None:
    """Let a quarter of all jobs fail by an error that heals."""
    tree.fleet(owner=OWNER)
    tree.sandbox.change_settings(failingShare=SHARE, failingWith="internal", failingSeed=6)
    for name in FLEET:
        tree.add(name, policy={"onFailure": {"retries": RETRIES}})


def found(tree: Project) -> dict[str, dict[str, Any]]:
    """Return every job as Get shows it, by its name."""
    bedrock: Any = tree.sandbox.bedrock()
    listed = bedrock.list_model_customization_jobs(maxResults=1000)
    return {
        one["jobName"]: bedrock.get_model_customization_job(jobIdentifier=one["jobArn"])
        for one in listed["modelCustomizationJobSummaries"]
    }


@pytest.mark.parametrize("forgets", [False, True], ids=["with sidecars", "deleted half-way"])
def test_every_job_completes_or_fails_three_times(tree: Project, forgets: bool) -> None:
    """Names and tokens are those that the manifests alone give, whatever became of sidecars."""
    chance(tree)

    for passed in range(RETRIES + 2):
        tree.call("reconcile")
        if forgets and passed == 1:
            tree.forget()
        tree.sandbox.advance(SETTLED)

    jobs = found(tree)
    attempts = {name: [one for one in lineage(name) if one in jobs] for name in FLEET}
    for name in FLEET:
        last = jobs[attempts[name][-1]]["status"]
        assert last == "Completed" or (last == "Failed" and len(attempts[name]) == RETRIES + 1)
        assert all(jobs[one]["status"] == "Failed" for one in attempts[name][:-1])
        assert tree.entry(name)["phase"] == last
    expected = {job: token for name in FLEET for job, token in lineage(name).items() if job in jobs}
    assert {job: seen["clientRequestToken"] for job, seen in jobs.items()} == expected
    assert sorted({len(each) for each in attempts.values()}) == [1, 2, 3]
    assert {jobs[each[-1]]["status"] for each in attempts.values()} == {"Completed", "Failed"}
    tree.hush()
    tree.call("reconcile")
    assert tree.changes() == []
