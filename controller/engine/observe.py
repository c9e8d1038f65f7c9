"""Observes the live jobs that the plan needs, with as few calls as possible.

If no job of some credentials needs a call, even GetCallerIdentity is skipped. All places are
observed in parallel, and active jobs are counted where jobs wait for the quota. A failed listing is
never taken for absence: its jobs stay unknown until the next pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import cycle

from controller.core.call_errors import NOT_UNDERSTOOD
from controller.core.fleet import Fleet, find_target_violations
from controller.core.jobs.attempts import Attempts
from controller.core.kinds.kind import Kind
from controller.core.model import (
    CallFailure,
    DesiredJob,
    Existence,
    JobKey,
    JobRecord,
    JobSummary,
    LiveJob,
    Observation,
    Place,
    Target,
)
from controller.core.planning.slots import Lane
from controller.engine.count_active_jobs import count_active
from controller.engine.job_lookup import JobLookup, make_unknown, start_lookup
from controller.engine.rate_limit import MAX_PLACES
from controller.ports import Cloud, CloudError, ListingTooLongError

MAX_SINGLE_GETS = 10
"""Up to this many unknown jobs are looked up one by one; more are listed first."""
GETS_PER_PAGE = 20
"""What a page of a listing may cost: this many parallel Gets take about as long."""

_ARN = "arn:"


@dataclass(frozen=True, slots=True)
class _PlaceCache:
    """Resolves where targets' credentials act, once per pass, whatever the answer."""

    cloud: Cloud
    known: dict[Target, Place | CallFailure] = field(default_factory=dict)

    def resolve(self, target: Target) -> Place | CallFailure:
        """Return where a target's credentials act, or why that is not known."""
        # The account is a condition on the answer, not part of the question.
        asked = replace(target, account_id=None)
        if asked not in self.known:
            try:
                self.known[asked] = self.cloud.get_place(asked)
            except CloudError as error:
                self.known[asked] = error.failure
        return self.known[asked]


@dataclass(frozen=True, slots=True)
class ObservedJobs:
    """What a pass observed of every job; ``active`` counts the jobs in lanes with a full quota."""

    observations: Mapping[JobKey, Observation]
    active: Mapping[Lane, int]


