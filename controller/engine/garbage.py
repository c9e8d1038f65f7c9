"""Jobs without a manifest: finding them before a pass, and dropping their entries after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from controller.core.fleet import Fleet
from controller.core.kinds.kind import Kind
from controller.core.model import Desired, JobKey, Place, Recorded, Target
from controller.core.planning.actions import Outcome, Plan
from controller.core.planning.orphaned_entries import Census, Stray, desired_of, removed
from controller.core.planning.rules_removed import collectable
from controller.core.status.conditions import is_withheld
from controller.ports import Ledger, LedgerError

Written = Mapping[JobKey, tuple[Outcome, Mapping[str, Any]]]
"""What a pass made of each job, and its entry as it stands in its sidecar now."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far a pass sees: its own folders, and those around them that a file may have moved to.

    ``around`` is asked only when some job seems to have no manifest.
    """

    here: Census
    around: Callable[[], Census]


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The entries that stand ``astray``, and those among them that tell of ``removed`` jobs.

    ``census`` is as wide as it had to be to tell them apart.
    """

    removed: Mapping[JobKey, Stray]
    astray: tuple[Stray, ...]
    census: Census

    def desired(
        self,
        jobs: Iterable[Desired],
        recorded: Mapping[JobKey, Recorded],
        fleet: Fleet,
        *,
        prunes: bool,
    ) -> tuple[Desired, ...]:
        """Return the removed jobs as a pass looks at them."""
        targets: dict[Place, Target] = {}
        for job in jobs if self.removed else ():
            known = recorded.get(job.key)
            if known is not None and known.place is not None:
                targets[known.place] = job.target
        return tuple(
            desired_of(one, fleet, targets, prunes=prunes) for one in self.removed.values()
        )


def leftovers(kinds: Mapping[str, Kind], ledger: Ledger, coverage: Coverage | None) -> Leftovers:
    """Return what the ledger's last read met and no manifest stands beside."""
    if coverage is None:
        return Leftovers({}, (), Census())
    astray, census = tuple(ledger.astray()), coverage.here
    if not removed(kinds, astray, census):
        return Leftovers({}, astray, census)
    wide = census.with_around(coverage.around())
    return Leftovers(removed(kinds, astray, wide), astray, wide)


def collected(
    kinds: Mapping[str, Kind], found: Leftovers, written: Written, now: datetime
) -> tuple[tuple[Stray, Mapping[str, Any]], ...]:
    """Return the entries that are of no more use, each with what it says now.

    They are those of removed jobs that ended, and those that a move left behind.
    """
    return tuple(_collected(kinds, found, written, now))


def _collected(
    kinds: Mapping[str, Kind], found: Leftovers, written: Written, now: datetime
) -> Iterator[tuple[Stray, Mapping[str, Any]]]:
    for one in found.astray:
        if one.key not in written:
            continue
        outcome, entry = written[one.key]
        known = found.removed.get(one.key)
        if known is None:
            yield one, one.recorded.entry
        elif not collectable(kinds[one.key.kind], outcome.now, known.recorded, now):
            continue
        elif one is known:
            yield one, entry
        elif one.recorded.arn in {known.recorded.arn, None}:
            yield one, one.recorded.entry


def read_records(
    ledger: Ledger, jobs: Iterable[Desired], forgotten: frozenset[str]
) -> Mapping[JobKey, Recorded]:
    """Return what is recorded; a record that a person gives up is not doubted any more."""
    recorded = ledger.read({job.key: job.source for job in jobs})
    given_up = {
        key: replace(one, doubt=None)
        for key, one in recorded.items()
        if one.doubt is not None and key.name in forgotten
    }
    return {**recorded, **given_up} if given_up else recorded


def may_rebuild(made: Plan, recorded: Mapping[JobKey, Recorded], coverage: Coverage | None) -> bool:
    """Return whether sidecars that could not be understood are of no more use to any job.

    The pass must be over every manifest that there is, and hold none for its record: another
    manifest's record may be in them too.
    """
    keys = {action.desired.key for action in made.actions}
    if coverage is None or coverage.here.problems or not coverage.here.keys <= keys:
        return False
    return not any(is_withheld(one, recorded.get(one.desired.key)) for one in made.actions)


def drop(ledger: Ledger, entries: Iterable[tuple[Stray, Mapping[str, Any]]]) -> tuple[int, str]:
    """Remove entries and return how many went, and why the first that could not stayed."""
    gone, why = 0, ""
    for stray, entry in entries:
        try:
            gone += ledger.remove(stray, entry)
        except LedgerError as error:
            why = why or str(error)
    return gone, why
