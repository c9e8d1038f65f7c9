"""Observe: look at as many jobs as the decision needs, with the fewest calls (DESIGN 6).

A listing that failed is never taken for absence: its jobs are unknown until the next pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from controller.core.errors import UNREADABLE
from controller.core.fleet import Fleet, forbidden_target
from controller.core.kind import Kind
from controller.core.model import (
    Desired,
    Existence,
    Failure,
    JobKey,
    Live,
    Observation,
    Place,
    Recorded,
    Summary,
    Target,
)
from controller.ports import Cloud, CloudError, ListingTooLongError

FEW = 10
"""So many unknown jobs are looked up one by one; more are looked up by listing first."""
GETS_PER_PAGE = 20
"""What a page of a listing may cost: side by side, so many Gets take about as long."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One job to look at: where, and what is recorded of it."""

    kind: Kind
    desired: Desired
    place: Place
    recorded: Recorded | None

    @property
    def is_known_active(self) -> bool:
        """Whether a filtered listing can say that nothing changed."""
        recorded, submission = self.recorded, self.desired.submission
        return (
            recorded is not None
            and recorded.live is not None
            and submission is not None
            and recorded.digest == submission.digest
            and recorded.live.status == self.kind.listed_as_active
        )


@dataclass(frozen=True, slots=True)
class _Places:
    """Where targets' credentials act; each is asked for once in a pass, whatever the answer."""

    cloud: Cloud
    known: dict[Target, Place | Failure] = field(default_factory=dict)

    def of(self, target: Target) -> Place | Failure:
        """Return where a target's credentials act, or why that is not known."""
        asked = replace(target, account_id=None)
        if asked not in self.known:
            try:
                self.known[asked] = self.cloud.place(asked)
            except CloudError as error:
                self.known[asked] = error.failure
        return self.known[asked]


def observe(
    kinds: Mapping[str, Kind],
    desired: Iterable[Desired],
    recorded: Mapping[JobKey, Recorded],
    fleet: Fleet,
    cloud: Cloud,
    executor: Executor,
) -> dict[JobKey, Observation]:
    """Every desired job gets an observation; a failed call makes its jobs unknown, never absent.

    Jobs whose sidecar holds a terminal status for today's digest cost no call.
    """
    seen: dict[JobKey, Observation] = {}
    looks: dict[tuple[str, Target], list[_Look]] = defaultdict(list)
    places = _Places(cloud)
    for job in desired:
        kind, known = kinds[job.key.kind], recorded.get(job.key)
        settled = _without_a_look(kind, job, known, fleet, places.of(job.target))
        if isinstance(settled, Observation):
            seen[job.key] = settled
        else:
            where = Target(settled.region, None, job.target.assume_role_arn)
            looks[kind.name, where].append(_Look(kind, job, settled, known))
    for group in looks.values():
        seen |= _look_at(group, cloud, executor)
    return seen


def look(kind: Kind, desired: Desired, place: Place, cloud: Cloud) -> Observation:
    """Look one job up by its name."""
    try:
        return _found(place, cloud.get(kind, desired.target, desired.name))
    except CloudError as error:
        return _unknown(place, error.failure)


def _without_a_look(
    kind: Kind, job: Desired, recorded: Recorded | None, fleet: Fleet, place: Place | Failure
) -> Observation | Place:
    """Return what is known of a job before any call to the service, else where to look for it."""
    if isinstance(place, Failure):
        return _unknown(None, place)
    if _is_off_limits(job, recorded, fleet, place):
        return Observation(Existence.UNKNOWN, place)
    if recorded is not None and _is_settled(kind, job, recorded):
        return _found(place, recorded.live)
    return place


def _is_off_limits(job: Desired, recorded: Recorded | None, fleet: Fleet, place: Place) -> bool:
    """Whether the plan will hold the job for where it is, so that nothing needs to be asked."""
    if job.target.account_id not in {None, place.account_id}:
        return True
    if recorded is not None and not recorded.may_be_in(place):
        return True
    return bool(forbidden_target(Target(place.region, place.account_id), fleet))


