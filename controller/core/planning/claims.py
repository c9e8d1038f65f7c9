"""The manifests of the whole tree that a job may belong to, and how strong the evidence is.

A pass may cover only a part of the tree. Whether a job belongs to another manifest is judged on all
of it: a copy of a manifest and its sidecar must not stop the original's job.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from controller.core.identity.tokens import compute_revision, derive_submission, iter_stems
from controller.core.kinds.kind import Kind
from controller.core.model import DesiredJob, JobKey, JobRecord, LiveJob, Place
from controller.core.validation.tree_conflicts import can_reach


class Proof(IntEnum):
    """How strong the evidence is that a job belongs to a manifest, weakest first."""

    RECORDED = 1
    """The manifest's sidecar names it; anyone can edit or copy a sidecar."""
    NAMED = 2
    """Its name can be derived from the manifest, in the manifest's account and region."""
    MADE = 3
    """Its token is that of the manifest's own submission, or the manifest adopts it by its ARN."""


@dataclass(frozen=True, slots=True)
class TreeManifests:
    """The manifests of the whole tree, and the records of those outside the folders of the pass.

    ``covered_paths`` are the paths that a pass over the whole tree would read. Elsewhere, for
    example in a folder of examples, a manifest may reuse a name. ``unreadable`` are the files that
    may hold further manifests.
    """

    manifests: tuple[DesiredJob, ...] = ()
    recorded: Mapping[JobKey, JobRecord] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    covered_paths: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Claims:
    """The jobs that the manifests of a tree claim, by job name and by recorded ARN or name."""

    kinds: Mapping[str, Kind]
    owner: str
    tree: TreeManifests
    by_name: Mapping[tuple[str, str], list[DesiredJob]]
    by_record: Mapping[str, list[DesiredJob]]
    by_key: Mapping[JobKey, list[DesiredJob]] = field(default_factory=dict)
    recorded: Mapping[JobKey, JobRecord] = field(default_factory=dict)

    def find_conflict(self, job: DesiredJob, name: str) -> str:
        """Return why no job may be submitted for a manifest under a name, or an empty string.

        Either another manifest of the tree has the same identity, or its job has or may get the
        same name in the same place. A pass over the whole tree would hold both manifests, so a pass
        over a part of it must not submit one of them.
        """
        for other in self.by_key.get(job.key, ()):
            if not _is_same(other, job) and other.source.path in self.tree.covered_paths:
                return f"{job.key} is also in {other.source.path}: give one another metadata.name"
        # bot-r2 may be a manifest's own name and the second retry of another manifest named bot.
        for stem, attempt, revised in _iter_name_origins(name):
            for other in self.by_name.get((job.key.kind, stem), ()):
                is_near = other.source.path in self.tree.covered_paths
                if _is_same(other, job) or not (is_near and _share_place(other, job)):
                    continue
                if stem == name or can_reach(other.policy, attempt, revised=revised):
                    place = other.source.path
                    return f"the job name {name} is, or may become, that of {other.key} in {place}"
        return ""

    def find_wrong_credentials(self, job: DesiredJob, place: Place) -> str:
        """Return which other manifest shows that a job's credentials are the wrong ones, if any.

        That manifest uses the same credentials, but declares or records another account or region
        than they act in.
        """
        role, region = job.target.assume_role_arn, job.target.region
        for other in self.tree.manifests:
            if (
                other.target.assume_role_arn != role
                or other.source.path not in self.tree.covered_paths
            ):
                continue
            declared, known = other.target.account_id, self.recorded.get(other.key)
            if declared not in {None, place.account_id}:
                return f"{other.key} declares account {declared} for the same credentials"
            # A manifest without a region gets the one that these credentials default to.
            default = None if region else place.region
            if known is not None and _is_recorded_elsewhere(
                known, other.target.region or default, place
            ):
                return f"the sidecar of {other.key} records {known.place} for the same credentials"
        return ""

    def find_rival(self, job: DesiredJob, live: LiveJob) -> str:
        """Return why a live job may equally belong to another manifest, or an empty string."""
        own = self._find_proof(job, live)
        for other in self._iter_candidates(job.key.kind, live):
            if not _is_same(other, job) and self._find_proof(other, live) >= own:
                return f"{live.arn} is the job of {other.key} in {other.source.path}"
        # A copied sidecar is the only evidence, and an unreadable file may hold the original's
        # manifest.
        if own is Proof.RECORDED and self.tree.unreadable and not job.removed:
            return (
                f"only the sidecar says that {live.arn} is this manifest's, and another manifest "
                f"of it may be in {self.tree.unreadable[0]}, which cannot be read"
            )
        return ""

    def _iter_candidates(self, kind: str, live: LiveJob) -> Iterator[DesiredJob]:
        for stem, _, _ in _iter_origins(live):
            yield from (job for job in self.by_name.get((kind, stem), ()) if _can_be_in(job, live))
        for known in (live.arn, live.name):
            yield from (job for job in self.by_record.get(known, ()) if job.key.kind == kind)

    def _find_proof(self, job: DesiredJob, live: LiveJob) -> Proof:
        """Return the strongest evidence that a job belongs to a manifest that names it."""
        if job.policy.adopt == live.arn:
            return Proof.MADE
        kind = self.kinds[job.key.kind]
        # A removed manifest derives no names any more, so a name proves nothing about it.
        name = None if job.removed or not _can_be_in(job, live) else get_base_name(kind, job)
        for stem, attempt, revised in _iter_origins(live):
            if stem == name:
                is_made = _is_own_submission(kind, job, self.owner, live, attempt, revised=revised)
                return Proof.MADE if is_made else Proof.NAMED
        return Proof.RECORDED


