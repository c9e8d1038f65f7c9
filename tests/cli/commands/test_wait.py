"""Wait returns when every job has ended, or at the timeout."""

from __future__ import annotations

import pytest

from tests.daemon.process import phases
from tests.sandbox.support import poll
from tests.support.commands import DEADLINE, environment, started
from tests.support.manifests import OTHER_ACCOUNT, failing
from tests.support.project import SETTLED, Project

EVERY = ("--every", "0.05")


def test_wait_records_the_end(moving: Project) -> None:
    """Wait exits with 0 when all jobs have completed, and the sidecars say so."""
    moving.add("support-bot")
    moving.call("reconcile")
    ran = moving.call("wait", *EVERY)
    assert ran.code == 0
    assert moving.entry("support-bot")["phase"] == "Completed"
    assert "support-bot: Completed" in ran.said


def test_wait_submits_nothing(tree: Project) -> None:
    """A manifest that was never submitted times out with 6, without a mutating call."""
    tree.add("support-bot")
    ran = tree.call("wait", *EVERY, "--timeout", "0.1")
    assert ran.code == 6
    assert tree.changes() == []
    assert tree.entry("support-bot")["phase"] == "Pending"


@pytest.mark.parametrize("verb", [("wait",), ("reconcile", "--wait")], ids=lambda verb: verb[0])
def test_failed_job_ends_the_wait_with_3(moving: Project, verb: tuple[str, ...]) -> None:
    """When all have ended and one failed, the exit code is 3."""
    moving.add("fails", failing())
    moving.add("completes")
    moving.call("reconcile")
    ran = moving.call(verb[0], *verb[1:], *EVERY)
    assert ran.code == 3
    assert [moving.entry(name)["phase"] for name in ("completes", "fails")] == [
        "Completed",
        "Failed",
    ]


def test_reconcile_without_wait_does_not_judge_jobs(moving: Project) -> None:
    """A pass over a failed job exits with 0."""
    moving.add("fails", failing())
    moving.call("reconcile", "--wait", *EVERY)
    assert moving.call("reconcile").code == 0


@pytest.mark.parametrize("verb", [("wait",), ("reconcile", "--wait")], ids=lambda verb: verb[0])
def test_time_runs_out_with_6(tree: Project, verb: tuple[str, ...]) -> None:
    """A job that does not end in time is recorded as it is; the exit code is 6."""
    tree.add("support-bot")
    tree.call("reconcile")
    ran = tree.call(verb[0], *verb[1:], *EVERY, "--timeout", "0.2")
    assert ran.code == 6
    assert "support-bot: InProgress" in ran.said
    assert tree.entry("support-bot")["phase"] == "InProgress"


def test_time_out_goes_before_a_failed_job(tree: Project) -> None:
    """If one job failed and another did not end in time, the exit code is 6 rather than 3."""
    tree.add("fails", failing())
    tree.settle()
    tree.add("runs")
    ran = tree.call("reconcile", "--wait", *EVERY, "--timeout", "0.1")
    assert ran.code == 6


def test_wait_does_not_wait_for_a_person(tree: Project) -> None:
    """A job that needs attention ends the wait at once, with 3."""
    tree.add("support-bot")
    tree.settle()
    tree.edit("support-bot", "epochCount: 2", "epochCount: 3")
    ran = tree.call("wait", *EVERY, "--timeout", "30")
    assert ran.code == 3
    assert "support-bot: Stalled" in ran.err


def test_wait_ends_for_a_held_job_that_runs(tree: Project) -> None:
    """A running job whose manifest was edited is held, which ends the wait with 3."""
    tree.add("support-bot")
    tree.call("reconcile")
    tree.edit("support-bot", "epochCount: 2", "epochCount: 3")
    assert tree.call("wait", *EVERY, "--timeout", "30").code == 3


def test_refused_plan_is_not_waited_for(tree: Project) -> None:
    """Waiting does not help a plan that exceeds a limit."""
    tree.add("support-bot")
    ran = tree.call("reconcile", "--wait", "--max-submits", "0", "--timeout", "30")
    assert ran.code == 5
    assert tree.sidecars() == {}


def test_each_change_is_one_line(tree: Project) -> None:
    """Without a terminal every phase is printed once per job, without control characters."""
    names = [f"job-{number}" for number in range(3)]
    for name in names:
        tree.add(name)
    given = environment(tree.folder, AWS_ENDPOINT_URL=tree.sandbox.url)
    with started(tree.folder, "reconcile", "--wait", *EVERY, env=given) as process:
        poll(lambda: phases(tree, *names) == {"InProgress"})
        tree.sandbox.advance(SETTLED)
        out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    said = [line for line in err.splitlines() if line.startswith("job-")]
    assert sorted(said) == sorted(
        f"job-{number}: {phase}" for number in range(3) for phase in ("InProgress", "Completed")
    )
    assert "\x1b" not in out + err


def test_invalid_manifest_does_not_hold_up_the_others(moving: Project) -> None:
    """Valid jobs run to their end; the exit code is 4 rather than 3."""
    moving.add("valid")
    moving.add("invalid", {"roleArn": "nonsense"})
    ran = moving.call("reconcile", "--wait", *EVERY)
    assert ran.code == 4
    assert moving.entry("valid")["phase"] == "Completed"


def test_wrong_account_is_not_waited_for(tree: Project) -> None:
    """Wrong credentials exit with 5 at once, and the sidecar keeps its job."""
    tree.add("support-bot")
    tree.call("reconcile")
    arn = tree.entry("support-bot")["jobArn"]
    tree.add("support-bot", target={"accountId": OTHER_ACCOUNT})
    assert tree.call("wait", *EVERY, "--timeout", "30").code == 5
    assert tree.entry("support-bot")["jobArn"] == arn
