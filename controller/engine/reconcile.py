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
from controller.core.model import DesiredJob, JobKey, JobRecord
from controller.core.planning.actions import Outcome, Plan
from controller.core.planning.admission import Occupancy
from controller.core.planning.plan import build_plan, check_submit_limit
from controller.core.planning.rules_removed import CleanupOptions
from controller.core.planning.rules_removed import check_prune as prune_refusal
from controller.core.planning.slots import Lane, find_other_slots
from controller.engine.apply import (
    JobResult,
    PassContext,
    PlanApproval,
    Worker,
    apply_plan,
    apply_stops,
    raise_if_stopping,
)
from controller.engine.count_active_jobs import confirm_room
from controller.engine.execute import ActionExecutor
from controller.engine.garbage import (
    Coverage,
    OrphanedEntries,
    can_rebuild,
    drop_entries,
    find_orphaned_entries,
    list_collectable,
    read_records,
)
from controller.engine.observe import Observer
from controller.engine.rate_limit import GatedCloud, limit_concurrency
from controller.ports import Cloud

_log = logging.getLogger(__name__)
_NO_CLEANING = CleanupOptions()


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
    results: tuple[JobResult, ...] = ()
    refused: str | None = None
    collected: int = 0
    uncollected: str = ""


@dataclass(frozen=True, slots=True)
class PassScope:
    """What a pass covers beside the jobs that it is given.

    A ``full`` pass looks up ended jobs and tags too, which are otherwise taken from the sidecars.
    ``forgotten`` names the jobs whose unreadable records the user gave up. With a ``coverage``,
    jobs without a manifest are part of the pass, and ``cleaning`` says what may be done about them.
    A pass that ``is_partial`` counts other running jobs, as recorded, against the limits, and
    ``identifies`` the credentials even if it makes no other call, because a pass over another part
    may change something with them.
    """

    full: bool = False
    identifies: bool = False
    is_partial: bool = False
    coverage: Coverage | None = None
    cleaning: CleanupOptions = _NO_CLEANING
    forgotten: frozenset[str] = frozenset()


_DEFAULT_SCOPE = PassScope()
_APPROVED = PlanApproval()


def reconcile(
    desired: Iterable[DesiredJob],
    context: PassContext,
    fleet: Fleet,
    mode: Mode,
    scope: PassScope = _DEFAULT_SCOPE,
    approval: PlanApproval = _APPROVED,
) -> Report:
    """Run a pass as far as the mode says, and return the plan that was executed with its results.

    An error of one action does not stop another. ``approval`` is checked on the same plan that is
    executed. An aborted pass finishes and records what is in flight, then raises PassAbortedError.
    """
    jobs, now = tuple(desired), context.clock.now()
    recorded = read_records(context.ledger, jobs, scope.forgotten)
    found = find_orphaned_entries(context.kinds, context.ledger, scope.coverage)
    if found.removed:
        jobs += found.build_desired_jobs(jobs, recorded, fleet, prunes=scope.cleaning.prune)
        recorded = {**recorded, **{key: one.recorded for key, one in found.removed.items()}}
    if mode is Mode.APPLY:
        context.ledger.clean()
    kinds, by_key = context.kinds, {job.key: job for job in jobs}
    beside = _find_slots_outside(context, scope, recorded, by_key)
    # Observing stops at the next call; executing finishes what it has started.
    looking = GatedCloud(context.cloud, lambda _: _check_not_stopping(context.is_stopping))
    observer = _build_observer(context, looking, recorded, fleet, scope, now)
    seen = observer.observe_all(jobs, context.width)
    occupancy = Occupancy(seen.active, beside, approval.permits)
    plan = build_plan(kinds, jobs, seen.observations, recorded, fleet, now, occupancy, context.tree)
    # After planning, because listing active jobs costs calls that most passes need not make.
    plan, occupancy = confirm_room(plan, kinds, recorded, fleet, occupancy, looking)
    barred, over = _find_refusals(plan, fleet, found, scope, approval, mode)
    refused = barred or over
    if mode is Mode.APPLY and can_rebuild(plan, recorded, scope.coverage):
        context.ledger.allow_rebuild()
    acting = limit_concurrency(context.cloud, context.width)
    actor = ActionExecutor(
        kinds, by_key, recorded, fleet, acting, context.ledger, context.clock, now
    )
    worker = Worker(actor, context)
    if mode is Mode.APPLY and barred is None:
        results = (apply_stops if over else apply_plan)(plan, worker, occupancy.others, approval)
    elif mode is Mode.RECORD:
        results = worker.record([Outcome(one, one) for one in plan.actions])
    else:
        results = tuple(worker.preview(action) for action in plan.actions)
    _log_pass(mode, results, refused)
    report = Report(plan, results, refused)
    return _collect_garbage(report, worker, found, mode) if scope.cleaning.collect else report