@dataclass(frozen=True, slots=True)
class TreeScope:
    """The whole tree, of which a plan may cover only a part.

    ``load_manifests`` reads it as soon as an action needs it. If the plan ``is_partial``, every
    change needs it.
    """

    load_manifests: Callable[[], TreeManifests]
    is_partial: bool = False


def build_claims(
    kinds: Mapping[str, Kind],
    owner: str,
    others: TreeManifests,
    recorded: Mapping[JobKey, JobRecord],
    seen: Iterable[tuple[DesiredJob, LiveJob]] = (),
) -> Claims:
    """Return the jobs that some manifests claim.

    ``recorded`` takes precedence over the records in ``others``; ``seen`` are the jobs that were
    found for manifests in this pass.
    """
    known = {**others.recorded, **recorded}
    by_name: defaultdict[tuple[str, str], list[DesiredJob]] = defaultdict(list)
    by_record: defaultdict[str, list[DesiredJob]] = defaultdict(list)
    by_key: defaultdict[JobKey, list[DesiredJob]] = defaultdict(list)
    for job in others.manifests:
        by_key[job.key].append(job)
        by_name[job.key.kind, get_base_name(kinds[job.key.kind], job)].append(job)
        for one in _collect_identifiers(job, known.get(job.key)):
            by_record[one].append(job)
    # The search may have followed a record to a job whose name leads to no manifest.
    for job, live in seen:
        by_record[live.arn].append(job)
    return Claims(kinds, owner, others, by_name, by_record, by_key, known)


def get_base_name(kind: Kind, job: DesiredJob) -> str:
    """Return the name of a manifest's first job, without the suffix of a retry or a revision."""
    if job.spec is None:
        return job.name
    return str(job.spec.get(kind.name_member, job.key.name))


def _collect_identifiers(job: DesiredJob, recorded: JobRecord | None) -> Iterable[str]:
    """Return the ARNs that a manifest and its sidecar name, and that of an unconfirmed Create."""
    found = {job.policy.adopt} if job.policy.adopt else set()
    if recorded is not None:
        found |= set(recorded.arns)
        found |= {recorded.name} if recorded.is_intent and recorded.name else set()
    return found


def _iter_origins(live: LiveJob) -> Iterator[tuple[str, int, bool]]:
    """Yield each base name, attempt and whether it is a revision, that result in a job's name."""
    yield from _iter_name_origins(live.name)


def _iter_name_origins(name: str) -> Iterator[tuple[str, int, bool]]:
    yield name, 0, False
    yield from iter_stems(name)


def _is_same(one: DesiredJob, other: DesiredJob) -> bool:
    """Whether two are the same manifest; the path may be spelled in two ways."""
    return (one.key, one.source.path) == (other.key, other.source.path)


def _is_recorded_elsewhere(known: JobRecord, region: str | None, place: Place) -> bool:
    """Whether a recorded job shows that credentials lead elsewhere: another account, or region."""
    if known.place is None:
        return False
    if not known.can_be_in(replace(known.place, account_id=place.account_id)):
        return True
    return region == place.region and not known.can_be_in(place)


def _share_place(one: DesiredJob, other: DesiredJob) -> bool:
    return one.target.known_place == other.target.known_place


def _is_own_submission(
    kind: Kind, job: DesiredJob, owner: str, live: LiveJob, attempt: int, *, revised: bool
) -> bool:
    """Whether a manifest's submission under this name has exactly the token that a job shows."""
    if job.spec is None or live.token is None:
        return False
    name = job.key.name
    revision = compute_revision(kind, job.spec, name) if revised else ""
    # Deriving the token again is the proof: it depends on the spec, the attempt and the owner.
    made = derive_submission(kind, job.spec, name, owner, attempt=attempt, revision=revision)
    return (made.name, made.token) == (live.name, live.token)


def _can_be_in(job: DesiredJob, live: LiveJob) -> bool:
    """Whether a manifest's target allows the account and region in a live job's ARN."""
    # Padded, so that a malformed ARN unpacks too and matches only an open target.
    _, _, _, region, account, *_ = (*live.arn.split(":"), *("",) * 5)
    declared_account, declared_region = job.target.known_place
    return declared_account in {None, account} and declared_region in {None, region}
