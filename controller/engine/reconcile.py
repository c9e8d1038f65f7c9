"""One pass: observe, plan, execute, record. The only place that decides whether to act."""

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
    """Observe and plan; write nothing and make no call that changes anything."""
    RECORD = "record"
    """Observe, plan and record what was observed, without acting."""
    APPLY = "apply"
    """Everything."""


@dataclass(frozen=True, slots=True)
class Report:
    """The decisions and results of one pass.

    ``results`` has one result per action, in the plan's order. ``refused`` says why a safeguard
    refused the plan. ``collected`` counts the entries that were removed, or would be;
    ``uncollected`` says why one could not be.
    """

    plan: Plan
    results: tuple[Result, ...] = ()
    refused: str | None = None
    collected: int = 0
    uncollected: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a pass covers beside the jobs that it is given.

    A ``full`` pass looks up ended jobs and tags too, which are otherwise taken from the sidecars.
    ``forgotten`` names the jobs whose unreadable records the user gave up. With a ``coverage``,
    jobs without a manifest are part of the pass, and ``cleaning`` says what may be done about them.
    A pass over a ``part`` of the jobs counts other running jobs, as recorded, against the limits,
    and ``identifies`` the credentials even if it makes no other call, because a pass over another
    part may change something with them.
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
    """Run a pass as far as the mode says, and return the plan that was executed with its results.

    An error of one action does not stop another. ``terms`` are checked on the same plan that is
    executed. An aborted pass finishes and records what is in flight, then raises PassLeftError.
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
    # Observing stops at the next call; executing finishes what it has started.
    looking = Gated(outside.cloud, lambda _: _staying(outside.leaves))
    observer = _observer(outside, looking, recorded, fleet, scope, now)
    seen = observer.everywhere(jobs, outside.width)
    crowd = Crowd(seen.active, beside, terms.permits)
    made = plan(kinds, jobs, seen.observations, recorded, fleet, now, crowd, outside.around)
    # After planning, because listing active jobs costs calls that most passes need not make.
    made, crowd = confirm_room(made, kinds, recorded, fleet, crowd, looking)
    barred, over = _refusal(made, fleet, found, scope, terms, mode)
    refused = barred or over
    if mode is Mode.APPLY and may_rebuild(made, recorded, scope.coverage):
        outside.ledger.rebuild()
    # There are more threads than calls allowed, because some wait for sidecars to reach the disk.
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
    """Return why terms or a safeguard refuse the plan, and why a limit lets only stops through."""
    if mode is Mode.RECORD:
        return None, None
    manifests, problems = len(found.census.keys), found.census.problems
    barred = terms.refuses(made) or prune_refusal(
        made, scope.cleaning, fleet.owner, manifests=manifests, problems=problems
    )
    return barred, refusal(made, fleet.limits.max_submits)


def _cleaned(report: Report, worker: Worker, found: Leftovers, mode: Mode) -> Report:
    """Remove the entries that are no longer needed; in other modes only count them.

    If a job's record could not be read, its other entries are the last that is known of it, and
    stay.
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
    """Log one line per pass: how many jobs there were, and what was planned for them."""
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