def _find_slots_outside(
    context: PassContext,
    scope: PassScope,
    recorded: Mapping[JobKey, JobRecord],
    by_key: Mapping[JobKey, DesiredJob],
) -> Mapping[str, Lane]:
    """Return the slots of jobs outside the pass, which is about a part of the tree."""
    if scope.is_partial or (context.tree is not None and context.tree.is_partial):
        return find_other_slots(context.kinds, recorded, by_key)
    return {}


def _build_observer(
    context: PassContext,
    cloud: Cloud,
    recorded: Mapping[JobKey, JobRecord],
    fleet: Fleet,
    scope: PassScope,
    now: datetime,
) -> Observer:
    return Observer(
        context.kinds,
        recorded,
        fleet,
        cloud,
        full=scope.full,
        identifies=scope.identifies,
        collects=scope.cleaning.collect,
        now=now,
    )


@contextmanager
def _check_not_stopping(leaves: Callable[[], bool]) -> Iterator[None]:
    raise_if_stopping(leaves)
    yield


def _find_refusals(
    plan: Plan,
    fleet: Fleet,
    found: OrphanedEntries,
    scope: PassScope,
    approval: PlanApproval,
    mode: Mode,
) -> tuple[str | None, str | None]:
    """Return why terms or a safeguard refuse the plan, and why a limit lets only stops through."""
    if mode is Mode.RECORD:
        return None, None
    manifests, problems = len(found.index.keys), found.index.problems
    barred = approval.find_refusal(plan) or prune_refusal(
        plan, scope.cleaning, fleet.owner, manifests=manifests, problems=problems
    )
    return barred, check_submit_limit(plan, fleet.limits.max_submits)


def _collect_garbage(report: Report, worker: Worker, found: OrphanedEntries, mode: Mode) -> Report:
    """Remove the entries that are no longer needed; in other modes only count them.

    If a job's record could not be read, its other entries are the last that is known of it, and
    stay.
    """
    context, actor = worker.context, worker.executor
    written = {
        result.outcome.planned.desired.key: (result.outcome, result.entry)
        for result in report.results
        if result.write_error is None and not actor.is_withheld(result.outcome)
    }
    useless = list_collectable(context.kinds, found, written, actor.now)
    if mode is not Mode.APPLY:
        return replace(report, collected=len(useless))
    gone, why = (0, "") if report.refused else drop_entries(context.ledger, useless)
    return replace(report, collected=gone, uncollected=why)


def _log_pass(mode: Mode, results: tuple[JobResult, ...], refused: str | None) -> None:
    """Log one line per pass: how many jobs there were, and what was planned for them."""
    verbs = Counter(str(result.outcome.planned.verb) for result in results)
    extra = {
        "mode": mode.value,
        "jobs": len(results),
        "verbs": dict(sorted(verbs.items())),
        "written": sum(result.written for result in results),
        "failures": sum(result.outcome.failure is not None for result in results),
        "refused": refused is not None,
    }
    _log.info("pass", extra=extra)
