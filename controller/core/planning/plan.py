"""Builds the plan: one decision per job, then the rules that hold between jobs.

This is pure computation: the same arguments always give the same plan. The engine executes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from controller.core.fleet import Fleet
from controller.core.jobs.attempts import select_submission
from controller.core.kinds.kind import Kind
from controller.core.model import (
    DesiredJob,
    JobKey,
    JobRecord,
    LiveJob,
    Observation,
)
from controller.core.planning.actions import Action, Plan, Reason, Verb
from controller.core.planning.admission import Occupancy, admit_submits
from controller.core.planning.claims import Claims, TreeManifests, TreeScope, build_claims
from controller.core.planning.rule_context import RuleContext
from controller.core.planning.rules_no_job import RULES
from controller.core.planning.rules_removed import limit_stops

_NO_OCCUPANCY = Occupancy()
_CLAIMING_VERBS = {Verb.STOP, Verb.ADOPT}
"""The verbs that treat an existing job as the manifest's own."""
_Credentials = tuple[str | None, str | None]
"""A role whose credentials are used, and the region they are used in (None for any)."""


def build_plan(
    kinds: Mapping[str, Kind],
    desired: Iterable[DesiredJob],
    observations: Mapping[JobKey, Observation],
    recorded: Mapping[JobKey, JobRecord],
    fleet: Fleet,
    now: datetime,
    occupancy: Occupancy = _NO_OCCUPANCY,
    tree: TreeScope | None = None,
) -> Plan:
    """Return one action per job, sorted by key, decided from the arguments alone.

    Every desired job needs an observation. Kinds and the fleet are passed as values, and ``now`` is
    read once by the caller. Submits that the ``occupancy`` does not permit are planned
    nevertheless. Without ``tree`` the jobs are the whole tree.
    """
    jobs = sorted(desired, key=lambda job: job.key)
    actions = [
        decide_action(
            kinds[job.key.kind], job, observations[job.key], recorded.get(job.key), fleet, now
        )
        for job in jobs
    ]
    whole = tree or TreeScope(lambda: _build_tree(jobs))
    # Before admission, so that a held submit takes no slot from another job.
    actions = _hold_wrong_credentials(actions, recorded)
    # In a pass over the whole tree, validation has already reported names that collide.
    judged = _CLAIMING_VERBS | ({Verb.SUBMIT} if whole.is_partial else set())
    # Reading the whole tree is expensive; most passes change nothing and never need it.
    if any(action.verb in judged for action in actions):
        claims = build_claims(
            kinds, fleet.owner, whole.load_manifests(), recorded, _iter_seen_jobs(actions)
        )
        actions = [
            _hold_contested(one, claims) if one.verb in _CLAIMING_VERBS else one for one in actions
        ]
        if whole.is_partial:
            actions = [_hold_clashing(one, claims) for one in actions]
    return Plan(tuple(admit_submits(actions, kinds, recorded, fleet, occupancy)))


def _build_tree(jobs: Iterable[DesiredJob]) -> TreeManifests:
    return TreeManifests(tuple(job for job in jobs if not job.removed))


def decide_action(
    kind: Kind,
    desired: DesiredJob,
    observation: Observation,
    recorded: JobRecord | None,
    fleet: Fleet,
    now: datetime,
) -> Action:
    """Return the action of one job: that of the first rule which applies."""
    case = RuleContext(
        kind, select_submission(desired, observation.submission), observation, recorded, fleet, now
    )
    for rule in RULES:
        action = rule(case)
        if action is not None:
            return action
    # Unreachable: the last rule applies to every job that exists.
    raise AssertionError(f"no rule decides {desired.key}")


