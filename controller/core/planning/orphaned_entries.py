"""Sidecar entries without a manifest beside them: of jobs whose manifest moved or was removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.core.fleet import Fleet
from controller.core.identity.tokens import iter_stems
from controller.core.kinds.kind import Kind
from controller.core.model import (
    DesiredJob,
    JobKey,
    JobRecord,
    Place,
    Source,
    Target,
)
from controller.core.policy import Policy


@dataclass(frozen=True, slots=True)
class StrayEntry:
    """An entry and the sidecar that holds it, which is not the one beside its job's manifest.

    ``real_path`` is the path of that sidecar with links resolved.
    """

    sidecar: str
    real_path: str
    key: JobKey
    recorded: JobRecord


@dataclass(frozen=True, slots=True)
class Orphan:
    """A job without a manifest; ``sidecar`` is the file that still records it, if any."""

    kind: Kind
    name: str
    arn: str
    phase: str
    created: str
    place: Place | None
    sidecar: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.phase not in self.kind.terminal


@dataclass(frozen=True, slots=True)
class ManifestIndex:
    """The jobs that have a manifest, as far as some folders can be read.

    ``folders`` are those folders with links resolved. ``unreadable_paths`` are sidecars and folders
    that may have manifests which cannot be read, and ``problems`` counts the problems of the tree.
    ``names`` are the kinds and names of the manifests' first jobs. ``keys_elsewhere`` are the keys
    of manifests elsewhere in the fleet's folder; nothing else about those counts.
    """

    folders: tuple[str, ...] = ()
    keys: frozenset[JobKey] = frozenset()
    names: frozenset[tuple[str, str]] = frozenset()
    unreadable_paths: frozenset[str] = frozenset()
    problems: int = 0
    keys_elsewhere: frozenset[JobKey] = frozenset()

    def is_orphaned(self, stray: StrayEntry) -> bool:
        """Whether an entry lies in these folders and its job certainly has no manifest there."""
        if (
            stray.key in self.keys
            or stray.key in self.keys_elsewhere
            or stray.real_path in self.unreadable_paths
        ):
            return False
        # The manifest may be in a folder that could not be read.
        return _is_inside(stray.real_path, self.folders) and not _is_inside(
            stray.real_path, self.unreadable_paths
        )

    def widen(self, around: ManifestIndex) -> ManifestIndex:
        """Return this index extended by that of wider folders; its own folders stay the same."""
        return ManifestIndex(
            self.folders,
            self.keys | around.keys,
            self.names | around.names,
            self.unreadable_paths | around.unreadable_paths,
            max(self.problems, around.problems),
            self.keys_elsewhere | around.keys_elsewhere,
        )

    def has_job_name(self, kind: str, name: str) -> bool:
        """Whether a name is that of a manifest's first job, or of a retry or revision of it."""
        names = (name, *(stem for stem, _, _ in iter_stems(name)))
        return any((kind, one) in self.names for one in names)


def find_removed(
    kinds: Mapping[str, Kind], strays: Iterable[StrayEntry], index: ManifestIndex
) -> dict[JobKey, StrayEntry]:
    """Return the entry of every job without a manifest.

    If a job has several, the one with the latest attempt counts, and among those one whose job had
    not ended.
    """
    found: dict[JobKey, StrayEntry] = {}
    for one in strays:
        if index.is_orphaned(one):
            kind, known = kinds[one.key.kind], found.get(one.key)
            if known is None or _rank(kind, known.recorded) < _rank(kind, one.recorded):
                found[one.key] = one
    return found


def build_removed_job(
    stray: StrayEntry,
    fleet: Fleet,
    targets: Mapping[Place, Target],
    *,
    prunes: bool,
) -> DesiredJob:
    """Return a removed job as a pass observes it: taken from its sidecar, nothing to submit.

    ``targets`` are the targets of manifests that have jobs in a place; their credentials lead
    there. The account must be the recorded one.
    """
    recorded, fallback = stray.recorded, fleet.target
    live, place = recorded.live, recorded.place
    if place is not None:
        asked = targets.get(place, Target(place.region, None, fallback.assume_role_arn))
        # Pinned to the recorded account, so that other credentials cannot stop a namesake
        # elsewhere.
        fallback = Target(asked.region, place.account_id, asked.assume_role_arn)
    return DesiredJob(
        key=stray.key,
        source=Source(stray.sidecar),
        target=fallback,
        # With the manifest gone, only the record says what should happen to the job.
        policy=Policy(on_delete=recorded.on_delete),
        name=(live.name if live is not None else recorded.name) or stray.key.name,
        submission=None,
        removed=True,
        prunes=prunes,
    )


def _rank(kind: Kind, recorded: JobRecord) -> tuple[int, bool]:
    ended = recorded.live is not None and recorded.live.status in kind.terminal
    return recorded.attempt, not ended


def _is_inside(path: str, folders: Iterable[str]) -> bool:
    # With the slash, jobs-old/ is not inside jobs/.
    return any(path.startswith(f"{folder.rstrip('/')}/") for folder in folders)
