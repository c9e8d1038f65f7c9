"""Whole passes with the fake cloud and real files: their calls, writes and messages."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from controller.core.call_errors import make_failure
from controller.core.fleet import Limits
from controller.core.identity.tokens import derive_submission
from controller.core.model import CallFailure, Target
from controller.core.planning.actions import Reason, Verb
from controller.core.status.conditions import MAX_CONFLICTS
from controller.engine.reconcile import Mode, Report
from tests.contract.passes import KIND, Tree
from tests.contract.showing import arn_of
from tests.core.cases import SPEC

LOST = make_failure("ReadTimeout", "no answer", reading=False, ambiguous=True)
THROTTLED = make_failure("ThrottlingException", "slow down", reading=False)
REFUSED = make_failure("ValidationException", "no such bucket", reading=False)
DENIED = make_failure("AccessDeniedException", "not authorized", reading=False)
UNREADABLE = make_failure("InternalServerException", "Try again", reading=True)
FOREIGN = "351997e1-336f-40c9-99a7-e1fd05e819b3"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with one valid manifest."""
    made = Tree(tmp_path)
    made.put("support-bot")
    return made


def reasons(report: Report) -> dict[str, Reason]:
    """Return each job's reason after a pass, by name."""
    return {
        result.outcome.planned.desired.key.name: result.outcome.actual.reason
        for result in report.results
    }


def test_submit_is_confirmed_at_once(tree: Tree) -> None:
    """One Get finds nothing, one Create submits, one Get by ARN completes the sidecar."""
    result = tree.one()

    assert [operation for operation, _ in tree.cloud.calls] == ["Place", "Get", "Create", "Get"]
    assert tree.cloud.calls[-1] == ("Get", tree.live()[0].arn)
    assert (result.outcome.planned.verb, result.outcome.actual.reason) == (
        Verb.SUBMIT,
        Reason.IN_PROGRESS,
    )
    assert tree.entry() == dict(result.entry)
    assert tree.entry()["phase"] == "InProgress"


def test_intent_is_on_disk_before_the_call(tree: Tree) -> None:
    """When Create is called, the sidecar already has the token that is sent."""
    found: list[dict[str, object]] = []
    tree.cloud.watcher = lambda call, _: found.append(tree.entry()) if call == "Create" else None
    tree.one()

    (before,) = found
    assert before["phase"] == "Submitting"
    assert before["token"] == tree.live()[0].token


@pytest.mark.parametrize("status", ["InProgress", "Completed", "Failed", "Stopped"])
def test_second_pass_changes_nothing(tree: Tree, status: str) -> None:
    """Once a status is recorded, passes change nothing in the service and write no byte."""
    tree.one()
    tree.cloud.turn(KIND, "support-bot", status)
    tree.one()
    before = tree.files()

    result = tree.one()

    assert tree.cloud.count() == ({"Get": 1} if status == "InProgress" else {})
    assert not result.written
    assert tree.files() == before


def test_lost_sidecars_come_back(tree: Tree) -> None:
    """Without its sidecars a tree submits nothing, and rebuilds them byte for byte."""
    for number in range(12):
        tree.put(f"job-{number:02}", {"state": "Suspended"} if number % 3 == 0 else None)
    tree.reconcile()
    tree.cloud.turn(KIND, "job-01", "Completed")
    tree.reconcile()
    before = {name: content for name, (content, _) in tree.files().items()}
    for path in tree.folder.iterdir():
        path.unlink()

    tree.reconcile()

    assert "Create" not in tree.cloud.count()
    assert {name: content for name, (content, _) in tree.files().items()} == before


@pytest.mark.parametrize("mode", [Mode.PLAN, Mode.RECORD])
def test_only_applying_changes_the_cloud(tree: Tree, mode: Mode) -> None:
    """The modes plan and record submit nothing, and plan what apply would execute."""
    foreseen = tree.reconcile(mode).plan

    assert "Create" not in tree.cloud.count()
    assert bool(tree.files()) is (mode is Mode.RECORD)
    assert tree.reconcile().plan == foreseen


def test_refused_plan_executes_nothing(tree: Tree) -> None:
    """A plan over the limit is reported and not executed at all."""
    tree.limits = Limits(max_submits=1)
    tree.put("another")

    report = tree.reconcile()

    assert "2 submits" in str(report.refused)
    assert len(report.results) == 2
    assert tree.live() == []
    assert tree.files() == {}