def check_submit_limit(plan: Plan, max_submits: int) -> str | None:
    """Return why only the stops of a plan may be executed, or None: a safeguard before acting.

    The limit restricts what costs money; a stop ends costs.
    """
    submits = sum(action.verb is Verb.SUBMIT for action in plan.actions)
    if submits <= max_submits:
        return None
    stops = any(action.verb is Verb.STOP for action in plan.actions)
    done = "only the stops were carried out" if stops else "nothing was done"
    return (
        f"the plan has {submits} submits and the limit is {max_submits}; {done}. "
        f"If all are intended, raise --max-submits or limits.maxSubmits in bedrock-jobs.yaml"
    )


def _hold_wrong_credentials(
    actions: list[Action], recorded: Mapping[JobKey, JobRecord]
) -> list[Action]:
    """Hold every change that uses credentials which another job shows to be the wrong ones.

    A job without a manifest proves nothing here: where it once ran need not be where jobs belong
    today.
    """
    wrong = {
        _find_wrong_credentials(action, recorded.get(action.desired.key))
        for action in actions
        if action.reason is Reason.WRONG_TARGET and not action.desired.removed
    }
    return [
        replace(
            action,
            verb=Verb.HOLD,
            reason=Reason.WRONG_TARGET,
            message=f"Another job shows that these credentials, of {action.place}, are the wrong "
            "ones: no change is made with them",
        )
        if action.verb.is_mutating and not wrong.isdisjoint(_get_credentials(action))
        else action
        for action in actions
    ]


def _iter_seen_jobs(actions: Iterable[Action]) -> Iterator[tuple[DesiredJob, LiveJob]]:
    """Yield each manifest with every job that was found for it, whether it owns the job or not."""
    for action in actions:
        for live in (action.live, *(one.live for one in action.earlier)):
            if live is not None and not action.desired.removed:
                yield action.desired, live


def _hold_contested(action: Action, claims: Claims) -> Action:
    """Return an action without the jobs that may be another manifest's."""
    taken = action.stops if action.verb is Verb.STOP else (action.live,)
    rivals = {
        one.arn: why for one in taken if one and (why := claims.find_rival(action.desired, one))
    }
    if not rivals:
        return action
    stops, why = tuple(one for one in action.stops if one.arn not in rivals), min(rivals.values())
    if action.desired.removed:
        return limit_stops(action, stops, why)
    if stops:
        text = f"{why}: only {', '.join(one.arn for one in stops)} is stopped"
        return replace(action, stops=stops, message=text)
    held = (
        f"{why}: it is not adopted. Remove policy.adopt here or there"
        if action.verb is Verb.ADOPT
        else f"{why}: it is not stopped. Stop it through that manifest, or delete this sidecar"
    )
    return replace(action, verb=Verb.HOLD, reason=Reason.NOT_OWNED, message=held, stops=())


def _hold_clashing(action: Action, claims: Claims) -> Action:
    """Hold a submit of a partial pass that a pass over the whole tree would hold."""
    if action.verb is not Verb.SUBMIT:
        return action
    clash = claims.find_conflict(action.desired, action.desired.name)
    why = clash or (
        claims.find_wrong_credentials(action.desired, action.place) if action.place else ""
    )
    if not why:
        return action
    reason = Reason.INVALID if clash else Reason.WRONG_TARGET
    return replace(action, verb=Verb.HOLD, reason=reason, message=f"In the whole tree, {why}")


def _find_wrong_credentials(action: Action, recorded: JobRecord | None) -> _Credentials:
    """Return the credentials that an action shows to be wrong.

    A wrong account makes a role's credentials wrong everywhere; a wrong region, only there.
    """
    everywhere, there = _get_credentials(action)
    before = recorded.place.account_id if recorded and recorded.place else None
    account = action.place.account_id if action.place else None
    expected = {action.desired.target.account_id, before}
    # If the account is as expected, only the region can be wrong.
    return there if expected <= {None, account} else everywhere


def _get_credentials(action: Action) -> tuple[_Credentials, _Credentials]:
    """Return the credentials that a change uses: the role's everywhere, and those in one region."""
    role, place = action.desired.target.assume_role_arn, action.place
    return (role, None), (role, place.region if place else None)
