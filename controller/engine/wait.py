"""Repeats passes until every job has ended, or until a timeout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.core.kinds.kind import Kind
from controller.core.model import Disposition, JobKey
from controller.core.planning.actions import Action, Reason, Verb
from controller.core.status.conditions import STALLED_REASONS
from controller.engine.apply import JobResult
from controller.engine.reconcile import Report
from controller.ports import Clock


@dataclass(frozen=True, slots=True)
class WaitResult:
    """The last pass's report, and the jobs that had not ended at the timeout."""

    report: Report
    unfinished: tuple[JobKey, ...] = ()

    @property
    def has_timed_out(self) -> bool:
        """Whether the timeout passed before every job had ended."""
        return bool(self.unfinished)


def wait_for_jobs(
    one_pass: Callable[[], Report],
    kinds: Mapping[str, Kind],
    clock: Clock,
    every: float,
    timeout: float | None,
    show: Callable[[Report], None],
    awaits: Callable[[Action], bool] = lambda _: True,
) -> WaitResult:
    """Repeat passes every ``every`` seconds until no job can change without a person.

    ``timeout`` is in seconds, None for no limit; the last pass is made when it is over. ``show``
    receives each report, and ``awaits`` says which jobs to wait for. A pass that a safeguard
    refused, or whose credentials are denied, ends the wait, because waiting would not help.
    """
    began = clock.now()
    while True:
        # Read before the pass, so that at least one pass starts after the timeout.
        is_last = timeout is not None and not _compute_remaining(clock, began, timeout)
        report = one_pass()
        show(report)
        awaited = [result for result in report.results if awaits(result.outcome.actual)]
        going = [result for result in awaited if not _is_over(result, kinds)]
        if report.refused or not going:
            return WaitResult(report)
        if is_last:
            return WaitResult(report, tuple(one.outcome.planned.desired.key for one in going))
        clock.sleep(
            every if timeout is None else min(every, _compute_remaining(clock, began, timeout))
        )


def _compute_remaining(clock: Clock, began: datetime, timeout: float) -> float:
    return max(0.0, timeout - (clock.now() - began).total_seconds())


def _is_over(result: JobResult, kinds: Mapping[str, Kind]) -> bool:
    outcome = result.outcome
    action = outcome.actual
    # A job without a manifest keeps running by design, so waiting for it would never end.
    if action.desired.removed and action.verb is Verb.NOOP:
        return True
    if outcome.failure is not None or action.failure is not None:
        found = outcome.failure or action.failure
        return found is not None and found.disposition in {Disposition.DENIED, Disposition.REFUSED}
    if action.reason in STALLED_REASONS or action.reason is Reason.SUSPENDED:
        return True
    kind = kinds[action.desired.key.kind]
    if action.live is None:
        return action.reason is Reason.STOPPED
    return action.live.status in kind.terminal
