"""Stop asks the service to stop jobs, prints the cost, and edits no manifest."""

from __future__ import annotations

import pytest

from controller.core.kinds.registry import KINDS
from tests.support.manifests import KIND, OTHER_ACCOUNT, spec
from tests.support.project import SETTLED, Project

STOP = f"Stop{KIND}"


def stopped(tree: Project) -> list[str]:
    """Return the ARNs that the service was asked to stop."""
    return [entry["members"][KINDS[KIND].identifier_member] for entry in tree.calls("Stop")]


@pytest.fixture
def running(tree: Project) -> Project:
    """Return a tree with three running jobs."""
    for name in ("first", "second", "third"):
        tree.add(name, labels={"team": name})
    tree.call("reconcile")
    tree.hush()
    return tree


def test_only_the_named_jobs_are_stopped(running: Project) -> None:
    """Of three running jobs the two named ones are stopped, with one call each."""
    arns = [running.entry(name)["jobArn"] for name in ("first", "third")]
    ran = running.call("stop", "first", "third", "--yes")
    assert ran.code == 0
    assert sorted(stopped(running)) == sorted(arns)
    assert running.changes() == [STOP, STOP]


def test_consequences_are_printed(running: Project) -> None:
    """Also with --yes, stderr says that a stopped job is billed, lost and not resumed."""
    ran = running.call("stop", "first", "--yes")
    for word in ("cannot be resumed", "bills the tokens", "no model"):
        assert word in ran.err


def test_sidecars_show_it_and_manifests_do_not_change(running: Project) -> None:
    """After the call the sidecar says Stopping, and the manifest has the same bytes."""
    before = (running.jobs / "first.yaml").read_bytes()
    ran = running.call("stop", "first", "--yes")
    assert running.entry("first")["phase"] == "Stopping"
    assert running.entry("second")["phase"] == "InProgress"
    assert (running.jobs / "first.yaml").read_bytes() == before
    assert "policy.state: Submitted" in ran.out
    assert "set policy.state to Stopped" in ran.out


def test_stopped_job_is_not_submitted_again(running: Project) -> None:
    """Although the manifest still says Submitted, no later pass submits the job."""
    running.call("stop", "first", "--yes")
    running.hush()
    running.sandbox.advance(SETTLED)
    for _ in range(2):
        assert running.call("reconcile").code == 0
    assert running.changes() == []
    assert running.entry("first")["phase"] == "Stopped"


def test_dry_run_shows_the_jobs_and_stops_none(running: Project) -> None:
    """A dry run prints ARN, status and start time, needs no --yes, and changes nothing."""
    before = running.files()
    ran = running.call("stop", "first", "--dry-run")
    live = running.sandbox.get("first")
    assert ran.code == 0
    assert live["jobArn"] in ran.out
    assert f"InProgress since {live['creationTime']:%Y-%m-%dT%H:%M:%S}" in ran.out
    assert "cannot be resumed" in ran.out
    assert running.changes() == []
    assert running.files() == before


def test_json_has_each_stop(running: Project) -> None:
    """The data has verdict and cost, and name, ARN and status of the stopped jobs."""
    data = running.call("stop", "-l", "team=second", "--yes", "--output", "json").data
    assert data["kind"] == "Stop"
    assert "cannot be resumed" in data["cost"]
    (job,) = data["jobs"]
    assert (job["name"], job["verdict"]) == ("second", "Done")
    (stop,) = job["stops"]
    assert (stop["jobArn"], stop["status"]) == (running.entry("second")["jobArn"], "InProgress")


def test_nothing_to_stop_is_fine(tree: Project) -> None:
    """A job that ended, is already stopping, or never existed: reported, 0, no call."""
    tree.add("ended")
    tree.settle()
    tree.add("stopping")
    tree.call("reconcile")
    tree.call("stop", "stopping", "--yes")
    tree.add("absent")
    tree.hush()
    ran = tree.call("stop", "ended", "stopping", "absent", "--yes")
    assert ran.code == 0
    assert "ended is Completed" in ran.out
    assert "stopping is Stopping" in ran.out
    assert "it has no job" in ran.out
    assert tree.changes() == []


def test_earlier_revision_is_stopped_too(tree: Project) -> None:
    """If a revision and the job that it replaces both run, both are stopped."""
    tree.add("bot", policy={"onSpecChange": "NewRevision"})
    tree.call("reconcile")
    tree.edit("bot", "epochCount: 2", "epochCount: 3")
    tree.call("reconcile")
    tree.hush()
    names = tree.sandbox.list_names()
    assert len(names) == 2
    ran = tree.call("stop", "bot", "--yes")
    assert ran.code == 0
    assert all(name in ran.out for name in names)
    assert sorted(stopped(tree)) == sorted(tree.sandbox.get(name)["jobArn"] for name in names)


