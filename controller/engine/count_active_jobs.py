"""Count: which jobs the service lists as active, where a plan is to take room beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controller.core.fleet import Fleet
from controller.core.kinds.kind import Kind
from controller.core.model import Failure, JobKey, Place, Recorded, Summary, Target
from controller.core.planning.actions import Plan, Verb
from controller.core.planning.admission import Crowd, queue
from controller.core.planning.slots import Lane, Slots, ended_on_record, theirs, uncounted
from controller.ports import Cloud, CloudError


def list_active(kind: Kind, target: Target, cloud: Cloud) -> list[Summary]:
    """Return the jobs of a kind that are active where a target leads, anybody's.

    Also those that are being stopped, which take a slot until they are. Raises CloudError.
    """
    statuses = sorted(kind.active)
    return [job for one in statuses for job in cloud.listing(kind, target, status=one)]


def count_active(kind: Kind, target: Target, cloud: Cloud) -> int | None:
    """Return how many jobs of a kind are active where a target leads; None if unknown."""
    try:
        return len(list_active(kind, target, cloud))
    except CloudError:
        return None


def confirm_room(
    made: Plan,
    kinds: Mapping[str, Kind],
    recorded: Mapping[JobKey, Recorded],
    fleet: Fleet,
    crowd: Crowd,
    cloud: Cloud,
) -> tuple[Plan, Crowd]:
    """Return a plan whose submits have room under ``limits.maxActive`` by the service's own word.

    A sidecar can be edited or merged: what only it says has ended is looked for among the active
    jobs of each place that a submit goes to. Where none goes, nothing is asked.
    """
    submits = [one for one in made.actions if one.verb is Verb.SUBMIT and crowd.permits(one)]
    if fleet.limits.max_active is None or not submits:
        return made, crowd
    running: dict[str, Lane] = {}
    failed: dict[Place | None, Failure] = {}
    not_ours = theirs(made.actions)
    for place, target in {one.place: one.desired.target for one in submits}.items():
        try:
            running |= _running(kinds, recorded, place, target, cloud)
        except CloudError as error:
            failed[place] = error.failure
    if not running and not failed:
        return made, crowd
    asking = {id(one) for one in submits if one.place in failed}
    actions = [
        uncounted(one, failed[one.place]) if id(one) in asking else one for one in made.actions
    ]
    beside = {**crowd.beside, **{arn: one for arn, one in running.items() if arn not in not_ours}}
    known = replace(crowd, beside=beside)
    return Plan(tuple(queue(actions, kinds, recorded, fleet, known))), known


def _running(
    kinds: Mapping[str, Kind],
    recorded: Mapping[JobKey, Recorded],
    place: Place | None,
    target: Target,
    cloud: Cloud,
) -> Slots:
    """Return which of the jobs that have ended on record the service lists as active."""
    ended = ended_on_record(kinds, recorded, place)
    return {
        arn: Lane(name, place)
        for name, those in ended.items()
        for arn in those.running(list_active(kinds[name], target, cloud))
    }
