"""Jobs that only their names tell of, once a sidecar is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.core.call_errors import NOT_UNDERSTOOD, failure
from controller.core.identity.tokens import submission
from controller.core.kinds.kind import Kind
from controller.core.model import Live, Target
from controller.core.planning.actions import Reason, Verb
from controller.ports import CloudError
from tests.contract.fake import Fake
from tests.contract.passes import KIND, Tree
from tests.contract.showing import arn_of
from tests.core.cases import SPEC

SOMEBODYS = "351997e1-336f-40c9-99a7-e1fd05e819b3"
OTHER_ROLE = "arn:aws:iam::123456789012:role/Other"
LOST = failure("ReadTimeout", "", reading=False, ambiguous=True)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return an empty tree over an empty cloud."""
    return Tree(tmp_path)


def failed(tree: Tree, policy: dict[str, Any]) -> None:
    """Let a manifest's job fail in a way that heals, and its attempt after it run."""
    tree.put("support-bot", {**policy, "onFailure": {"retries": 1}})
    tree.one()
    tree.cloud.turn(KIND, "support-bot", "Failed", failureMessage="Internal server error")
    tree.one()
    assert tree.entry()["live"]["jobName"] == "support-bot-r1"


def lost_and_found(tree: Tree) -> None:
    """One pass without its sidecar writes the entry as it was, history apart, and submits none."""
    before = tree.entry()
    (tree.folder / "support-bot.status.json").unlink()
    tree.one()
    assert "Create" not in tree.cloud.count()
    assert {**tree.entry(), "history": []} == {**before, "history": []}


def test_retry_of_an_adopted_job_is_found_without_sidecars(tree: Tree) -> None:
    """One pass leads from a job that is adopted to the attempt that followed it."""
    tree.cloud.create(KIND, Target(), submission(KIND, SPEC, "support-bot", "").request, SOMEBODYS)
    failed(tree, {"adopt": tree.live()[0].arn})
    lost_and_found(tree)


@pytest.mark.parametrize("spec", [{}, {"roleArn": OTHER_ROLE}])
def test_retry_that_is_wanted_no_more_is_found_without_sidecars(
    tree: Tree, spec: dict[str, str]
) -> None:
    """A running attempt stays in sight when retries are taken back, also with another spec."""
    failed(tree, {})
    tree.put("support-bot", {}, **spec)
    tree.one()
    lost_and_found(tree)


def begun(tree: Tree, lag: int) -> None:
    """Let a Create be lost, and its job not show in so many Gets."""
    tree.put("support-bot")
    tree.cloud.lag = lag
    tree.cloud.losing = {"Create": LOST}
    tree.one()
    tree.cloud.losing = {}


def test_job_is_found_though_its_name_was_edited(tree: Tree) -> None:
    """What an unanswered Create may have made is not forgotten when the next one is throttled."""
    begun(tree, 2)
    tree.cloud.failing = {"Create": failure("ThrottlingException", "", reading=False)}
    tree.one()
    tree.cloud.failing = {}
    tree.put("support-bot", jobName="another-name")

    held = tree.one()

    assert held.outcome.now.reason is Reason.SPEC_CHANGED
    assert [live.name for live in tree.live()] == ["support-bot"]


def test_job_that_shows_late_keeps_another_name_from_being_submitted(tree: Tree) -> None:
    """Under another name nothing but a patient look tells whether the first Create took effect."""
    begun(tree, 4)
    tree.put("support-bot", jobName="another-name")

    held = tree.one()

    assert held.outcome.planned.reason is Reason.NOT_SUBMITTED
    assert held.outcome.now.reason is Reason.SPEC_CHANGED
    assert [live.name for live in tree.live()] == ["support-bot"]


def test_job_that_cannot_be_asked_for_keeps_another_name_from_being_submitted(tree: Tree) -> None:
    """Ignorance of what the first Create came to is no absence, and is not forgotten either."""
    begun(tree, 2)
    before = tree.entry()
    tree.put("support-bot", jobName="another-name")
    asked: list[str] = []

    def fail(operation: str, name: str) -> None:
        if (operation, name) == ("Get", "support-bot"):
            asked.append(name)
            if len(asked) > 1:
                raise CloudError(failure("InternalServerException", "", reading=True))

    tree.cloud.watcher = fail
    held = tree.one()

    assert held.outcome.now.reason is Reason.OBSERVATION_FAILED
    assert tree.entry()["jobName"] == before["jobName"] == "support-bot"
    assert len(tree.live()) == 1


@pytest.mark.parametrize("state", ["Stopped", "Suspended"])
def test_job_that_shows_late_is_not_left_to_run(tree: Tree, state: str) -> None:
    """A manifest that is not wanted any more still follows what its lost Create made."""
    begun(tree, 4)
    tree.put("support-bot", {"state": state})

    late = tree.one()

    assert late.outcome.planned.verb is Verb.NOOP
    assert tree.entry()["live"]["jobName"] == "support-bot"
    stopped = tree.one().outcome.now.live if state == "Stopped" else None
    assert stopped is None or stopped.status in {"Stopping", "Stopped"}


def test_revision_that_shows_late_is_not_forgotten_by_a_revert(tree: Tree) -> None:
    """What the edited spec may have made stays in sight when the edit is taken back."""
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


