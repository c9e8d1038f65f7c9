"""One pass: observe, plan, act, record; the only place that asks whether to act."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from controller.core.fleet import Fleet
from controller.core.model import Desired, JobKey, Recorded
from controller.core.planning.actions import Outcome, Plan
from controller.core.planning.admission import Crowd
from controller.core.planning.plan import plan, refusal
from controller.core.planning.rules_removed import Cleaning
from controller.core.planning.rules_removed import refusal as prune_refusal
from controller.core.planning.slots import slots_beside
from controller.engine.apply import (
    Outside,
    Result,
    Terms,
    Worker,
    apply_plan,
    apply_stops,
    leave_if_asked,
)
from controller.engine.count_active_jobs import confirm_room
from controller.engine.execute import Actor
from controller.engine.garbage import (
    Coverage,
    Leftovers,
    collected,
    drop,
    leftovers,
    may_rebuild,
    read_records,
)
from controller.engine.observe import Observer
from controller.engine.rate_limit import Gated, narrowed
from controller.ports import Cloud

_log = logging.getLogger(__name__)
_NO_CLEANING = Cleaning()


class Mode(Enum):
    """How far a pass goes."""

    PLAN = "plan"
    """Observe and plan; write nothing and call nothing that changes anything."""
    RECORD = "record"
    """Observe, plan and record what is seen, without acting."""
    APPLY = "apply"
    """The whole of it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one pass decided and what became of it.

    ``results`` holds one for every action, in the plan's order. ``refused`` says why the guard
    let nothing through. ``collected`` counts the entries that were removed, or would be;
    ``uncollected`` says why one could not.
    """

    plan: Plan
    results: tuple[Result, ...] = ()
    refused: str | None = None
    collected: int = 0
    uncollected: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """How much a pass looks at beside the jobs that it is given.

    A ``full`` pass asks about ended jobs and about tags too, which are otherwise taken from the
    sidecars. ``forgotten`` names the jobs whose records a person gives up where they cannot be
    read. With a ``coverage`` the jobs without a manifest are part of the pass, and ``cleaning``
    says what may be done about them. A pass over a ``part`` of the jobs counts what else runs, as
    recorded, against the limits, and ``identifies`` the credentials even if it makes no other call:
    a pass over another part may change something with them.
    """

    full: bool = False
    identifies: bool = False
    part: bool = False
    coverage: Coverage | None = None
    cleaning: Cleaning = _NO_CLEANING
    forgotten: frozenset[str] = frozenset()


_NOTHING_MORE = Scope()
_ANYTHING = Terms()


def reconcile(
    desired: Iterable[Desired],
    outside: Outside,
    fleet: Fleet,
    mode: Mode,
    scope: Scope = _NOTHING_MORE,
    terms: Terms = _ANYTHING,
) -> Report:
    """Carry out the very plan that the report shows, as far as the mode goes.

    One action's error never stops another's. ``terms`` are asked about the very plan that is
    carried out. A pass that is left finishes and records what is under way, and then raises
    PassLeftError.
    """
    jobs, now = tuple(desired), outside.clock.now()
    recorded = read_records(outside.ledger, jobs, scope.forgotten)
    found = leftovers(outside.kinds, outside.ledger, scope.coverage)
    if found.removed:
        jobs += found.desired(jobs, recorded, fleet, prunes=scope.cleaning.prune)
        recorded = {**recorded, **{key: one.recorded for key, one in found.removed.items()}}
    if mode is Mode.APPLY:
        outside.ledger.clean()
    kinds, by_key = outside.kinds, {job.key: job for job in jobs}
    is_part = scope.part or (outside.around is not None and outside.around.narrow)
    beside = slots_beside(kinds, recorded, by_key) if is_part else {}
    looking = Gated(outside.cloud, lambda _: _staying(outside.leaves))
    observer = _observer(outside, looking, recorded, fleet, scope, now)
    seen = observer.everywhere(jobs, outside.width)
    crowd = Crowd(seen.active, beside, terms.permits)
    made = plan(kinds, jobs, seen.observations, recorded, fleet, now, crowd, outside.around)
    made, crowd = confirm_room(made, kinds, recorded, fleet, crowd, looking)
    barred, over = _refusal(made, fleet, found, scope, terms, mode)
    refused = barred or over
    if mode is Mode.APPLY and may_rebuild(made, recorded, scope.coverage):
        outside.ledger.rebuild()
    acting = narrowed(outside.cloud, outside.width)
    actor = Actor(kinds, by_key, recorded, fleet, acting, outside.ledger, outside.clock, now)
    worker = Worker(actor, outside)
    if mode is Mode.APPLY and barred is None:
        results = (apply_stops if over else apply_plan)(made, worker, crowd.beside, terms)
    elif mode is Mode.RECORD:
        results = worker.record([Outcome(one, one) for one in made.actions])
    else:
        results = tuple(worker.foresee(action) for action in made.actions)
    _log_pass(mode, results, refused)
    report = Report(made, results, refused)
    return _cleaned(report, worker, found, mode) if scope.cleaning.collect else report


def _observer(
    outside: Outside,
    cloud: Cloud,
    recorded: Mapping[JobKey, Recorded],
    fleet: Fleet,
    scope: Scope,
    now: datetime,
) -> Observer:
    return Observer(
        outside.kinds,
        recorded,
        fleet,
        cloud,
        full=scope.full,
        identifies=scope.identifies,
        collects=scope.cleaning.collect,
        now=now,
    )


@contextmanager
def _staying(leaves: Callable[[], bool]) -> Iterator[None]:
    leave_if_asked(leaves)
    yield


def _refusal(
    made: Plan, fleet: Fleet, found: Leftovers, scope: Scope, terms: Terms, mode: Mode
) -> tuple[str | None, str | None]:
    """Return why the terms or a guard let nothing through, and why a limit lets only stops."""
    if mode is Mode.RECORD:
        return None, None
    manifests, problems = len(found.census.keys), found.census.problems
    barred = terms.refuses(made) or prune_refusal(
        made, scope.cleaning, fleet.owner, manifests=manifests, problems=problems
    )
    return barred, refusal(made, fleet.limits.max_submits)


def _cleaned(report: Report, worker: Worker, found: Leftovers, mode: Mode) -> Report:
    """Drop the entries that are of no more use; where nothing may be done, only count them.

    Where a job's record could not be read, its other entries are the last that is known of it.
    """
    outside, actor = worker.outside, worker.actor
    written = {
        result.outcome.planned.desired.key: (result.outcome, result.entry)
        for result in report.results
        if result.unwritten is None and not actor.withholds(result.outcome)
    }
    useless = collected(outside.kinds, found, written, actor.now)
    if mode is not Mode.APPLY:
        return replace(report, collected=len(useless))
    gone, why = (0, "") if report.refused else drop(outside.ledger, useless)
    return replace(report, collected=gone, uncollected=why)


def _log_pass(mode: Mode, results: tuple[Result, ...], refused: str | None) -> None:
    """One line a pass: how many jobs there were, and what was to be done with them."""
    verbs = Counter(str(result.outcome.planned.verb) for result in results)
    told = {
        "mode": mode.value,
        "jobs": len(results),
        "verbs": dict(sorted(verbs.items())),
        "written": sum(result.written for result in results),
        "failures": sum(result.outcome.failure is not None for result in results),
        "refused": refused is not None,
    }
    _log.info("pass", extra=told)
