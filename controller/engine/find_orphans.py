"""Finds jobs of our owner that no manifest leads to, in sidecars and in the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

from controller.core.fleet import Fleet
from controller.core.identity.tags import recover_token
from controller.core.identity.tokens import get_owner_prefix
from controller.core.kinds.kind import Kind
from controller.core.model import DesiredJob, JobKey, JobRecord, JobSummary, Place, Target
from controller.core.planning.orphaned_entries import ManifestIndex, Orphan, StrayEntry
from controller.ports import Cloud, CloudError

ProgressCallback = Callable[[int, int], None]
"""Receives the number of jobs checked so far, and of all jobs to check."""


@dataclass(frozen=True, slots=True)
class OrphanReport:
    """The orphans, sorted by place and name, and what could not be checked, in words."""

    orphans: tuple[Orphan, ...]
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownJobs:
    """What is known without a call: manifests' jobs, all entries, and those without a manifest."""

    desired: tuple[DesiredJob, ...]
    recorded: Mapping[JobKey, JobRecord]
    removed: Mapping[JobKey, StrayEntry]
    census: ManifestIndex

    def is_accounted_for(self, kind: Kind, summary: JobSummary, arns: frozenset[str]) -> bool:
        """Whether a listed job belongs to a manifest or an entry."""
        return summary.arn in arns or self.census.has_job_name(kind.name, summary.name)

    def collect_arns(self) -> frozenset[str]:
        """Return the ARNs that manifests and entries name, including those of earlier jobs."""
        adopted = {job.policy.adopt for job in self.desired if job.policy.adopt}
        entries = (*self.recorded.values(), *(one.recorded for one in self.removed.values()))
        return frozenset(adopted.union(*(known.arns for known in entries)))


@dataclass(frozen=True, slots=True)
class _ListedJob:
    """A listed job and where it was listed."""

    kind: Kind
    target: Target
    place: Place
    summary: JobSummary


def find_orphans(
    kinds: Mapping[str, Kind],
    known: KnownJobs,
    fleet: Fleet,
    cloud: Cloud,
    executor: Executor,
    step: ProgressCallback,
) -> OrphanReport:
    """Return every job of the fleet's owner that has no manifest.

    Each place that manifests target, or else the fleet's own, is listed completely. A listing does
    not show whose a job is, so each job that nothing leads to is looked up by Get.
    """
    failures: list[str] = []
    listed = list(_list_jobs(kinds, known, fleet, cloud, failures))
    by_arn = {one.summary.arn: one for one in listed}
    arns = known.collect_arns()
    unknown = [one for one in listed if not known.is_accounted_for(one.kind, one.summary, arns)]
    found = [_build_recorded_orphan(kinds, one, by_arn) for one in known.removed.values()]
    lookups = executor.map(partial(_check_job, fleet, cloud), unknown)
    for number, lookup in enumerate(lookups, 1):
        step(number, len(unknown))
        if isinstance(lookup, Orphan):
            found.append(lookup)
        elif lookup:
            failures.append(lookup)
    return OrphanReport(
        tuple(sorted(found, key=lambda one: (str(one.place), one.kind.name, one.name))),
        tuple(dict.fromkeys(failures)),
    )


def _list_jobs(
    kinds: Mapping[str, Kind], known: KnownJobs, fleet: Fleet, cloud: Cloud, failures: list[str]
) -> Iterator[_ListedJob]:
    """Yield all jobs of each place, listed once; a place that fails does not stop the others."""
    seen: set[Place] = set()
    for target in dict.fromkeys(job.target for job in known.desired) or (fleet.target,):
        # The account is a condition, not an address: credentials decide where a call goes.
        asked = replace(target, account_id=None)
        try:
            place = cloud.get_place(asked)
            # Jobs of another account would be reported as orphans of this fleet.
            if target.account_id not in {None, place.account_id}:
                failures.append(
                    f"WrongTarget: the credentials act in {place}, but manifests name account "
                    f"{target.account_id}: its jobs were not listed"
                )
            elif place not in seen:
                seen.add(place)
                for kind in kinds.values():
                    for summary in cloud.list_jobs(kind, asked):
                        yield _ListedJob(kind, asked, place, summary)
        except CloudError as error:
            failures.append(str(error.failure))


def _check_job(fleet: Fleet, cloud: Cloud, one: _ListedJob) -> Orphan | str | None:
    """Return a job if its token proves that it is ours, or its tags where Get shows no token."""
    try:
        live = cloud.get(one.kind, one.target, one.summary.arn)
        if live is None:
            return None
        shown = live.token
        if shown is None and fleet.stamp_tags:
            shown = recover_token(cloud.get_tags(one.target, live.arn), fleet.owner)
    except CloudError as error:
        return str(error.failure)
    if not (shown or "").startswith(get_owner_prefix(fleet.owner)):
        return None
    created = str(live.members.get(one.kind.created_member, ""))
    return Orphan(one.kind, live.name, live.arn, live.status, created, one.place)


def _build_recorded_orphan(
    kinds: Mapping[str, Kind], stray: StrayEntry, by_arn: Mapping[str, _ListedJob]
) -> Orphan:
    """Return the orphan that a sidecar records, with the status that the service lists."""
    recorded, kind = stray.recorded, kinds[stray.key.kind]
    live = recorded.live
    # The listing is newer than the sidecar.
    listed = by_arn.get(recorded.arn or "")
    return Orphan(
        kind,
        (live.name if live is not None else recorded.name) or stray.key.name,
        recorded.arn or "",
        listed.summary.status if listed is not None else recorded.phase,
        str(live.members.get(kind.created_member, "")) if live is not None else "",
        recorded.place,
        stray.sidecar,
    )
