"""Fetches jobs and their tags for import, without those that have a manifest already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from controller.core.identity.tokens import SCHEME, find_suffix, get_owner_prefix
from controller.core.kinds.kind import Kind
from controller.core.model import (
    CallFailure,
    DesiredJob,
    JobKey,
    JobRecord,
    JobSummary,
    LiveJob,
    Place,
    Target,
)
from controller.ports import Cloud, CloudError


@dataclass(frozen=True, slots=True)
class ManagedJobs:
    """The jobs that manifests manage already, by ARN and by name, in one place.

    ``owner_prefix`` is the prefix of the owner's tokens.
    """

    arns: Mapping[str, JobKey]
    names: Mapping[tuple[str, str], JobKey]
    owner_prefix: str

    def find_listed(self, kind: Kind, job: LiveJob | JobSummary) -> JobKey | None:
        """Return the manifest of a job, as far as its ARN and name show."""
        return self.arns.get(job.arn) or self.names.get((kind.name, job.name))

    def find_manifest(self, kind: Kind, live: LiveJob) -> JobKey | None:
        """Return the manifest that manages a job, or None."""
        found = self.find_listed(kind, live)
        if found or not (live.token or "").startswith(self.owner_prefix):
            return found
        # The job has our owner's token: its name may be that of a manifest's retry or revision.
        # Linear, but only for our own jobs that are known neither by ARN nor by name.
        for (kind_name, name), key in self.names.items():
            if kind_name == kind.name and find_suffix(live.name, name) is not None:
                return key
        return None

    def has_other_owner(self, live: LiveJob) -> bool:
        """Whether another owner's fleet submitted a job, and therefore manages it."""
        token = live.token or ""
        return token.startswith(SCHEME) and not token.startswith(self.owner_prefix)


@dataclass(frozen=True, slots=True)
class FetchedJob:
    """One job and the tags of each tag member, as far as they could be read."""

    kind: Kind
    live: LiveJob
    tags: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchResult:
    """The requested jobs, those left out with the reason, and those that do not exist."""

    jobs: tuple[FetchedJob, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    failures: tuple[tuple[str, CallFailure], ...] = ()


@dataclass(frozen=True, slots=True)
class JobListing:
    """The ARNs of the jobs to fetch, the number of managed ones, and the listings that failed."""

    identifiers: tuple[tuple[Kind, str], ...] = ()
    managed: int = 0
    failures: tuple[tuple[str, CallFailure], ...] = ()


def find_managed_jobs(
    kinds: Mapping[str, Kind],
    desired: Iterable[DesiredJob],
    recorded: Mapping[JobKey, JobRecord],
    place: Place,
    owner: str,
) -> ManagedJobs:
    """Return the jobs of a place that manifests manage: adopted, recorded, or by their name."""
    arns: dict[str, JobKey] = {}
    names: dict[tuple[str, str], JobKey] = {}
    for job in desired:
        # An open target may lead to this place, so its manifest counts here.
        target = job.target.fill_from(Target(place.region, place.account_id))
        if (target.region, target.account_id) != (place.region, place.account_id):
            continue
        # The name of the current attempt, and the name that all attempts begin with.
        first = (job.spec or {}).get(kinds[job.key.kind].name_member, job.key.name)
        names |= {(job.key.kind, name): job.key for name in (job.name, str(first))}
        known = recorded.get(job.key)
        if job.policy.adopt is not None:
            arns[job.policy.adopt] = job.key
        arns |= dict.fromkeys(known.arns, job.key) if known is not None else {}
    return ManagedJobs(arns, names, get_owner_prefix(owner))


def list_unmanaged_jobs(
    cloud: Cloud, target: Target, kinds: Iterable[Kind], claims: ManagedJobs
) -> JobListing:
    """List all jobs of some kinds, without those that a manifest evidently manages."""
    asked: list[tuple[Kind, str]] = []
    failures: list[tuple[str, CallFailure]] = []
    managed = 0
    for kind in kinds:
        try:
            found = cloud.list_jobs(kind, target)
        except CloudError as error:
            failures.append((kind.plural, error.failure))
            continue
        asked += [(kind, one.arn) for one in found if claims.find_listed(kind, one) is None]
        managed += sum(claims.find_listed(kind, one) is not None for one in found)
    return JobListing(tuple(asked), managed, tuple(failures))


def fetch_jobs(
    cloud: Cloud,
    executor: Executor,
    target: Target,
    asked: Sequence[tuple[Kind, str]],
    claims: ManagedJobs,
    *,
    named: bool,
) -> FetchResult:
    """Return the jobs with these names or ARNs; one that fails does not stop the others.

    Jobs that a manifest manages are left out, and so are another fleet's unless they were
    ``named``. A name may be looked up under several kinds; it is missing if none has it.
    """

    def get_one(kind: Kind, identifier: str) -> LiveJob | CallFailure | None:
        try:
            return cloud.get(kind, target, identifier)
        except CloudError as error:
            return error.failure

    answers = list(executor.map(lambda each: get_one(*each), asked))
    # A name may be found under several kinds, and a job under its name and its ARN.
    both = list(zip(asked, answers, strict=True))
    lives = {one.arn: (kind, one) for (kind, _), one in both if isinstance(one, LiveJob)}
    reasons = {
        arn: _explain_skip(kind, live, claims, named=named) for arn, (kind, live) in lives.items()
    }
    wanted = [lives[arn] for arn, reason in reasons.items() if not reason]
    met = {identifier for (_, identifier), answer in both if answer is not None}
    return FetchResult(
        jobs=tuple(executor.map(lambda each: _read_tags(cloud, target, *each), wanted)),
        skipped=tuple((lives[arn][1].name, why) for arn, why in reasons.items() if why),
        missing=tuple(dict.fromkeys(name for _, name in asked if name not in met)),
        failures=tuple((name, one) for (_, name), one in both if isinstance(one, CallFailure)),
    )


def _explain_skip(kind: Kind, live: LiveJob, claims: ManagedJobs, *, named: bool) -> str:
    key = claims.find_manifest(kind, live)
    if key is not None:
        return f"it is managed by {key}"
    if not named and claims.has_other_owner(live):
        return "another fleet submitted it; name it to take it over"
    return ""


def _read_tags(cloud: Cloud, target: Target, kind: Kind, live: LiveJob) -> FetchedJob:
    """Return a job with its tags; a job whose tags cannot be read is still returned."""
    tags: dict[str, Mapping[str, str]] = {}
    notes: list[str] = []
    for member, holder in kind.tagged.items():
        arn = live.members.get(holder)
        if not arn:
            continue
        try:
            tags[member] = cloud.get_tags(target, str(arn))
        except CloudError as error:
            notes.append(f"{member} could not be read and are left out: {error.failure}")
    return FetchedJob(kind, live, tags, tuple(notes))