@pytest.mark.parametrize("lost", [LOST, THROTTLED], ids=["in this pass", "in the next"])
def test_job_of_a_lost_response_is_found(tree: Tree, lost: CallFailure) -> None:
    """A Create that took effect without a response is found in this pass or the next, once."""
    tree.cloud.losing = {"Create": lost}
    first = tree.one()
    tree.cloud.losing = {}
    second = tree.one()

    assert first.outcome.failure == (None if lost.ambiguous else lost)
    assert second.outcome.actual.reason is Reason.IN_PROGRESS
    assert "Create" not in tree.cloud.count()
    assert len(tree.live()) == 1


def test_create_without_effect_is_sent_again(tree: Tree) -> None:
    """A Create without a response and without effect stays an intent, and is sent again."""
    tree.cloud.failing = {"Create": LOST}
    first = tree.one()
    assert (first.entry["phase"], first.outcome.failure) == ("Submitting", LOST)
    tree.cloud.failing = {}

    second = tree.one()

    assert second.outcome.planned.reason is Reason.INTENT_UNCONFIRMED
    assert second.outcome.actual.reason is Reason.IN_PROGRESS
    assert len(tree.live()) == 1


def test_refused_create_is_sent_once(tree: Tree) -> None:
    """A refused request is not sent again until its manifest is edited."""
    tree.cloud.failing = {"Create": REFUSED}
    assert tree.one().outcome.failure == REFUSED
    assert tree.one().outcome.actual.reason is Reason.SUBMIT_REFUSED
    assert "Create" not in tree.cloud.count()
    tree.cloud.failing = {}
    tree.put("support-bot", hyperParameters={"epochCount": "3"})

    assert tree.one().outcome.actual.reason is Reason.IN_PROGRESS


def test_model_name_that_is_in_use_is_refused(tree: Tree) -> None:
    """A conflict over the model's name, which no lookup can settle, is sent once."""
    taken = make_failure("ConflictException", "The model name is already in use.", reading=False)
    tree.cloud.failing = {"Create": taken}
    assert tree.one().outcome.failure == taken
    assert tree.entry()["phase"] == "Stalled"

    assert tree.one().outcome.actual.reason is Reason.SUBMIT_REFUSED
    assert "Create" not in tree.cloud.count()


def test_refusal_outlives_an_outage(tree: Tree) -> None:
    """A pass that cannot reach the service keeps a recorded refusal."""
    tree.cloud.failing = {"Create": REFUSED}
    tree.one()
    before = tree.files()
    tree.cloud.failing = {"Get": UNREADABLE}
    assert tree.one().outcome.actual.reason is Reason.OBSERVATION_FAILED
    tree.cloud.failing = {}

    assert tree.one().outcome.actual.reason is Reason.SUBMIT_REFUSED
    assert tree.files() == before


def test_race_for_a_name_is_classified(tree: Tree) -> None:
    """A name that somebody else took meanwhile holds the job as not owned, without a failure."""

    def snatch(call: str, _: str) -> None:
        if call == "Create":
            tree.cloud.watcher = lambda _call, _argument: None
            tree.cloud.create(KIND, Target(), {"jobName": "support-bot", **SPEC}, FOREIGN)

    tree.cloud.watcher = snatch
    result = tree.one()

    assert result.outcome.failure is None
    assert result.outcome.actual.reason is Reason.NOT_OWNED
    assert tree.entry()["phase"] == "Stalled"


def test_token_that_leads_elsewhere_is_held(tree: Tree) -> None:
    """If Create returns another job, that is reported, and the token is not used again."""
    asked = derive_submission(KIND, SPEC, "support-bot", "acme-ml")
    request = {**asked.request, "jobName": "another"}
    tree.cloud.create(KIND, Target(), request, asked.token)

    first, second = tree.one(), tree.one()

    assert [one.outcome.actual.reason for one in (first, second)] == [Reason.TOKEN_REPLAY] * 2
    assert "another" in str(first.entry["conditions"])
    assert "jobArn" not in first.entry
    assert "Create" not in tree.cloud.count()


@pytest.mark.parametrize("lag", [1, 3, 9])
def test_short_lag_is_waited_for(tree: Tree, lag: int) -> None:
    """A job that is not visible at once is looked up again for a while."""
    tree.cloud.lag = lag
    result = tree.one()

    assert result.outcome.actual.reason is Reason.IN_PROGRESS
    assert 0 <= sum(tree.clock.slept) <= 5
    assert bool(tree.clock.slept) is (lag > 1)


