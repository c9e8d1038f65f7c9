"""The plan: each job's decision, then what holds between jobs.

``plan`` only computes. The same arguments always make the same plan, and carrying it out is
somebody else's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from controller.core.actions import Action, Plan, Reason, Verb
from controller.core.case import Case
from controller.core.decision import RULES
from controller.core.fleet import Fleet
from controller.core.kind import Kind
from controller.core.lineage import turned
from controller.core.model import (
    Desired,
    JobKey,
    Observation,
    Recorded,
)
from controller.core.pruning import spared
from controller.core.queueing import Crowd, queue

_NOBODY = Crowd()
_Use = tuple[str | None, str | None]
"""A role whose credentials are used, and the region they are used in; None for any."""


def plan(
    kinds: Mapping[str, Kind],
    desired: Iterable[Desired],
    observations: Mapping[JobKey, Observation],
    recorded: Mapping[JobKey, Recorded],
    fleet: Fleet,
    now: datetime,
    crowd: Crowd = _NOBODY,
) -> Plan:
    """One action per job, sorted by key, chosen from what is known and from nothing else.

    Every desired job needs an observation. Kinds and the fleet come as values, ``now`` is
    read once by the caller. What the ``crowd`` does not permit is planned all the same.
    """
    actions = [
        decide(kinds[job.key.kind], job, observations[job.key], recorded.get(job.key), fleet, now)
        for job in sorted(desired, key=lambda job: job.key)
    ]
    fitting = _spare_others(_hold_wrong_credentials(spared(actions), recorded))
    return Plan(tuple(queue(fitting, kinds, recorded, fleet, crowd)))


def decide(
    kind: Kind,
    desired: Desired,
    observation: Observation,
    recorded: Recorded | None,
    fleet: Fleet,
    now: datetime,
) -> Action:
    """Return the action of one job, from the first rule that has one."""
    case = Case(kind, turned(desired, observation.submission), observation, recorded, fleet, now)
    for rule in RULES:
        action = rule(case)
        if action is not None:
            return action
    raise AssertionError(f"no rule decides {desired.key}")


def refusal(made: Plan, max_submits: int) -> str | None:
    """Return why a plan must not be carried out at all, or None: the guard before act."""
    submits = sum(action.verb is Verb.SUBMIT for action in made.actions)
    if submits <= max_submits:
        return None
    return (
        f"the plan has {submits} submits and the limit is {max_submits}; nothing was done. "
        f"If all of them are meant, raise --max-submits or limits.maxSubmits in bedrock-jobs.yaml"
    )


def _hold_wrong_credentials(
    actions: list[Action], recorded: Mapping[JobKey, Recorded]
) -> list[Action]:
    """What one job shows to be wrong is used for no change of any other job.

    A job without a manifest shows nothing: where it once ran is not where anybody wants to be.
    """
    wrong = {
        _shown_wrong(action, recorded.get(action.desired.key))
        for action in actions
        if action.reason is Reason.WRONG_TARGET and not action.desired.removed
    }
    return [
        replace(
            action,
            verb=Verb.HOLD,
            reason=Reason.WRONG_TARGET,
            message=f"Another job shows that these credentials, of {action.place}, are the wrong "
            "ones: nothing is changed with them",
        )
        if action.verb.mutates and not wrong.isdisjoint(_used(action))
        else action
        for action in actions
    ]


def _spare_others(actions: list[Action]) -> list[Action]:
    """A job that one manifest stands for is stopped by no other, whatever a sidecar says."""
    owned = {
        action.live.arn: action.desired.key
        for action in actions
        if action.live is not None
        and action.verb in {Verb.WAIT, Verb.NOOP, Verb.TAG}
        and not action.desired.removed
    }
    edited = dict(_edited(actions))
    return [
        _sparing(action, {**_without_own(edited, action), **owned})
        if action.verb is Verb.STOP
        else action
        for action in actions
    ]


def _edited(actions: Iterable[Action]) -> Iterator[tuple[str, JobKey]]:
    """Yield the jobs of manifests whose spec was edited since, each with its manifest."""
    for action in actions:
        made = action.live or (action.earlier[-1].live if action.earlier else None)
        if made is not None and action.reason in {Reason.SPEC_CHANGED, Reason.NEW_REVISION}:
            yield made.arn, action.desired.key


def _without_own(claimed: Mapping[str, JobKey], action: Action) -> Mapping[str, JobKey]:
    """Leave out what an action's own manifest submitted as it stands, for certain."""
    token = action.desired.submission.token if action.desired.submission else None
    own = {live.arn for live in action.stops if token and live.token == token}
    return {arn: key for arn, key in claimed.items() if arn not in own}


def _sparing(action: Action, claimed: Mapping[str, JobKey]) -> Action:
    stops = tuple(live for live in action.stops if live.arn not in claimed)
    if len(stops) == len(action.stops):
        return action
    spared = next(live.arn for live in action.stops if live.arn in claimed)
    message = f"{spared} is the job of {claimed[spared]}, whatever the sidecar says: {{}}"
    if stops:
        names = ", ".join(live.arn for live in stops)
        return replace(action, stops=stops, message=message.format(f"only {names} is stopped"))
    held = message.format("it is not stopped. Stop it by that manifest, or delete the sidecar")
    return replace(action, verb=Verb.HOLD, reason=Reason.NOT_OWNED, message=held, stops=())


def _shown_wrong(action: Action, recorded: Recorded | None) -> _Use:
    """A wrong account makes a role's credentials wrong everywhere; a wrong region, only there."""
    everywhere, there = _used(action)
    before = recorded.place.account_id if recorded and recorded.place else None
    account = action.place.account_id if action.place else None
    expected = {action.desired.target.account_id, before}
    return there if expected <= {None, account} else everywhere


def _used(action: Action) -> tuple[_Use, _Use]:
    """Return what a change uses: a role's credentials, and those in one region."""
    role, place = action.desired.target.assume_role_arn, action.place
    return (role, None), (role, place.region if place else None)
