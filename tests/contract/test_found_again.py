"""Jobs that only their names lead to, after a sidecar was lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.core.call_errors import NOT_UNDERSTOOD, make_failure
from controller.core.identity.tokens import derive_submission
from controller.core.kinds.kind import Kind
from controller.core.model import LiveJob, Target
from controller.core.planning.actions import Reason, Verb
from controller.ports import CloudError
from tests.contract.fake import Fake
from tests.contract.passes import KIND, Tree
from tests.contract.showing import arn_of
from tests.core.cases import SPEC

SOMEBODYS = "351997e1-336f-40c9-99a7-e1fd05e819b3"
OTHER_ROLE = "arn:aws:iam::123456789012:role/Other"
LOST = make_failure("ReadTimeout", "", reading=False, ambiguous=True)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return an empty tree over an empty cloud."""
    return Tree(tmp_path)


def failed(tree: Tree, policy: dict[str, Any]) -> None:
    """Let a manifest's job fail temporarily, and its next attempt run."""
    tree.put("support-bot", {**policy, "onFailure": {"retries": 1}})
    tree.one()
    tree.cloud.turn(KIND, "support-bot", "Failed", failureMessage="Internal server error")
    tree.one()
    assert tree.entry()["live"]["jobName"] == "support-bot-r1"


def lost_and_found(tree: Tree) -> None:
    """Assert that a pass without a sidecar rebuilds the entry, and submits nothing."""
    before = tree.entry()
    (tree.folder / "support-bot.status.json").unlink()
    tree.one()
    assert "Create" not in tree.cloud.count()
    assert {**tree.entry(), "history": []} == {**before, "history": []}


def test_retry_of_an_adopted_job_is_found_without_sidecars(tree: Tree) -> None:
    """One pass finds the attempt that followed an adopted job."""
    tree.cloud.create(
        KIND, Target(), derive_submission(KIND, SPEC, "support-bot", "").request, SOMEBODYS
    )
    failed(tree, {"adopt": tree.live()[0].arn})
    lost_and_found(tree)


@pytest.mark.parametrize("spec", [{}, {"roleArn": OTHER_ROLE}])
def test_retry_beyond_policy_is_found_without_sidecars(tree: Tree, spec: dict[str, str]) -> None:
    """A running attempt is still found when retries are lowered, even with another spec."""
    failed(tree, {})
    tree.put("support-bot", {}, **spec)
    tree.one()
    lost_and_found(tree)


def begun(tree: Tree, lag: int) -> None:
    """Lose a Create's response, and hide its job for some Gets."""
    tree.put("support-bot")
    tree.cloud.lag = lag
    tree.cloud.losing = {"Create": LOST}
    tree.one()
    tree.cloud.losing = {}


def test_job_is_found_though_its_name_was_edited(tree: Tree) -> None:
    """The job of an unanswered Create is found even if the next Create is throttled."""
    begun(tree, 2)
    tree.cloud.failing = {"Create": make_failure("ThrottlingException", "", reading=False)}
    tree.one()
    tree.cloud.failing = {}
    tree.put("support-bot", jobName="another-name")

    held = tree.one()

    assert held.outcome.actual.reason is Reason.SPEC_CHANGED
    assert [live.name for live in tree.live()] == ["support-bot"]


def test_late_job_blocks_submits_under_another_name(tree: Tree) -> None:
    """A new name is not submitted before the first Create's job was searched for long enough."""
    begun(tree, 4)
    tree.put("support-bot", jobName="another-name")

    held = tree.one()

    assert held.outcome.planned.reason is Reason.NOT_SUBMITTED
    assert held.outcome.actual.reason is Reason.SPEC_CHANGED
    assert [live.name for live in tree.live()] == ["support-bot"]


def test_unknown_job_blocks_submits_under_another_name(tree: Tree) -> None:
    """A new name is not submitted while the first Create's job cannot be looked up."""
    begun(tree, 2)
    before = tree.entry()
    tree.put("support-bot", jobName="another-name")
    asked: list[str] = []

    def fail(operation: str, name: str) -> None:
        if (operation, name) == ("Get", "support-bot"):
            asked.append(name)
            if len(asked) > 1:
                raise CloudError(make_failure("InternalServerException", "", reading=True))

    tree.cloud.watcher = fail
    held = tree.one()

    assert held.outcome.actual.reason is Reason.OBSERVATION_FAILED
    assert tree.entry()["jobName"] == before["jobName"] == "support-bot"
    assert len(tree.live()) == 1


@pytest.mark.parametrize("state", ["Stopped", "Suspended"])
def test_late_job_of_a_suspended_manifest_is_found(tree: Tree, state: str) -> None:
    """A suspended manifest still finds the job of its lost Create."""
    begun(tree, 4)
    tree.put("support-bot", {"state": state})

    late = tree.one()

    assert late.outcome.planned.verb is Verb.NOOP
    assert tree.entry()["live"]["jobName"] == "support-bot"
    stopped = tree.one().outcome.actual.live if state == "Stopped" else None
    assert stopped is None or stopped.status in {"Stopping", "Stopped"}


def test_late_revision_is_found_after_a_revert(tree: Tree) -> None:
    """A revision's job is still found when the edit is reverted."""
    tree.put("support-bot")
    tree.one()
    edited = tree.put("support-bot", {"onSpecChange": "NewRevision"}, roleArn=OTHER_ROLE)
    assert edited.submission is not None
    revision = f"support-bot-{edited.submission.digest[:8]}"
    tree.cloud.late, tree.cloud.lag, tree.cloud.losing = revision, 4, {"Create": LOST}
    tree.one()
    tree.cloud.losing = {}
    tree.put("support-bot", {"onSpecChange": "NewRevision"})

    tree.one()

    assert [live.name for live in tree.live()] == ["support-bot", revision]
    assert [one["jobName"] for one in tree.entry()["history"]] == [revision]


