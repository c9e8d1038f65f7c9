"""Retry raises policy.attempt in the manifest, for a commit, and submits nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.commands import Ran
from tests.support.lossy import CREATE, between, refusal
from tests.support.manifests import failing, spec
from tests.support.project import SETTLED, Project

HEALING = {"s3Uri": "s3://acme-training/sandbox-fail-internal.jsonl"}
COMMENTED = """\
# The bot of the help desk.
apiVersion: bedrock-jobs/v1
kind: ModelCustomizationJob
metadata: {name: bot}   # never renamed
policy:
  priority: 5  # goes first
spec:
  roleArn: "arn:aws:iam::123456789012:role/BedrockCustomization"
  baseModelIdentifier:   amazon.nova-micro-v1:0:128k
  trainingDataConfig: {s3Uri: s3://acme-training/sandbox-fail.jsonl}
  outputDataConfig: {s3Uri: s3://acme-training/support/output/}
"""


@pytest.fixture
def failed(tree: Project) -> Project:
    """Return a tree whose only job, with a commented manifest, failed."""
    (tree.jobs / "bot.yaml").write_text(COMMENTED)
    tree.settle()
    tree.hush()
    return tree


def one(ran: Ran) -> Mapping[str, Any]:
    """Return the one job of a result."""
    (job,) = ran.data["jobs"]
    found: Mapping[str, Any] = job
    return found


def test_attempt_is_set_and_nothing_else_changes(failed: Project) -> None:
    """One line is added to the manifest, all other bytes stay, and no call changes anything."""
    ran = failed.call("retry", "bot", "--yes")
    assert ran.code == 0, ran.err
    text = (failed.jobs / "bot.yaml").read_text()
    added = "  attempt: 1\n"
    assert added in text
    assert text.replace(added, "") == COMMENTED
    assert failed.changes() == []
    assert "commit" in ran.out


def test_next_reconcile_submits_what_was_said(failed: Project) -> None:
    """The job that retry announces is the one that reconcile submits, once."""
    job = one(failed.call("retry", "bot", "--yes", "--output", "json"))
    assert (job["verdict"], job["attempt"], job["jobName"]) == ("Done", 1, "bot-r1")
    failed.call("reconcile")
    (created,) = failed.calls("Create")
    assert created["members"]["jobName"] == "bot-r1"
    failed.hush()
    failed.call("reconcile")
    assert failed.changes() == []


def test_every_further_retry_takes_the_next_attempt(failed: Project) -> None:
    """After another failure the attempt is 2; a retry without a pass in between keeps it."""
    for attempt in (1, 2):
        assert failed.call("retry", "bot", "--yes").code == 0
        again = one(failed.call("retry", "bot", "--yes", "--output", "json"))
        assert again["verdict"] == "Unneeded"
        assert f"bot-r{attempt}" in again["message"]
        failed.settle()
    text = (failed.jobs / "bot.yaml").read_text()
    assert text.replace("  attempt: 2\n", "") == COMMENTED
    assert failed.entry("bot")["attempt"] == 2


def test_cause_and_cost_are_printed(failed: Project) -> None:
    """The service's message, whether it is retryable, and the cost of a new job are printed."""
    ran = failed.call("retry", "bot", "--yes")
    assert failed.sandbox.get("bot")["failureMessage"] in ran.out
    assert "unless the cause is fixed" in ran.out
    assert "billed like the first" in ran.err


def test_dry_run_shows_a_unified_diff(failed: Project) -> None:
    """A dry run prints the edit as a unified diff, and writes nothing."""
    before = failed.files()
    ran = failed.call("retry", "bot", "--dry-run")
    assert ran.code == 0
    lines = ran.out.splitlines()
    at = lines.index("--- a/jobs/bot.yaml")
    assert lines[at + 1] == "+++ b/jobs/bot.yaml"
    assert lines[at + 2].startswith("@@ -")
    assert [line for line in lines[at + 2 :] if line[:1] in {"+", "-"}] == ["+  attempt: 1"]
    assert failed.files() == before


def test_stopped_job_is_run_again(tree: Project) -> None:
    """A stopped job gets another attempt."""
    tree.add("bot")
    tree.call("reconcile")
    tree.call("stop", "bot", "--yes")
    tree.sandbox.advance(SETTLED)
    tree.call("reconcile")
    ran = tree.call("retry", "bot", "--yes")
    assert ran.code == 0
    assert "bot was stopped" in ran.out
    tree.call("reconcile")
    assert tree.entry("bot")["jobArn"] == tree.sandbox.get("bot-r1")["jobArn"]


def test_attempts_go_on_after_automatic_ones(tree: Project) -> None:
    """After two automatic attempts the third is requested, within the limit of retries."""
    tree.add("bot", spec(trainingDataConfig=HEALING), policy={"onFailure": {"retries": 1}})
    for _ in range(2):
        tree.settle()
    assert tree.entry("bot")["attempt"] == 1
    job = one(tree.call("retry", "bot", "--yes", "--output", "json"))
    assert (job["attempt"], job["jobName"]) == (2, "bot-r2")
    assert any("lets 1 more follow" in note for note in job["notes"])


def test_revision_is_run_again_under_its_own_name(tree: Project) -> None:
    """The attempt after a failed revision keeps the revision's digits in its name."""
    tree.add("bot", policy={"onSpecChange": "NewRevision"})
    tree.settle()
    tree.edit("bot", "support/train.jsonl", "sandbox-fail.jsonl")
    tree.settle()
    revised = tree.sandbox.list_names()[0]
    assert one(tree.call("retry", "bot", "--yes", "--output", "json"))["jobName"] == f"{revised}-r1"
    tree.call("reconcile")
    assert tree.sandbox.list_names()[0] == f"{revised}-r1"


@pytest.mark.parametrize("state", ["Suspended", "Stopped"])
def test_unwanted_job_is_refused(failed: Project, state: str) -> None:
    """If the manifest wants no job, the exit code is 1, and the message says what to change."""
    failed.edit("bot", "priority: 5", f"priority: 5\n  state: {state}")
    before = failed.files()
    ran = failed.call("retry", "bot", "--yes")
    assert ran.code == 1
    assert "set it to Submitted" in ran.out
    assert failed.files() == before


def test_what_cannot_be_run_again_is_refused(tree: Project) -> None:
    """Completed, running, absent and foreign jobs are refused with a remedy; the failed one goes.

    Nothing is written for those that are refused.
    """
    tree.add("completed")
    tree.add("failed", failing())
    tree.settle()
    tree.add("running")
    tree.call("reconcile")
    tree.bystand({"jobName": "foreign", "customModelName": "foreign", **spec()})
    tree.add("foreign")
    tree.add("absent")
    before = {path.name: path.read_bytes() for path in tree.jobs.glob("*.yaml")}
    tree.hush()
    ran = tree.call("retry", "jobs", "--yes", "--output", "json")
    assert ran.code == 1
    told = {job["name"]: (job["verdict"], job["message"]) for job in ran.data["jobs"]}
    assert told["failed"][0] == "Done"
    assert {told[name][0] for name in told if name != "failed"} == {"Refused"}
    assert "not run again" in told["completed"][1]
    assert "bedrock-jobs stop running" in told["running"][1]
    assert "next reconcile submits the first" in told["absent"][1]
    assert "policy.adopt" in told["foreign"][1]
    after = {path.name: path.read_bytes() for path in tree.jobs.glob("*.yaml")}
    assert [name for name in after if after[name] != before[name]] == ["failed.yaml"]
    assert tree.changes() == []


def test_changed_spec_is_refused(failed: Project) -> None:
    """An edited spec is not another attempt at the same job."""
    failed.edit("bot", "support/output/", "support/results/")
    ran = failed.call("retry", "bot", "--yes")
    assert ran.code == 1
    assert "spec changed" in ran.out


def test_invalid_manifest_is_refused(failed: Project) -> None:
    """A manifest with a problem is reported with its place, exits with 4, and stays."""
    failed.edit("bot", "s3://acme-training/support", "https://acme-training/support")
    before = failed.files()
    ran = failed.call("retry", "bot", "--yes")
    assert ran.code == 4
    assert "jobs/bot.yaml:11" in ran.err
    assert failed.files() == before


def test_refused_submission_is_sent_anew(tree: Project) -> None:
    """A submission refused for a cause outside the spec is requested again as attempt 1."""
    tree.add("bot")
    with between(tree.sandbox.url) as service:
        service.break_down(CREATE, refusal("ValidationException", 400))
        tree.call("reconcile", AWS_ENDPOINT_URL=service.url)
    condition = tree.entry("bot")["conditions"][0]
    assert condition["reason"] == "SubmitRefused"
    ran = tree.call("retry", "bot", "--yes")
    assert ran.code == 0, ran.out
    assert condition["message"] in ran.out
    assert tree.changes() == []
    tree.call("reconcile")
    assert tree.entry("bot")["live"]["jobName"] == "bot-r1"


def test_layout_that_cannot_be_edited_is_refused(tree: Project) -> None:
    """A file that cannot be edited safely is not changed; the message says what to write."""
    text = COMMENTED.replace("priority: 5", "attempt: &first 0\n  priority: 5")
    (tree.jobs / "bot.yaml").write_text(text)
    tree.settle()
    before = tree.files()
    ran = tree.call("retry", "bot", "--yes")
    assert ran.code == 1
    assert "set policy.attempt" in ran.out
    assert "by hand" in ran.out
    assert tree.files() == before


def test_name_of_another_manifest_is_not_taken(failed: Project) -> None:
    """If the next attempt's name is another manifest's job, nothing is edited: 1."""
    failed.add("bot-r1")
    before = failed.files()
    ran = failed.call("retry", "bot", "--yes")
    assert ran.code == 1
    assert "jobs/bot-r1.yaml" in ran.out
    assert failed.files() == before
    assert failed.call("validate").code == 0
