"""Counts the jobs that the service lists as active, for the limits on submits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controller.core.fleet import Fleet
from controller.core.kinds.kind import Kind
from controller.core.model import CallFailure, JobKey, JobRecord, JobSummary, Place, Target
from controller.core.planning.actions import Plan, Verb
from controller.core.planning.admission import Occupancy, admit_submits
from controller.core.planning.slots import (
    Lane,
    Slots,
    collect_foreign_arns,
    find_ended_on_record,
    hold_uncounted,
)
from controller.ports import Cloud, CloudError


def list_active(kind: Kind, target: Target, cloud: Cloud) -> list[JobSummary]:
    """Return the active jobs of a kind where a target leads, whoever submitted them.

    Jobs that are being stopped are included: they take a slot until they are stopped. Raises
    CloudError.
    """
    # List filters by one status per call.
    statuses = sorted(kind.active)
    return [job for one in statuses for job in cloud.list_jobs(kind, target, status=one)]


def count_active(kind: Kind, target: Target, cloud: Cloud) -> int | None:
    """Return the number of active jobs of a kind where a target leads; None if unknown."""
    try:
        return len(list_active(kind, target, cloud))
    except CloudError:
        return None


def confirm_room(
    plan: Plan,
    kinds: Mapping[str, Kind],
    recorded: Mapping[JobKey, JobRecord],
    fleet: Fleet,
    occupancy: Occupancy,
    cloud: Cloud,
) -> tuple[Plan, Occupancy]:
    """Return a plan whose submits have free slots under ``limits.maxActive``, as the service shows.

    A sidecar can be edited or merged. Jobs that have ended only according to their records are
    searched for among the active jobs of each place that gets a submit. Without submits no call is
    made.
    """
    submits = [one for one in plan.actions if one.verb is Verb.SUBMIT and occupancy.permits(one)]
    if fleet.limits.max_active is None or not submits:
        return plan, occupancy
    running: dict[str, Lane] = {}
    failed: dict[Place | None, CallFailure] = {}
    # A record may name a job that others submitted; it takes none of our slots.
    not_ours = collect_foreign_arns(plan.actions)
    # One listing per place, however many submits go there.
    for place, target in {one.place: one.desired.target for one in submits}.items():
        try:
            running |= _find_running(kinds, recorded, place, target, cloud)
        except CloudError as error:
            # Without a count the submits of this place are held: a guess could exceed the limit.
            failed[place] = error.failure
    if not running and not failed:
        return plan, occupancy
    asking = {id(one) for one in submits if one.place in failed}
    actions = [
        hold_uncounted(one, failed[one.place]) if id(one) in asking else one for one in plan.actions
    ]
    beside = {
        **occupancy.others,
        **{arn: one for arn, one in running.items() if arn not in not_ours},
    }
    known = replace(occupancy, others=beside)
    return Plan(tuple(admit_submits(actions, kinds, recorded, fleet, known))), known


def _find_running(
    kinds: Mapping[str, Kind],
    recorded: Mapping[JobKey, JobRecord],
    place: Place | None,
    target: Target,
    cloud: Cloud,
) -> Slots:
    """Return the jobs that have ended on record and that the service lists as active."""
    ended = find_ended_on_record(kinds, recorded, place)
    return {
        arn: Lane(name, place)
        for name, those in ended.items()
        for arn in those.iter_listed(list_active(kinds[name], target, cloud))
    }