@dataclass(frozen=True, slots=True)
class Observer:
    """Observes jobs on the basis of their records; ``full`` looks up ended jobs and tags again.

    With ``collects``, ended jobs without a manifest are looked up, because their entries may be
    removed. With ``identifies``, the account of the credentials is looked up even if no job needs a
    call.
    """

    kinds: Mapping[str, Kind]
    recorded: Mapping[JobKey, JobRecord]
    fleet: Fleet
    cloud: Cloud
    full: bool = False
    identifies: bool = False
    collects: bool = False
    now: datetime | None = None

    def observe_all(self, desired: Iterable[DesiredJob], width: int) -> ObservedJobs:
        """Observe every job; each target has ``width`` threads and waits for no other."""
        settled, rest = self._split_settled(desired)
        groups: dict[tuple[str | None, str | None], list[DesiredJob]] = defaultdict(list)
        for job in rest:
            # Jobs of one role and region share credentials, and so a place.
            groups[job.target.assume_role_arn, job.target.region].append(job)

        def observe_group(jobs: list[DesiredJob], executor: Executor) -> ObservedJobs:
            seen = self.observe(jobs, executor)
            return ObservedJobs(seen, self._count_active(jobs, seen))

        found = _run_in_parallel(observe_group, list(groups.values()), width) if groups else ()
        seen = {key: one for each in found for key, one in each.observations.items()}
        return ObservedJobs(
            settled | seen,
            {lane: count for each in found for lane, count in each.active.items()},
        )

    def _split_settled(
        self, desired: Iterable[DesiredJob]
    ) -> tuple[dict[JobKey, Observation], list[DesiredJob]]:
        """Return what is known without a call, and the jobs of credentials that need one.

        As soon as one job needs a call, all jobs with the same credentials are checked against
        their account, because any of them may show that they are the wrong ones.
        """
        by_role: dict[str | None, list[DesiredJob]] = defaultdict(list)
        for job in desired:
            by_role[job.target.assume_role_arn].append(job)
        settled: dict[JobKey, Observation] = {}
        rest: list[DesiredJob] = []
        for jobs in by_role.values():
            seen = None if self.full or self.identifies else self._observe_from_records(jobs)
            if seen is None:
                rest += jobs
            else:
                settled |= seen
        return settled, rest

    def _observe_from_records(self, jobs: Iterable[DesiredJob]) -> dict[JobKey, Observation] | None:
        """Return what the sidecars alone show, or None as soon as one job needs a call."""
        seen: dict[JobKey, Observation] = {}
        for job in jobs:
            known = self.recorded.get(job.key)
            place = known.resolve_place(job.target) if known is not None else None
            if place is None:
                return None
            if _is_off_limits(job, known, self.fleet, place):
                seen[job.key] = Observation(Existence.UNKNOWN, place, is_from_record=True)
                continue
            attempts = Attempts(self.kinds[job.key.kind], job, self.fleet)
            lookup = start_lookup(attempts, place, known, full=self._is_full(job), now=self.now)
            if not lookup.is_settled:
                return None
            seen[job.key] = replace(lookup.build_observation(), is_from_record=True)
        return seen

    def observe(
        self, desired: Iterable[DesiredJob], executor: Executor
    ) -> dict[JobKey, Observation]:
        """Return an observation of every job; a failed call makes its jobs unknown, never absent.

        Jobs whose sidecar records a terminal status for the current digest need no call.
        """
        seen: dict[JobKey, Observation] = {}
        groups: dict[tuple[str, Target], list[JobLookup]] = defaultdict(list)
        places = _PlaceCache(self.cloud)
        for job in desired:
            kind, known = self.kinds[job.key.kind], self.recorded.get(job.key)
            place = places.resolve(job.target)
            if isinstance(place, CallFailure):
                seen[job.key] = make_unknown(None, place)
            elif _is_off_limits(job, known, self.fleet, place):
                seen[job.key] = Observation(Existence.UNKNOWN, place)
            else:
                attempts = Attempts(kind, job, self.fleet)
                lookup = start_lookup(attempts, place, known, full=self._is_full(job), now=self.now)
                # The resolved region, so that targets that name it and those that default to it
                # share a listing.
                where = Target(place.region, None, job.target.assume_role_arn)
                groups[kind.name, where].append(lookup)
        for group in groups.values():
            seen |= _observe_lookups(group, self.cloud, executor)
        return seen

    def _is_full(self, job: DesiredJob) -> bool:
        return self.full or (self.collects and job.removed)

    def _count_active(
        self, jobs: Iterable[DesiredJob], seen: Mapping[JobKey, Observation]
    ) -> dict[Lane, int]:
        """Count each lane in which the quota refused a job once; most passes have none."""
        asked: dict[Lane, Target] = {}
        for job in jobs:
            known, observation = self.recorded.get(job.key), seen[job.key]
            # Only a job that the quota refused needs the count.
            if known is None or known.queue_active is None or job.removed:
                continue
            # Counting where lookups fail would fail too.
            if observation.place is not None and observation.existence is not Existence.UNKNOWN:
                asked.setdefault(Lane(job.key.kind, observation.place), job.target)
        kinds = self.kinds
        counts = {lane: count_active(kinds[lane.kind], asked[lane], self.cloud) for lane in asked}
        return {lane: count for lane, count in counts.items() if count is not None}


def _run_in_parallel(
    look: Callable[[list[DesiredJob], Executor], ObservedJobs],
    groups: list[list[DesiredJob]],
    width: int,
) -> tuple[ObservedJobs, ...]:
    """Observe the groups in parallel; a signal cancels what has not started.

    Up to ``MAX_PLACES`` groups have their own threads; more share them.
    """
    count = min(len(groups), MAX_PLACES) or 1
    with ExitStack() as pools, ThreadPoolExecutor(count) as looking:
        executors = [pools.enter_context(ThreadPoolExecutor(width)) for _ in range(count)]
        try:
            return tuple(looking.map(look, groups, cycle(executors)))
        except BaseException:
            for executor in executors:
                # Otherwise leaving the pools would first run everything that is queued.
                executor.shutdown(wait=False, cancel_futures=True)
            raise


