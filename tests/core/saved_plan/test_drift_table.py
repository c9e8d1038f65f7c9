"""The state of a saved change, for each action that may be due now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.core.fleet import parse_fleet
from controller.core.identity.tags import Retag
from controller.core.model import DesiredJob, EarlierJob, LiveJob, Place, Target
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.saved_plan.drift import ChangeState, compare_plans
from controller.core.saved_plan.format import PlanArguments, PlanFile, describe_actions
from tests.contract.showing import ACCOUNT, arn_of
from tests.core.cases import OFFERED, PLACE, TEST_KINDS, desired_of

FLEET = parse_fleet({"owner": "acme-ml"})
JOB = desired_of({}, FLEET, OFFERED, "support-bot")
EDITED = desired_of(
    {"spec": {"hyperParameters": {"epochCount": "3"}}}, FLEET, OFFERED, JOB.key.name
)
BY_ROLE = replace(JOB, target=Target(assume_role_arn=f"arn:aws:iam::{ACCOUNT}:role/Other"))
THERE = Place(ACCOUNT, "eu-west-1")
ONE, OTHER = (arn_of(OFFERED, letter * 12) for letter in "ab")
RETAG = Retag("jobTags", ONE, {"team": "a"}, ("cost",))


def live(status: str = "InProgress", arn: str = ONE) -> LiveJob:
    """Return a job."""
    return LiveJob(arn, JOB.name, status, None, {})


def action(verb: Verb, reason: Reason, desired: DesiredJob = JOB, **more: Any) -> Action:
    """Return an action on the job."""
    return Action(verb, reason, desired, **{"place": PLACE, **more})


def held(was: Action, now: Action, *, room: int | None = None) -> tuple[ChangeState, bool]:
    """Return the state of a planned change, and whether anything moved."""
    made = [Plan((one,)) for one in (was, now)]
    paths = {JOB.source.path: JOB.source.path}
    actions = [describe_actions(TEST_KINDS, one, FLEET, paths) for one in made]
    asked = PlanArguments(("jobs",))
    files = [
        PlanFile("0", False, "acme-ml", limit, asked, None, one)
        for limit, one in zip((None, room), actions, strict=True)
    ]
    found = compare_plans(TEST_KINDS, files[0], files[1], made[1])
    return found.states[JOB.key], bool(found.moved)


SUBMIT = action(Verb.SUBMIT, Reason.NOT_SUBMITTED)
ADOPT = action(Verb.ADOPT, Reason.ADOPTED, live=live())
STOP = action(
    Verb.STOP,
    Reason.STOP_REQUESTED,
    live=live(),
    stops=(live(), live(arn=OTHER)),
    earlier=(EarlierJob(live(arn=OTHER)),),
)
TAG = action(Verb.TAG, Reason.TAGS_CHANGED, live=live(), retags=(RETAG,))
RUNS = action(Verb.WAIT, Reason.IN_PROGRESS, live=live())
RETRY = action(Verb.SUBMIT, Reason.RETRY, EDITED, earlier=(EarlierJob(live("Stopped")),))
QUEUED = action(Verb.WAIT, Reason.QUEUED)
DUE, DONE, WAITING, MOVED = ChangeState


def stopped(status: str, other: str, verb: Verb = Verb.NOOP, **more: Any) -> Action:
    """Return an action after the stop, with the statuses of both jobs."""
    earlier = (EarlierJob(live(other, OTHER)),)
    return action(verb, Reason.STOPPED, live=live(status), earlier=earlier, **more)


def tagged(**tags: str) -> Action:
    """Return an action on the job with these tags known to be as wanted."""
    return replace(RUNS, tags={"jobTags": tags})


TABLE = [
    (SUBMIT, SUBMIT, DUE),
    (SUBMIT, replace(SUBMIT, reason=Reason.INTENT_UNCONFIRMED), DUE),
    (SUBMIT, replace(SUBMIT, desired=EDITED), MOVED),
    (SUBMIT, replace(SUBMIT, desired=BY_ROLE), MOVED),
    (SUBMIT, replace(SUBMIT, place=THERE), MOVED),
    (SUBMIT, replace(SUBMIT, desired=replace(JOB, name="another")), MOVED),
    (SUBMIT, RUNS, DONE),
    (SUBMIT, replace(RUNS, verb=Verb.NOOP, reason=Reason.FAILED, live=live("Failed")), DONE),
    (SUBMIT, replace(RUNS, desired=EDITED), MOVED),
    (SUBMIT, replace(RUNS, desired=BY_ROLE), MOVED),
    (SUBMIT, replace(RUNS, place=THERE), MOVED),
    (SUBMIT, replace(RUNS, verb=Verb.HOLD, reason=Reason.NOT_OWNED), MOVED),
    (SUBMIT, TAG, MOVED),
    (SUBMIT, STOP, MOVED),
    (SUBMIT, RETRY, MOVED),
    (SUBMIT, QUEUED, WAITING),
    (SUBMIT, replace(QUEUED, reason=Reason.INTENT_UNCONFIRMED), WAITING),
    (SUBMIT, replace(QUEUED, desired=EDITED), MOVED),
    (SUBMIT, replace(QUEUED, verb=Verb.NOOP, reason=Reason.SUSPENDED), MOVED),
    (SUBMIT, replace(QUEUED, verb=Verb.HOLD, reason=Reason.OBSERVATION_FAILED), MOVED),
    (ADOPT, ADOPT, DUE),
    (ADOPT, replace(ADOPT, live=live(arn=OTHER)), MOVED),
    (ADOPT, RUNS, DONE),
    (ADOPT, replace(RUNS, live=live(arn=OTHER)), MOVED),
    (ADOPT, QUEUED, MOVED),
    (ADOPT, SUBMIT, MOVED),
    (STOP, STOP, DUE),
    (STOP, replace(STOP, stops=(live(arn=OTHER),), live=live("Stopping")), DUE),
    (STOP, replace(STOP, stops=(live(),)), MOVED),
    (STOP, replace(STOP, stops=(*STOP.stops, live(arn=arn_of(OFFERED, "c" * 12)))), MOVED),
    (STOP, stopped("Stopping", "Stopped", Verb.WAIT), DONE),
    (STOP, stopped("Stopped", "Stopped", Verb.HOLD), DONE),
    (STOP, stopped("Stopped", "Completed"), MOVED),
    (STOP, stopped("InProgress", "Stopped", Verb.WAIT), MOVED),
    (STOP, stopped("Stopped", "Stopped", Verb.TAG, retags=(RETAG,)), MOVED),
    (STOP, replace(stopped("Stopped", "Stopped", Verb.SUBMIT), live=None), MOVED),
    (STOP, RUNS, MOVED),
    (TAG, TAG, DUE),
    (TAG, replace(TAG, retags=(replace(RETAG, put={"team": "b"}),)), MOVED),
    (TAG, replace(TAG, retags=(replace(RETAG, drop=()),)), MOVED),
    (TAG, replace(TAG, retags=(replace(RETAG, arn=OTHER),)), MOVED),
    (TAG, tagged(team="a", more="1"), DONE),
    (TAG, replace(tagged(team="a"), verb=Verb.NOOP), DONE),
    (TAG, tagged(team="b"), MOVED),
    (TAG, tagged(team="a", cost="1"), MOVED),
    (TAG, tagged(), MOVED),
    (TAG, RUNS, MOVED),
    (TAG, replace(tagged(team="a"), live=live(arn=OTHER)), MOVED),
    (TAG, replace(tagged(team="a"), live=None), MOVED),
    (TAG, STOP, MOVED),
]


@pytest.mark.parametrize(("was", "now", "standing"), TABLE)
def test_each_change_has_the_state_in_the_table(
    was: Action, now: Action, standing: ChangeState
) -> None:
    """Each change is due, done, waiting or moved; a moved one refuses the plan."""
    assert held(was, now) == (standing, standing is MOVED)


def test_waiting_counts_only_under_the_same_limit() -> None:
    """A job that waits under a changed limit counts as moved."""
    assert held(SUBMIT, QUEUED, room=1) == (MOVED, True)
    assert held(SUBMIT, SUBMIT, room=1) == (DUE, False)
    assert held(SUBMIT, RUNS, room=1) == (DONE, False)