@pytest.mark.parametrize("cause", ["lag", "failure"])
def test_unseen_job_is_recorded_by_its_arn(tree: Tree, cause: str) -> None:
    """A created job that is not visible is recorded by ARN, and found in the next pass."""
    if cause == "lag":
        tree.cloud.lag = 1000
    else:
        arn = arn_of(KIND, "job000000000")
        tree.cloud.failing = {("Get", arn): UNREADABLE}
    first = tree.one()
    assert (first.entry["phase"], first.entry["jobArn"]) == ("Submitting", tree.live()[0].arn)
    tree.cloud.lag, tree.cloud.failing = 0, {}

    assert tree.one().outcome.actual.reason is Reason.IN_PROGRESS
    assert "Create" not in tree.cloud.count()


def test_one_failure_stops_no_other(tree: Tree) -> None:
    """Jobs fail, are refused and succeed in parallel, and each is recorded."""
    for name in ("denied", "fine", "unwritable"):
        tree.put(name)
    (tree.folder / "unwritable.status.json").mkdir()
    tree.cloud.failing = {("Create", "denied"): DENIED, ("Get", "support-bot"): UNREADABLE}

    report = tree.reconcile()

    assert [live.name for live in tree.live()] == ["fine"]
    assert reasons(report) == {
        "denied": Reason.NOT_SUBMITTED,
        "fine": Reason.IN_PROGRESS,
        "support-bot": Reason.OBSERVATION_FAILED,
        "unwritable": Reason.RECORD_UNREADABLE,
    }
    assert [result.write_error for result in report.results if result.write_error] == []
    (held,) = [one for one in report.plan.actions if one.desired.key.name == "unwritable"]
    assert "move it away" in held.message


def test_unexpected_error_fails_one_action(tree: Tree) -> None:
    """An unexpected error fails only its own action, and is reported as a bug."""
    tree.put("fine")

    def break_down(call: str, argument: str) -> None:
        if (call, argument) == ("Create", "support-bot"):
            raise RuntimeError("unforeseen")

    tree.cloud.watcher = break_down
    report = tree.reconcile()

    assert [live.name for live in tree.live()] == ["fine"]
    (failed,) = [one.outcome.failure for one in report.results if one.outcome.failure]
    assert failed.code == "InternalError"
    assert "--debug" in failed.message


@pytest.mark.parametrize("ended", [False, True])
def test_stop_is_sent_once(tree: Tree, ended: bool) -> None:
    """A running job is stopped once; one that ended meanwhile is recorded as ended."""
    tree.one()
    tree.put("support-bot", {"state": "Stopped"})
    if ended:
        tree.cloud.watcher = lambda call, _: (
            tree.cloud.turn(KIND, "support-bot", "Completed") if call == "Stop" else None
        )
    result = tree.one()

    assert tree.cloud.count()["Stop"] == 1
    assert result.outcome.failure is None
    assert tree.entry()["phase"] == ("Completed" if ended else "Stopping")
    tree.one()
    assert "Stop" not in tree.cloud.count()


def test_adopted_job_is_ours_from_then_on(tree: Tree) -> None:
    """An adoption is recorded without a changing call, and settles."""
    tree.cloud.create(
        KIND, Target(), derive_submission(KIND, SPEC, "support-bot", "").request, FOREIGN
    )
    tree.cloud.turn(KIND, "support-bot", "Completed")
    tree.put("support-bot", {"adopt": tree.live()[0].arn})

    first = tree.one()
    assert (first.outcome.planned.verb, first.outcome.actual.reason) == (
        Verb.ADOPT,
        Reason.COMPLETED,
    )
    assert tree.cloud.count() == {"Get": 1}

    second = tree.one()
    assert second.outcome.planned.reason is Reason.COMPLETED
    assert tree.cloud.count() == {}


def test_submit_with_a_failed_lookup_says_why(tree: Tree) -> None:
    """A created job that could not be looked up is recorded, and the cause is reported."""
    arn = arn_of(KIND, "job000000000")
    tree.cloud.failing = {("Get", arn): make_failure("ExpiredTokenException", "old", reading=True)}
    tree.put("support-bot")

    outcome = tree.one().outcome

    assert outcome.arn == tree.live()[0].arn
    assert outcome.actual.failure is not None
    assert "could not be looked up: ExpiredToken" in tree.entry()["conditions"][0]["message"]