def _is_off_limits(job: DesiredJob, recorded: JobRecord | None, fleet: Fleet, place: Place) -> bool:
    """Whether the plan will hold the job because of its place, so that no call is needed."""
    if job.target.account_id not in {None, place.account_id}:
        return True
    if recorded is not None and not recorded.can_be_in(place):
        return True
    where = Target(place.region, place.account_id)
    # A job that is to be stopped is looked up even in a forbidden place.
    return not job.can_stop and bool(find_target_violations(where, fleet))


def _observe_lookups(
    group: list[JobLookup], cloud: Cloud, executor: Executor
) -> dict[JobKey, Observation]:
    """Observe the jobs of one kind and place, by listing where that takes fewer calls."""
    seen = {
        one.key: one.build_observation() for one in group if one.result and not one.has_tags_to_read
    }
    rest = [one for one in group if one.key not in seen]
    active = [one for one in rest if not one.result and one.is_known_active]
    known = {id(one) for one in active}
    unknown = [one for one in rest if id(one) not in known]
    if sum(one.result is None for one in unknown) > MAX_SINGLE_GETS:
        return seen | _list_then_get(rest, None, cloud, executor)
    seen |= _get_each(unknown, cloud, executor)
    # A listing of active jobs is short, so it pays off from the second job on.
    if len(active) > 1:
        status = active[0].attempts.kind.listed_as_active
        return seen | _list_then_get(active, status, cloud, executor)
    return seen | _get_each(active, cloud, executor)


def _get_each(
    lookups: Iterable[JobLookup], cloud: Cloud, executor: Executor
) -> dict[JobKey, Observation]:
    def get_one(lookup: JobLookup) -> tuple[JobKey, Observation]:
        return lookup.key, lookup.observe(cloud)

    return dict(executor.map(get_one, lookups))


def _list_then_get(
    lookups: list[JobLookup], status: str | None, cloud: Cloud, executor: Executor
) -> dict[JobKey, Observation]:
    """List once, then Get only the jobs that the listing does not settle."""
    first = lookups[0].attempts
    try:
        # Beyond that, Gets in parallel are faster than more pages.
        most = max(1, len(lookups) // GETS_PER_PAGE)
        listed = cloud.list_jobs(first.kind, first.desired.target, status=status, most=most)
    except ListingTooLongError:
        # The account's history only grows, and a pass must not cost in proportion to it.
        return _get_each(lookups, cloud, executor)
    except CloudError as error:
        if error.failure.code == NOT_UNDERSTOOD:
            # A malformed listing is not an empty listing: only Get can tell.
            return _get_each(lookups, cloud, executor)
        return {lookup.key: make_unknown(lookup.place, error.failure) for lookup in lookups}
    by_name = {summary.name: summary for summary in listed}
    # Searches ask by name or by ARN.
    by_name |= {summary.arn: summary for summary in listed}
    for one in lookups:
        if one.result is None:
            one.advance(partial(_answer_from_listing, one, by_name, status))
    return _get_each(lookups, cloud, executor)


def _answer_from_listing(
    lookup: JobLookup, by_name: Mapping[str, JobSummary], status: str | None, identifier: str
) -> LiveJob | None:
    """Return what the sidecar or a listing shows of a job; the rest only Get can answer."""
    recorded = lookup.recorded
    summary = by_name.get(identifier)
    if summary is not None and recorded is not None and _is_unchanged(lookup, recorded, summary):
        return recorded.live
    # Only an unfiltered listing proves absence, and only of a name: ARNs come from records.
    is_complete = status is None and not identifier.startswith(_ARN)
    if summary is None and is_complete and (recorded is None or recorded.arn is None):
        return None
    return lookup.answer_from_record(identifier)


def _is_unchanged(lookup: JobLookup, recorded: JobRecord, summary: JobSummary) -> bool:
    known, kind = recorded.live, lookup.attempts.kind
    if known is None or not lookup.is_known_active:
        return False
    return (
        summary.arn == known.arn
        and summary.status == known.status
        and summary.modified == known.members.get(kind.modified_member)
        and summary.members.get(kind.stages_member) == known.members.get(kind.stages_member)
    )