DENIED = failure("AccessDeniedException", "not authorized", reading=False)
UNKNOWN = failure(NOT_UNDERSTOOD, "a page", reading=True)


@pytest.mark.parametrize("code", ["ServiceQuotaExceededException", "ValidationException"])
def test_refusal_ends_no_intent_while_nobody_knows_what_it_made(tree: Tree, code: str) -> None:
    """A refused repetition says nothing of the first Create where its job cannot be asked for."""
    begun(tree, 2)
    tree.cloud.failing = {"Create": failure(code, "", reading=False)}

    def fail(operation: str, _name: str) -> None:
        if operation == "Create":
            tree.cloud.failing["Get"] = UNKNOWN

    tree.cloud.watcher = fail
    held = tree.one()
    assert held.outcome.failure is not None
    assert tree.entry()["phase"] == "Submitting"
    tree.cloud.failing, tree.cloud.watcher = {}, lambda *_: None
    tree.put("support-bot", jobName="another-name")

    assert tree.one().outcome.now.reason is Reason.SPEC_CHANGED
    assert len(tree.live()) == 1


def stopped_while_a_revision_is_unseen(tree: Tree) -> str:
    """Set a manifest to Stopped while the Create of its revision has no known outcome.

    Returns the name of the revision, whose job does not show yet.
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


def test_stop_forgets_no_intent_that_cannot_be_asked_for(tree: Tree) -> None:
    """What a lost Create of a revision made is stopped too, once it can be asked for."""
    revision = stopped_while_a_revision_is_unseen(tree)

    def fail(operation: str, _name: str) -> None:
        if operation == "Stop":
            tree.cloud.failing[("Get", revision)] = UNKNOWN

    tree.cloud.watcher = fail
    assert tree.one().outcome.now.reason is Reason.OBSERVATION_FAILED
    assert tree.entry()["jobName"] == revision
    tree.cloud.failing, tree.cloud.watcher = {}, lambda *_: None
    tree.one()
    tree.one()

    assert {live.status for live in tree.live()} == {"Stopping"}


class _Namesake(Fake):
    """A cloud in which a new job shows neither by its ARN nor by its name, which another has."""

    def get(self, kind: Kind, target: Target, identifier: str) -> Live | None:
        """Return another job of the name once there is one."""
        live = super().get(kind, target, "support-bot")
        if live is None or identifier == live.arn:
            return None
        return replace(live, arn=arn_of(kind, "another12345"), token=SOMEBODYS)


def test_namesake_is_not_what_create_answered_with(tmp_path: Path) -> None:
    """A job that Create answered with is recorded, whatever a look by its name shows meanwhile."""
    tree = Tree(tmp_path, cloud=_Namesake())
    tree.put("support-bot")

    made = tree.one()

    assert made.outcome.now.reason is Reason.NOT_SUBMITTED
    assert (made.entry["phase"], made.entry["jobArn"]) == ("Submitting", tree.live()[0].arn)


def test_job_that_takes_the_last_slot_is_not_queued_behind_itself(tree: Tree) -> None:
    """A quota that refuses the repetition of a lost Create may be full of its very job."""
    begun(tree, 4)
    tree.cloud.failing = {"Create": failure("ServiceQuotaExceededException", "", reading=False)}

    assert tree.one().outcome.now.reason is Reason.IN_PROGRESS


def test_attempt_after_a_job_whose_create_was_lost_is_submitted(tree: Tree) -> None:
    """A job that has shown meanwhile keeps the one that follows it from nothing."""
    begun(tree, 1)
    tree.cloud.turn(KIND, "support-bot", "Failed", failureMessage="Internal server error")
    tree.put("support-bot", {"onFailure": {"retries": 1}})

    assert tree.one().outcome.now.reason is Reason.IN_PROGRESS
    assert [live.name for live in tree.live()] == ["support-bot", "support-bot-r1"]


@pytest.mark.parametrize("status", ["Stopped", "InProgress"])
def test_attempt_that_waits_is_known_without_sidecars(tree: Tree, status: str) -> None:
    """What may follow a job that was adopted and stopped is recorded by one pass."""
    tree.cloud.create(KIND, Target(), submission(KIND, SPEC, "support-bot", "").request, SOMEBODYS)
    tree.cloud.turn(KIND, "support-bot", status)
    tree.put("support-bot", {"adopt": tree.live()[0].arn, "state": "Stopped", "attempt": 1})
    tree.one()
    tree.cloud.turn(KIND, "support-bot", "Stopped")
    tree.one()
    lost_and_found(tree)


def test_failed_stop_is_reported_beside_a_failed_lookup(tree: Tree) -> None:
    """The error of a stop is kept when the lookup after it fails too."""
    revision = stopped_while_a_revision_is_unseen(tree)

    def fail(operation: str, arn: str) -> None:
        if operation == "Stop":
            tree.cloud.failing[("Get", revision)] = UNKNOWN
            tree.cloud.failing[("Stop", arn)] = DENIED

    tree.cloud.watcher = fail
    outcome = tree.one().outcome

    assert outcome.now.reason is Reason.OBSERVATION_FAILED
    assert DENIED.message in outcome.now.message
    assert UNKNOWN.message in outcome.now.message
