"""An entry's history: the last five jobs before the one that counts, each once."""

from __future__ import annotations

from collections.abc import Sequence

from controller.core.fleet import parse_fleet
from controller.core.model import EarlierJob, JobRecord, LiveJob
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.status.history import MAX_ENDED, build_history
from controller.core.status.parse import parse_entry
from tests.contract.showing import arn_of
from tests.core.cases import NOW, OFFERED, desired_of

DESIRED = desired_of({}, parse_fleet({"owner": "acme-ml"}), OFFERED, "support-bot")
DIGEST = "0123456789abcdef" * 4


def _live(number: int, status: str = "Failed") -> LiveJob:
    arn = arn_of(OFFERED, f"job{number:09}")
    members = {"failureMessage": "Internal server error", "status": status}
    return LiveJob(arn, f"support-bot-r{number}", status, f"bj1-00000000-{DIGEST}", members)


def _kept(
    earlier: Sequence[EarlierJob], recorded: JobRecord | None = None, current: str | None = None
) -> list[dict[str, object]]:
    action = Action(Verb.WAIT, Reason.IN_PROGRESS, DESIRED, earlier=tuple(earlier))
    return build_history(OFFERED, action, recorded, current)


def _recorded(*numbers: int, status: str = "InProgress") -> JobRecord:
    made = _kept([EarlierJob(_live(number, status), number) for number in numbers])
    return parse_entry(OFFERED, {"history": made}, NOW)


def test_the_last_five_are_kept_oldest_first() -> None:
    """Recorded jobs come first, then new ones; the oldest are dropped."""
    before = _recorded(1, 2, 3, 4, status="Failed")
    made = _kept([EarlierJob(_live(number), number) for number in (5, 6)], before)

    assert [one["attempt"] for one in made] == [2, 3, 4, 5, 6]
    assert len(made) == MAX_ENDED


def test_running_jobs_are_kept_before_ended_ones() -> None:
    """A running job, which may have to be stopped, is kept longer than jobs that ended after it."""
    made = _kept([EarlierJob(_live(number), number) for number in (3, 4, 5, 6)], _recorded(1, 2))

    assert [one["attempt"] for one in made] == [1, 2, 4, 5, 6]


def test_all_running_jobs_are_kept() -> None:
    """Every running job is kept, however many there are."""
    made = _kept([EarlierJob(_live(7), 7)], _recorded(*range(1, 7)))

    assert [one["attempt"] for one in made] == [1, 2, 3, 4, 5, 6]


def test_observed_job_replaces_the_recorded_one() -> None:
    """A job that has ended since is listed once, in its place, with its failure."""
    made = _kept([EarlierJob(_live(1))], _recorded(1, 2))

    assert [(one["attempt"], one["phase"]) for one in made] == [(1, "Failed"), (2, "InProgress")]
    assert made[0] == {
        "attempt": 1,
        "digest": DIGEST,
        "jobName": "support-bot-r1",
        "jobArn": _live(1).arn,
        "phase": "Failed",
        "failureMessage": "Internal server error",
    }


def test_the_job_that_counts_is_not_its_own_history() -> None:
    """The job that counts is never part of its own history."""
    made = _kept([], _recorded(1, 2), current=_live(1).arn)

    assert [one["attempt"] for one in made] == [2]


def test_unfinished_jobs_are_recognized_by_phase() -> None:
    """Unfinished jobs are followed; ended ones are not."""
    made = _kept([EarlierJob(_live(1), 1), EarlierJob(_live(2, "InProgress"), 2)])

    assert parse_entry(OFFERED, {"history": made}, NOW).unfinished == (_live(2).arn,)