DENIED = make_failure("AccessDeniedException", "not authorized", reading=False)
UNKNOWN = make_failure(NOT_UNDERSTOOD, "a page", reading=True)


@pytest.mark.parametrize("code", ["ServiceQuotaExceededException", "ValidationException"])
def test_refusal_keeps_an_intent_with_an_unknown_outcome(tree: Tree, code: str) -> None:
    """A refused repetition keeps the intent while the first Create's job cannot be looked up."""
    begun(tree, 2)
    tree.cloud.failing = {"Create": make_failure(code, "", reading=False)}

    def fail(operation: str, _name: str) -> None:
        if operation == "Create":
            tree.cloud.failing["Get"] = UNKNOWN

    tree.cloud.watcher = fail
    held = tree.one()
    assert held.outcome.failure is not None
    assert tree.entry()["phase"] == "Submitting"
    tree.cloud.failing, tree.cloud.watcher = {}, lambda *_: None
    tree.put("support-bot", jobName="another-name")

    assert tree.one().outcome.actual.reason is Reason.SPEC_CHANGED
    assert len(tree.live()) == 1


def stopped_while_a_revision_is_unseen(tree: Tree) -> str:
    """Stop a manifest while the Create of its revision has an unknown outcome.

    Returns the name of the revision, whose job is not visible yet.
    """
    tree.put("support-bot")
    tree.one()
    edited = tree.put("support-bot", {"onSpecChange": "NewRevision"}, roleArn=OTHER_ROLE)
    assert edited.submission is not None
    revision = f"support-bot-{edited.submission.digest[:8]}"
    tree.cloud.late, tree.cloud.lag, tree.cloud.losing = revision, 2, {"Create": LOST}
    tree.one()
    tree.cloud.losing = {}
    tree.put("support-bot", {"state": "Stopped"})
    return revision


def test_stop_keeps_an_intent_that_cannot_be_looked_up(tree: Tree) -> None:
    """The job of a revision's lost Create is stopped too, once it can be looked up."""
    revision = stopped_while_a_revision_is_unseen(tree)

    def fail(operation: str, _name: str) -> None:
        if operation == "Stop":
            tree.cloud.failing[("Get", revision)] = UNKNOWN

    tree.cloud.watcher = fail
    assert tree.one().outcome.actual.reason is Reason.OBSERVATION_FAILED
    assert tree.entry()["jobName"] == revision
    tree.cloud.failing, tree.cloud.watcher = {}, lambda *_: None
    tree.one()
    tree.one()

    assert {live.status for live in tree.live()} == {"Stopping"}


class _Namesake(Fake):
    """A cloud in which a new job is visible neither by ARN nor by name, which another job has."""

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return another job of that name once it exists."""
        live = super().get(kind, target, "support-bot")
        if live is None or identifier == live.arn:
            return None
        return replace(live, arn=arn_of(kind, "another12345"), token=SOMEBODYS)


def test_namesake_is_not_what_create_answered_with(tmp_path: Path) -> None:
    """The job that Create returned is recorded, whatever a lookup by name shows."""
    tree = Tree(tmp_path, cloud=_Namesake())
    tree.put("support-bot")

    made = tree.one()

    assert made.outcome.actual.reason is Reason.NOT_SUBMITTED
    assert (made.entry["phase"], made.entry["jobArn"]) == ("Submitting", tree.live()[0].arn)


def test_job_that_takes_the_last_slot_is_not_queued_behind_itself(tree: Tree) -> None:
    """A quota refusal of a repeated Create may be caused by that Create's own job."""
    begun(tree, 4)
    tree.cloud.failing = {
        "Create": make_failure("ServiceQuotaExceededException", "", reading=False)
    }

    assert tree.one().outcome.actual.reason is Reason.IN_PROGRESS


def test_attempt_after_a_job_whose_create_was_lost_is_submitted(tree: Tree) -> None:
    """Once a lost Create's job is visible, the next attempt is submitted."""
    begun(tree, 1)
    tree.cloud.turn(KIND, "support-bot", "Failed", failureMessage="Internal server error")
    tree.put("support-bot", {"onFailure": {"retries": 1}})

    assert tree.one().outcome.actual.reason is Reason.IN_PROGRESS
    assert [live.name for live in tree.live()] == ["support-bot", "support-bot-r1"]


@pytest.mark.parametrize("status", ["Stopped", "InProgress"])
def test_attempt_that_waits_is_known_without_sidecars(tree: Tree, status: str) -> None:
    """One pass records what may follow an adopted and stopped job."""
    tree.cloud.create(
        KIND, Target(), derive_submission(KIND, SPEC, "support-bot", "").request, SOMEBODYS
    )
    tree.cloud.turn(KIND, "support-bot", status)
    tree.put("support-bot", {"adopt": tree.live()[0].arn, "state": "Stopped", "attempt": 1})
    tree.one()
    tree.cloud.turn(KIND, "support-bot", "Stopped")
    tree.one()
    lost_and_found(tree)


def test_failed_stop_is_reported_beside_a_failed_lookup(tree: Tree) -> None:
    """A failed stop is reported even if the lookup after it fails too."""
    revision = stopped_while_a_revision_is_unseen(tree)

    def fail(operation: str, arn: str) -> None:
        if operation == "Stop":
            tree.cloud.failing[("Get", revision)] = UNKNOWN
            tree.cloud.failing[("Stop", arn)] = DENIED

    tree.cloud.watcher = fail
    outcome = tree.one().outcome

    assert outcome.actual.reason is Reason.OBSERVATION_FAILED
    assert DENIED.message in outcome.actual.message
    assert UNKNOWN.message in outcome.actual.message