def test_coming_revision_is_printed(tree: Project) -> None:
    """If the manifest still leads to another job, the output says so."""
    tree.add("bot", policy={"onSpecChange": "NewRevision"})
    tree.call("reconcile")
    tree.edit("bot", "epochCount: 2", "epochCount: 3")
    ran = tree.call("stop", "bot", "--yes")
    (action,) = tree.call("plan", "--output", "json").data["actions"]
    assert (action["verb"], action["reason"]) == ("SUBMIT", "NewRevision")
    assert f"the next reconcile submits {action['jobName']} all the same" in ran.out


def test_raised_attempt_is_printed(tree: Project) -> None:
    """An attempt that waits for the job's end is submitted after a stop; the output says so."""
    tree.add("bot")
    tree.call("reconcile")
    tree.add("bot", policy={"attempt": 1})
    ran = tree.call("stop", "bot", "--yes")
    assert "policy.attempt 1 is submitted once the job is Stopped" in ran.out


def test_manifest_that_asks_for_it_is_not_lectured(tree: Project) -> None:
    """If policy.state is already Stopped, there is no note about it."""
    tree.add("bot")
    tree.call("reconcile")
    tree.add("bot", policy={"state": "Stopped"})
    tree.hush()
    ran = tree.call("stop", "bot", "--yes")
    assert tree.changes() == [STOP]
    assert "policy.state" not in ran.out


def test_anothers_job_is_refused(tree: Project) -> None:
    """A job that was created elsewhere is not stopped, with 1; the others are."""
    tree.bystand({"jobName": "foreign", "customModelName": "foreign", **spec()})
    tree.add("foreign")
    tree.add("own")
    tree.call("reconcile")
    tree.hush()
    ran = tree.call("stop", "foreign", "own", "--yes", "--output", "json")
    assert ran.code == 1
    verdicts = {job["name"]: (job["verdict"], job["reason"]) for job in ran.data["jobs"]}
    assert verdicts["foreign"] == ("Refused", "NotOwned")
    assert stopped(tree) == [tree.entry("own")["jobArn"]]


def test_job_to_be_adopted_is_refused(tree: Project) -> None:
    """A job cannot be stopped until a pass has adopted it."""
    arn = tree.bystand({"jobName": "foreign", "customModelName": "foreign", **spec()})
    tree.add("foreign", policy={"adopt": arn})
    ran = tree.call("stop", "foreign", "--yes")
    assert ran.code == 1
    assert "reconcile adopts it" in ran.out
    assert tree.calls("Stop") == []
    tree.call("reconcile")
    assert tree.call("stop", "foreign", "--yes").code == 0
    assert stopped(tree) == [arn]


@pytest.mark.parametrize(
    ("spec_given", "target", "code"),
    [({"roleArn": "nonsense"}, None, 4), (None, {"accountId": OTHER_ACCOUNT}, 5)],
    ids=["invalid", "another account"],
)
def test_hold_is_refused_with_its_code(
    tree: Project, spec_given: dict[str, str] | None, target: dict[str, str] | None, code: int
) -> None:
    """A held job is not stopped; the exit code is that of a plan."""
    tree.add("bot")
    tree.call("reconcile")
    tree.add("bot", spec_given, target=target)
    tree.hush()
    ran = tree.call("stop", "bot", "--yes")
    assert ran.code == code
    assert tree.changes() == []


def test_failed_stop_is_reported(running: Project) -> None:
    """A failed call is reported in the service's words, with 1; the sidecar stays right."""
    running.sandbox.inject_fault("server-error", STOP, times=None)
    ran = running.call("stop", "first", "--yes", "--output", "json")
    assert ran.code == 1
    (job,) = ran.data["jobs"]
    assert job["verdict"] == "Failed"
    assert "InternalServerException" in job["message"]
    assert running.entry("first")["phase"] == "InProgress"


def test_unreachable_service_is_reported(running: Project) -> None:
    """A job that cannot be observed is not stopped: 1."""
    running.sandbox.inject_fault("server-error", "Get", times=None)
    ran = running.call("stop", "first", "--yes")
    assert ran.code == 1
    assert "could not be looked up" in ran.out
    assert running.calls("Stop") == []
