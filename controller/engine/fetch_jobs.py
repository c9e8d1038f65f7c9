"""Fetches jobs and their tags for import, without those that have a manifest already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from controller.core.identity.tokens import SCHEME, owner_mark, suffix_of
from controller.core.kinds.kind import Kind
from controller.core.model import Desired, Failure, JobKey, Live, Place, Recorded, Summary, Target
from controller.ports import Cloud, CloudError


@dataclass(frozen=True, slots=True)
class Claims:
    """The jobs that manifests manage already, by ARN and by name, in one place.

    ``mark`` is the prefix of the owner's tokens.
    """

    arns: Mapping[str, JobKey]
    names: Mapping[tuple[str, str], JobKey]
    mark: str

    def listed(self, kind: Kind, job: Live | Summary) -> JobKey | None:
        """Return the manifest of a job, as far as its ARN and name show."""
        return self.arns.get(job.arn) or self.names.get((kind.name, job.name))

    def manifest_of(self, kind: Kind, live: Live) -> JobKey | None:
        """Return the manifest that manages a job, or None."""
        found = self.listed(kind, live)
        if found or not (live.token or "").startswith(self.mark):
            return found
        # The job has our owner's token: its name may be that of a manifest's retry or revision.
        for (kind_name, name), key in self.names.items():
            if kind_name == kind.name and suffix_of(live.name, name) is not None:
                return key
        return None

    def is_another_fleets(self, live: Live) -> bool:
        """Whether another owner's fleet submitted a job, and therefore manages it."""
        token = live.token or ""
        return token.startswith(SCHEME) and not token.startswith(self.mark)


@dataclass(frozen=True, slots=True)
class Fetched:
    """One job and the tags of each tag member, as far as they could be read."""

    kind: Kind
    live: Live
    tags: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """The requested jobs, those left out with the reason, and those that do not exist."""

    jobs: tuple[Fetched, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    failures: tuple[tuple[str, Failure], ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The ARNs of the jobs to fetch, the number of managed ones, and the listings that failed."""

    asked: tuple[tuple[Kind, str], ...] = ()
    managed: int = 0
    failures: tuple[tuple[str, Failure], ...] = ()


def claims(
    kinds: Mapping[str, Kind],
    desired: Iterable[Desired],
    recorded: Mapping[JobKey, Recorded],
    place: Place,
    owner: str,
) -> Claims:
    """Return the jobs of a place that manifests manage: adopted, recorded, or by their name."""
    arns: dict[str, JobKey] = {}
    names: dict[tuple[str, str], JobKey] = {}
    for job in desired:
        target = job.target.over(Target(place.region, place.account_id))
        if (target.region, target.account_id) != (place.region, place.account_id):
            continue
        # The name of the current attempt, and the name that all attempts begin with.
        first = (job.spec or {}).get(kinds[job.key.kind].name_member, job.key.name)
        names |= {(job.key.kind, name): job.key for name in (job.name, str(first))}
        known = recorded.get(job.key)
        if job.policy.adopt is not None:
            arns[job.policy.adopt] = job.key
        arns |= dict.fromkeys(known.arns, job.key) if known is not None else {}
    return Claims(arns, names, owner_mark(owner))


def listed(cloud: Cloud, target: Target, kinds: Iterable[Kind], claims: Claims) -> Listing:
    """List all jobs of some kinds, without those that a manifest evidently manages."""
    asked: list[tuple[Kind, str]] = []
    failures: list[tuple[str, Failure]] = []
    managed = 0
    for kind in kinds:
        try:
            found = cloud.listing(kind, target)
        except CloudError as error:
            failures.append((kind.plural, error.failure))
            continue
        asked += [(kind, one.arn) for one in found if claims.listed(kind, one) is None]
        managed += sum(claims.listed(kind, one) is not None for one in found)
    return Listing(tuple(asked), managed, tuple(failures))


def fetch(
    cloud: Cloud,
    executor: Executor,
    target: Target,
    asked: Sequence[tuple[Kind, str]],
    claims: Claims,
    *,
    named: bool,
) -> Fetch:
    """Return the jobs with these names or ARNs; one that fails does not stop the others.

    Jobs that a manifest manages are left out, and so are another fleet's unless they were
    ``named``. A name may be looked up under several kinds; it is missing if none has it.
    """

    def one(kind: Kind, identifier: str) -> Live | Failure | None:
        try:
            return cloud.get(kind, target, identifier)
        except CloudError as error:
            return error.failure

    answers = list(executor.map(lambda each: one(*each), asked))
    both = list(zip(asked, answers, strict=True))
    lives = {one.arn: (kind, one) for (kind, _), one in both if isinstance(one, Live)}
    reasons = {arn: _reason(kind, live, claims, named=named) for arn, (kind, live) in lives.items()}
    wanted = [lives[arn] for arn, reason in reasons.items() if not reason]
    met = {identifier for (_, identifier), answer in both if answer is not None}
    return Fetch(
        jobs=tuple(executor.map(lambda each: _tagged(cloud, target, *each), wanted)),
        left_out=tuple((lives[arn][1].name, why) for arn, why in reasons.items() if why),
        missing=tuple(dict.fromkeys(name for _, name in asked if name not in met)),
        failures=tuple((name, one) for (_, name), one in both if isinstance(one, Failure)),
    )


def _reason(kind: Kind, live: Live, claims: Claims, *, named: bool) -> str:
    key = claims.manifest_of(kind, live)
    if key is not None:
        return f"it is managed by {key}"
    if not named and claims.is_another_fleets(live):
        return "another fleet submitted it; name it to take it over"
    return ""


def _tagged(cloud: Cloud, target: Target, kind: Kind, live: Live) -> Fetched:
    """Return a job with its tags; a job whose tags cannot be read is still returned."""
    tags: dict[str, Mapping[str, str]] = {}
    notes: list[str] = []
    for member, holder in kind.tagged.items():
        arn = live.members.get(holder)
        if not arn:
            continue
        try:
            tags[member] = cloud.tags(target, str(arn))
        except CloudError as error:
            notes.append(f"{member} could not be read and are left out: {error.failure}")
    return Fetched(kind, live, tags, tuple(notes))
