"""Finds jobs without a manifest before a pass, and removes their entries after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from controller.core.fleet import Fleet
from controller.core.kinds.kind import Kind
from controller.core.model import DesiredJob, JobKey, JobRecord, Place, Target
from controller.core.planning.actions import Outcome, Plan
from controller.core.planning.orphaned_entries import (
    ManifestIndex,
    StrayEntry,
    build_removed_job,
    find_removed,
)
from controller.core.planning.rules_removed import is_collectable
from controller.core.status.conditions import is_withheld
from controller.ports import Ledger, LedgerError

WrittenEntries = Mapping[JobKey, tuple[Outcome, Mapping[str, Any]]]
"""The result of each job in a pass, and its entry as it is in the sidecar now."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The folders that a pass covers, and wider ones that a manifest may have moved to.

    ``load_wider_index`` reads the wider ones; it is called only when some job seems to have no
    manifest.
    """

    index: ManifestIndex
    load_wider_index: Callable[[], ManifestIndex]


@dataclass(frozen=True, slots=True)
class OrphanedEntries:
    """The entries that are not beside their manifest, and those of them whose job was ``removed``.

    ``index`` covers as many folders as it took to tell them apart.
    """

    removed: Mapping[JobKey, StrayEntry]
    stray_entries: tuple[StrayEntry, ...]
    index: ManifestIndex

    def build_desired_jobs(
        self,
        jobs: Iterable[DesiredJob],
        recorded: Mapping[JobKey, JobRecord],
        fleet: Fleet,
        *,
        prunes: bool,
    ) -> tuple[DesiredJob, ...]:
        """Return the removed jobs in the form that a pass observes."""
        targets: dict[Place, Target] = {}
        # Credentials that reach a place today are the ones to look up its removed jobs with.
        for job in jobs if self.removed else ():
            known = recorded.get(job.key)
            if known is not None and known.place is not None:
                targets[known.place] = job.target
        return tuple(
            build_removed_job(one, fleet, targets, prunes=prunes) for one in self.removed.values()
        )


def find_orphaned_entries(
    kinds: Mapping[str, Kind], ledger: Ledger, coverage: Coverage | None
) -> OrphanedEntries:
    """Return the entries that the ledger's last read found without a manifest beside them."""
    if coverage is None:
        return OrphanedEntries({}, (), ManifestIndex())
    astray, index = tuple(ledger.list_stray_entries()), coverage.index
    if not find_removed(kinds, astray, index):
        return OrphanedEntries({}, astray, index)
    # The manifest may have moved out of the pass's folders; only the wider tree can tell.
    wide = index.widen(coverage.load_wider_index())
    return OrphanedEntries(find_removed(kinds, astray, wide), astray, wide)


def list_collectable(
    kinds: Mapping[str, Kind], found: OrphanedEntries, written: WrittenEntries, now: datetime
) -> tuple[tuple[StrayEntry, Mapping[str, Any]], ...]:
    """Return the entries that are no longer needed, each with its current content.

    These are the entries of removed jobs that ended, and those that a moved manifest left behind.
    """
    return tuple(_iter_collectable(kinds, found, written, now))


def _iter_collectable(
    kinds: Mapping[str, Kind], found: OrphanedEntries, written: WrittenEntries, now: datetime
) -> Iterator[tuple[StrayEntry, Mapping[str, Any]]]:
    for one in found.stray_entries:
        if one.key not in written:
            continue
        outcome, entry = written[one.key]
        known = found.removed.get(one.key)
        if known is None:
            yield one, one.recorded.entry
        elif not is_collectable(kinds[one.key.kind], outcome.actual, known.recorded, now):
            continue
        elif one is known:
            yield one, entry
        # A copy that names another job stays: it may be all that is left of that job.
        elif one.recorded.arn in {known.recorded.arn, None}:
            yield one, one.recorded.entry


def read_records(
    ledger: Ledger, jobs: Iterable[DesiredJob], forgotten: frozenset[str]
) -> Mapping[JobKey, JobRecord]:
    """Return what is recorded; a record that the user gave up no longer holds its job."""
    recorded = ledger.read({job.key: job.source for job in jobs})
    # Only the doubt is dropped: what could be read of the record still counts.
    given_up = {
        key: replace(one, doubt=None)
        for key, one in recorded.items()
        if one.doubt is not None and key.name in forgotten
    }
    return {**recorded, **given_up} if given_up else recorded


def can_rebuild(
    plan: Plan, recorded: Mapping[JobKey, JobRecord], coverage: Coverage | None
) -> bool:
    """Return whether sidecars that could not be parsed are no longer needed by any job.

    The pass must cover every manifest and hold none for its record: an unreadable sidecar may hold
    another manifest's record too.
    """
    keys = {action.desired.key for action in plan.actions}
    # A manifest that could not be parsed may own a record in such a sidecar.
    if coverage is None or coverage.index.problems or not coverage.index.keys <= keys:
        return False
    return not any(is_withheld(one, recorded.get(one.desired.key)) for one in plan.actions)


def drop_entries(
    ledger: Ledger, entries: Iterable[tuple[StrayEntry, Mapping[str, Any]]]
) -> tuple[int, str]:
    """Remove entries; return how many were removed, and why the first that could not be was not."""
    gone, why = 0, ""
    for stray, entry in entries:
        try:
            gone += ledger.remove(stray, entry)
        except LedgerError as error:
            why = why or str(error)
    return gone, why
