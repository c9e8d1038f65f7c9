"""Applies a plan: executes its actions and records the result of each job."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from controller.core.call_errors import make_failure
from controller.core.kinds.kind import Kind
from controller.core.planning.actions import Action, Outcome, Plan, Verb
from controller.core.planning.claims import TreeScope
from controller.core.planning.slots import Slots, find_slots, get_lane
from controller.core.status.entry import build_entry
from controller.engine.count_active_jobs import count_active
from controller.engine.execute import ActionExecutor
from controller.engine.submit_window import JOBS_FOR_A_CALL, Callbacks, run_changes
from controller.ports import Clock, Cloud, Ledger, LedgerError, StatusEntry

_log = logging.getLogger(__name__)


class PassAbortedError(Exception):
    """The pass was aborted: what it had started is recorded, and the rest is untouched."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of one job: its outcome, its entry, and whether the sidecar changed.

    ``write_error`` says why the sidecar could not be written.
    """

    outcome: Outcome
    entry: Mapping[str, Any]
    written: bool = False
    write_error: str | None = None


@dataclass(frozen=True, slots=True)
class PassContext:
    """The kinds that a pass knows, and the ports and settings that it works with.

    ``on_result`` is called with each result as it comes, from several threads. Once ``is_stopping``
    returns True, nothing new is started. ``tree`` is the tree of which passes cover a part; without
    it each pass covers the whole tree.
    """

    kinds: Mapping[str, Kind]
    cloud: Cloud
    ledger: Ledger
    clock: Clock
    width: int = 16
    on_result: Callable[[JobResult], None] = lambda _: None
    is_stopping: Callable[[], bool] = lambda: False
    tree: TreeScope | None = None


@dataclass(frozen=True, slots=True)
class PlanApproval:
    """The conditions for executing a plan: ``find_refusal`` returns why it must not be, or None.

    Of a plan that may be executed, only the actions that ``permits`` accepts are; the others are
    only recorded.
    """

    find_refusal: Callable[[Plan], str | None] = lambda _: None
    permits: Callable[[Action], bool] = lambda _: True


def raise_if_stopping(leaves: Callable[[], bool]) -> None:
    """Raise PassAbortedError if nothing new may be started."""
    if leaves():
        raise PassAbortedError


def _log_job(result: JobResult) -> None:
    """Log one line per job that something happened to; names and codes only, never spec values."""
    action, now, failure = result.outcome.planned, result.outcome.actual, result.outcome.failure
    if not (action.verb.is_mutating or result.written or result.write_error or failure):
        return
    extra = {
        "job": str(action.desired.key),
        "verb": str(action.verb),
        "reason": str(action.reason),
        "now": str(now.reason),
        "phase": str(result.entry.get("phase", "")),
        "account": action.place and action.place.account_id,
        "region": action.place and action.place.region,
        "attempt": result.entry.get("attempt"),
        "arn": result.entry.get("jobArn"),
        "written": result.written,
        "unwritten": result.write_error is not None,
        "failure": failure and failure.code,
    }
    _log.info("job", extra={name: value for name, value in extra.items() if value is not None})


def apply_plan(
    plan: Plan, worker: Worker, beside: Slots, approval: PlanApproval
) -> tuple[JobResult, ...]:
    """Execute a plan; ``beside`` are our jobs that take slots and that it does not cover."""
    context = worker.context
    # By identity: actions contain mappings and cannot be hashed.
    permitted = {id(one) for one in plan.actions if approval.permits(one)}
    agreed = Plan(tuple(one for one in plan.actions if id(one) in permitted))

    def record(outcomes: Sequence[Outcome]) -> tuple[JobResult, ...]:
        results = worker.record(outcomes)
        for result in results:
            context.on_result(result)
        return results

    # Merged by ARN, so that no job is counted twice.
    slots = {**beside, **find_slots(plan.actions, context.kinds, worker.executor.recorded)}
    ours = Counter(slots.values())

    def count(action: Action, submitted: int) -> int | None:
        kind, target = context.kinds[action.desired.key.kind], action.desired.target
        found = count_active(kind, target, worker.executor.cloud)
        # A listing may lag behind; what this pass observed itself is certain.
        return None if found is None else max(found, ours[get_lane(action)] + submitted)

    callbacks = Callbacks(worker.attempt, record, count, worker.confirm)
    width = context.width * JOBS_FOR_A_CALL
    # Results must keep the plan's order, so the two streams are merged by action.
    done = iter(run_changes(agreed, callbacks, width))
    rest = iter(record([Outcome(one, one) for one in plan.actions if id(one) not in permitted]))
    return tuple(next(done if id(one) in permitted else rest) for one in plan.actions)


def apply_stops(
    plan: Plan, worker: Worker, beside: Slots, approval: PlanApproval
) -> tuple[JobResult, ...]:
    """Execute only the stops of a plan that has too many submits; the rest stays as it is."""
    # The limit restricts spending, and a stop ends it.
    stops = Plan(tuple(one for one in plan.actions if one.verb is Verb.STOP))
    done = iter(apply_plan(stops, worker, beside, approval))
    return tuple(
        next(done) if one.verb is Verb.STOP else worker.preview(one) for one in plan.actions
    )


@dataclass(frozen=True, slots=True)
class Worker:
    """Executes single actions and writes the entries of jobs."""

    executor: ActionExecutor
    context: PassContext

    def attempt(self, action: Action) -> Outcome:
        """Execute an action; an unexpected error fails this action, not the pass."""
        raise_if_stopping(self.context.is_stopping)
        try:
            return self.executor.execute(action)
        except Exception as error:
            # Ambiguous, because the error may have come after the call took effect.
            found = make_failure(
                "InternalError", _describe_error(error), reading=False, ambiguous=True
            )
            return Outcome(action, action, found)

    def confirm(self, outcome: Outcome) -> Outcome:
        """Observe the job of a submit; an unexpected error leaves it unconfirmed."""
        try:
            return self.executor.confirm(outcome)
        except Exception as error:
            found = make_failure("InternalError", _describe_error(error), reading=True)
            return replace(outcome, actual=replace(outcome.planned, failure=found))

    def preview(self, action: Action) -> JobResult:
        """Return what the entry of an untouched job would be."""
        outcome = Outcome(action, action)
        return JobResult(outcome, self._build_entry(outcome))

    def record(self, outcomes: Sequence[Outcome]) -> tuple[JobResult, ...]:
        """Write many entries, each sidecar once, and return each job's result.

        An entry that would replace an unreadable record is not written.
        """
        made = [JobResult(outcome, self._build_entry(outcome)) for outcome in outcomes]
        writing = [one for one in made if not self.executor.is_withheld(one.outcome)]
        # One write per sidecar, however many of its entries change.
        written = self.context.ledger.write_all([_make_status_entry(one) for one in writing])
        became = {
            id(one): _record_write(one, how) for one, how in zip(writing, written, strict=True)
        }
        results = tuple(became.get(id(one), one) for one in made)
        for result in results:
            _log_job(result)
        return results

    def _build_entry(self, outcome: Outcome) -> Mapping[str, Any]:
        """Return a job's entry; if nothing changed, it is the recorded object itself."""
        key, actor = outcome.planned.desired.key, self.executor
        known = actor.recorded.get(key)
        made = build_entry(actor.kinds[key.kind], outcome, known, actor.fleet.owner)
        return known.entry if known is not None and known.entry == made else made


def _describe_error(error: Exception) -> str:
    _log.debug("an action failed unexpectedly", exc_info=True)
    return f"an unexpected {type(error).__name__}; run with --debug and report what it shows"


def _make_status_entry(result: JobResult) -> StatusEntry:
    desired = result.outcome.planned.desired
    return desired.source, desired.key, result.entry


def _record_write(result: JobResult, how: bool | LedgerError) -> JobResult:
    if isinstance(how, LedgerError):
        return replace(result, write_error=str(how))
    return replace(result, written=how)