def _is_settled(kind: Kind, job: Desired, recorded: Recorded) -> bool:
    """A job that ended never changes again, so its sidecar is as good as the service."""
    if recorded.live is None or recorded.live.status not in kind.terminal:
        return False
    submission = job.submission
    return submission is None or (
        recorded.digest == submission.digest and recorded.token == submission.token
    )


def _look_at(group: list[_Look], cloud: Cloud, executor: Executor) -> dict[JobKey, Observation]:
    """Look at the jobs of one kind and place, by listing where that takes fewer calls."""
    unknown = [one for one in group if not one.is_known_active]
    active = [one for one in group if one.is_known_active]
    if len(unknown) > FEW:
        return _by_listing(group, None, cloud, executor)
    seen = _one_by_one(unknown, cloud, executor)
    if len(active) > 1:
        status = active[0].kind.listed_as_active
        return seen | _by_listing(active, status, cloud, executor)
    return seen | _one_by_one(active, cloud, executor)


def _one_by_one(
    looks: Iterable[_Look], cloud: Cloud, executor: Executor
) -> dict[JobKey, Observation]:
    def one(look: _Look) -> tuple[JobKey, Observation]:
        return look.desired.key, _get(look, cloud)

    return dict(executor.map(one, looks))


def _by_listing(
    looks: list[_Look], status: str | None, cloud: Cloud, executor: Executor
) -> dict[JobKey, Observation]:
    """List once, then Get only the jobs that the listing does not settle."""
    first = looks[0]
    try:
        most = max(1, len(looks) // GETS_PER_PAGE)
        listed = cloud.listing(first.kind, first.desired.target, status=status, most=most)
    except ListingTooLongError:
        # The account's history never shrinks, and its length must not be what a pass costs.
        return _one_by_one(looks, cloud, executor)
    except CloudError as error:
        if error.failure.code == UNREADABLE:
            # A list that is not there is not an empty list: only Get can tell.
            return _one_by_one(looks, cloud, executor)
        return {look.desired.key: _unknown(look.place, error.failure) for look in looks}
    by_name = {summary.name: summary for summary in listed}
    seen: dict[JobKey, Observation] = {}
    rest: list[_Look] = []
    for one in looks:
        summary = by_name.get(one.desired.name)
        if summary is not None and _is_unchanged(one, summary):
            seen[one.desired.key] = _found(one.place, one.recorded.live if one.recorded else None)
        elif summary is None and status is None and not _has_arn(one):
            seen[one.desired.key] = Observation(Existence.ABSENT, one.place)
        else:
            rest.append(one)
    return seen | _one_by_one(rest, cloud, executor)


def _is_unchanged(look: _Look, summary: Summary) -> bool:
    if not look.is_known_active or look.recorded is None or look.recorded.live is None:
        return False
    known = look.recorded.live
    return (
        summary.arn == known.arn
        and summary.status == known.status
        and summary.modified == known.members.get(look.kind.modified_member)
        and summary.members.get(look.kind.stages_member)
        == known.members.get(look.kind.stages_member)
    )


def _has_arn(look: _Look) -> bool:
    return look.recorded is not None and look.recorded.arn is not None


def _get(look: _Look, cloud: Cloud) -> Observation:
    """Get by name; a job that was recorded is gone only when Get by its ARN says so too."""

    def get(identifier: str) -> Live | None:
        return cloud.get(look.kind, look.desired.target, identifier)

    try:
        live = get(look.desired.name)
        if live is None and look.recorded is not None and look.recorded.arn is not None:
            live = get(look.recorded.arn)
    except CloudError as error:
        return _unknown(look.place, error.failure)
    return _found(look.place, live)


def _found(place: Place, live: Live | None) -> Observation:
    return Observation(Existence.PRESENT if live else Existence.ABSENT, place, live)


def _unknown(place: Place | None, failure: Failure) -> Observation:
    return Observation(Existence.UNKNOWN, place, failure=failure)
