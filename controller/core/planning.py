"""The plan: each job's decision, then what holds between jobs (DESIGN 6).

``plan`` only computes. The same arguments always make the same plan, and carrying it out is
somebody else's work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

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
from controller.core.queueing import Lane, queue

_NOT_COUNTED: Mapping[Lane, int] = MappingProxyType({})
_Use = tuple[str | None, str | None]
"""A role whose credentials are used, and the region they are used in; None for any."""


def plan(
    kinds: Mapping[str, Kind],
    desired: Iterable[Desired],
    observations: Mapping[JobKey, Observation],
    recorded: Mapping[JobKey, Recorded],
    fleet: Fleet,
    now: datetime,
    active: Mapping[Lane, int] = _NOT_COUNTED,
) -> Plan:
    """One action per job, sorted by key, chosen from what is known and from nothing else.

    Every desired job needs an observation. Kinds and the fleet come as values, ``now`` is
    read once by the caller. ``active`` is what was counted where jobs wait for a quota.
    """
    actions = [
        decide(kinds[job.key.kind], job, observations[job.key], recorded.get(job.key), fleet, now)
        for job in sorted(desired, key=lambda job: job.key)
    ]
    fitting = _hold_wrong_credentials(actions, recorded)
    return Plan(tuple(queue(fitting, kinds, recorded, fleet, active)))


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
