"""Jobs fetched from the service with what their manifests need, less those that have one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from controller.core.identity import owner_mark
from controller.core.kind import Kind
from controller.core.model import Desired, Failure, JobKey, Live, Place, Recorded, Target
from controller.ports import Cloud, CloudError

_SUFFIX = re.compile(r"(?:-[0-9a-f]{8})?(?:-r[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Standing:
    """The jobs that manifests stand for already, by ARN and by name, in one place."""

    arns: Mapping[str, JobKey]
    names: Mapping[tuple[str, str], JobKey]
    mark: str

    def manifest_of(self, kind: Kind, live: Live) -> JobKey | None:
        """Return the manifest that stands for a job, if one does."""
        found = self.arns.get(live.arn) or self.names.get((kind.name, live.name))
        if found or not (live.token or "").startswith(self.mark):
            return found
        # One of our owner: its name may be that of a manifest's retry or revision.
        for (kind_name, name), key in self.names.items():
            rest = live.name.removeprefix(name)
            if kind_name == kind.name and rest != live.name and _SUFFIX.fullmatch(rest):
                return key
        return None


@dataclass(frozen=True, slots=True)
class Fetched:
    """One job with the tags of each tag member, as far as they could be read."""

    kind: Kind
    live: Live
    tags: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """What was asked for: the jobs, those that have a manifest, and what was not found."""

    jobs: tuple[Fetched, ...] = ()
    skipped: tuple[tuple[Live, JobKey], ...] = ()
    missing: tuple[str, ...] = ()
    failures: tuple[tuple[str, Failure], ...] = ()


def standing(
    kinds: Mapping[str, Kind],
    desired: Iterable[Desired],
    recorded: Mapping[JobKey, Recorded],
    place: Place,
    owner: str,
) -> Standing:
    """Return the jobs of a place that manifests stand for: adopted, recorded, or by their name."""
    arns: dict[str, JobKey] = {}
    names: dict[tuple[str, str], JobKey] = {}
    for job in desired:
        target = job.target.over(Target(place.region, place.account_id))
        if (target.region, target.account_id) != (place.region, place.account_id):
            continue
        # The name of today's attempt, and the one that all attempts begin with.
        first = (job.spec or {}).get(kinds[job.key.kind].name_member, job.key.name)
        names |= {(job.key.kind, name): job.key for name in (job.name, str(first))}
        known = recorded.get(job.key)
        own = (job.policy.adopt, *(_arns(known) if known else ()))
        arns |= {arn: job.key for arn in own if arn}
    return Standing(arns, names, owner_mark(owner))


def _arns(recorded: Recorded) -> Iterator[str | None]:
    yield recorded.arn
    for earlier in recorded.entry.get("history", ()):
        yield earlier.get("jobArn")


def fetch(
    cloud: Cloud,
    executor: Executor,
    target: Target,
    asked: Sequence[tuple[Kind, str]],
    known: Standing,
) -> Fetch:
    """Return the jobs that are asked for by name or ARN; one that fails stops no other.

    Those that a manifest stands for are only told. An absent job may be asked for under several
    kinds; it is missing when none has it.
    """

    def one(kind: Kind, identifier: str) -> Live | Failure | None:
        try:
            return cloud.get(kind, target, identifier)
        except CloudError as error:
            return error.failure

    found = list(executor.map(lambda each: one(*each), asked))
    lives: dict[str, tuple[Kind, Live]] = {}
    failures: list[tuple[str, Failure]] = []
    answered: set[str] = set()
    for (kind, identifier), answer in zip(asked, found, strict=True):
        if isinstance(answer, Failure):
            failures.append((identifier, answer))
        if isinstance(answer, Live):
            lives[answer.arn] = (kind, answer)
        if answer is not None:
            answered.add(identifier)
    skipped = {
        arn: (live, key)
        for arn, (kind, live) in lives.items()
        if (key := known.manifest_of(kind, live)) is not None
    }
    wanted = [lives[arn] for arn in lives if arn not in skipped]
    jobs = executor.map(lambda each: _tagged(cloud, target, *each), wanted)
    missing = dict.fromkeys(name for _, name in asked if name not in answered)
    return Fetch(tuple(jobs), tuple(skipped.values()), tuple(missing), tuple(failures))


def listed(
    cloud: Cloud, target: Target, kinds: Iterable[Kind]
) -> tuple[list[tuple[Kind, str]], list[tuple[str, Failure]]]:
    """Return every job of some kinds, to be asked for by ARN, and the listings that failed."""
    found: list[tuple[Kind, str]] = []
    failures: list[tuple[str, Failure]] = []
    for kind in kinds:
        try:
            found += [(kind, summary.arn) for summary in cloud.listing(kind, target)]
        except CloudError as error:
            failures.append((kind.plural, error.failure))
    return found, failures


def _tagged(cloud: Cloud, target: Target, kind: Kind, live: Live) -> Fetched:
    """Read a job's tags; without them it is still a job."""
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