def test_adopted_failure_is_retried(tree: Tree) -> None:
    """An adopted job whose failure will be retried does not ask for another attempt."""
    tree.cloud.create(
        KIND, Target(), derive_submission(KIND, SPEC, "support-bot", "").request, FOREIGN
    )
    tree.cloud.turn(KIND, "support-bot", "Failed", failureMessage="Internal server error")
    tree.put("support-bot", {"adopt": tree.live()[0].arn, "onFailure": {"retries": 1}})

    first, second = tree.one(), tree.one()

    assert first.outcome.actual.message == "The job failed: Internal server error"
    assert second.outcome.planned.reason is Reason.RETRY


@pytest.mark.parametrize("mode", list(Mode))
def test_only_applying_removes_temporary_files(tree: Tree, mode: Mode) -> None:
    """Temporary files of a killed process are removed only by a pass that applies."""
    left = tree.folder / ".support-bot.status.json.1.2.tmp"
    left.write_bytes(b"{")
    then = time.time() - 7200
    os.utime(left, (then, then))

    tree.one(mode)

    assert left.exists() is (mode is not Mode.APPLY)


OTHER_CONFLICT = make_failure(
    "ConflictException", "Error occurred because of a conflict.", reading=False
)


def test_repeated_conflicts_stall(tree: Tree) -> None:
    """A Create that conflicts with an invisible job is not sent for ever."""
    tree.cloud.failing = {"Create": OTHER_CONFLICT}
    for _ in range(MAX_CONFLICTS):
        assert tree.one().outcome.failure == OTHER_CONFLICT
    assert tree.cloud.count()["Create"] == 1
    held = tree.files()

    assert tree.one().outcome.actual.reason is Reason.SUBMIT_REFUSED
    assert "Create" not in tree.cloud.count()
    assert tree.files() == held
    assert OTHER_CONFLICT.message in tree.entry()["conditions"][0]["message"]
    assert tree.entry()["conditions"][-1]["type"] == "Stalled"


def test_temporary_conflict_is_retried(tree: Tree) -> None:
    """A conflict for a few passes does not prevent the submit."""
    tree.cloud.failing = {"Create": OTHER_CONFLICT}
    for _ in range(MAX_CONFLICTS - 1):
        tree.one()
    tree.cloud.failing = {}

    assert tree.one().outcome.actual.reason is Reason.IN_PROGRESS
    assert "conflicts" not in tree.entry()


def test_only_consecutive_conflicts_stall(tree: Tree) -> None:
    """Only consecutive conflicts are counted."""
    for _ in range(MAX_CONFLICTS // 2 + 1):
        tree.cloud.failing = {"Create": OTHER_CONFLICT}
        tree.one()
        tree.one()
        tree.cloud.failing = {"Create": THROTTLED}
        tree.one()

    assert tree.entry()["conditions"][0]["reason"] == "IntentUnconfirmed"


def test_job_behind_a_stalled_conflict_is_found(tree: Tree) -> None:
    """The job of a stalled Create is looked up in each pass, even under a later name."""
    tree.cloud.failing = {"Create": OTHER_CONFLICT}
    for _ in range(MAX_CONFLICTS + 1):
        tree.one()
    tree.cloud.failing = {}
    made = tree.put("support-bot").submission
    assert made is not None
    tree.cloud.create(KIND, Target(), {**SPEC, "jobName": made.name}, made.token)
    tree.put("support-bot", jobName="renamed")

    tree.one()

    assert [live.name for live in tree.live()] == [made.name]


def test_edit_of_a_stalled_conflict_is_submitted(tree: Tree) -> None:
    """Another spec is another request, with its own count of conflicts."""
    tree.cloud.failing = {"Create": OTHER_CONFLICT}
    for _ in range(MAX_CONFLICTS + 1):
        tree.one()
    tree.put("support-bot", hyperParameters={"epochCount": "3"})
    assert tree.one().outcome.failure == OTHER_CONFLICT
    assert tree.entry()["conflicts"] == 1
    tree.cloud.failing = {}

    assert tree.one().outcome.actual.reason is Reason.IN_PROGRESS


def test_tags_of_an_ended_job_are_corrected(tree: Tree) -> None:
    """Edited tags are read and set even if only the sidecar was used for the job."""
    tree.put("support-bot", jobTags=[{"key": "team", "value": "support"}])
    tree.one()
    tree.cloud.turn(KIND, "support-bot", "Completed")
    tree.one()
    tree.one()
    tree.put("support-bot", jobTags=[{"key": "team", "value": "search"}])

    tree.one()

    (live,) = tree.live()
    assert tree.cloud.kept_tags[live.arn] == {"team": "search"}
