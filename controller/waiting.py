"""Passes repeated until every job has ended, or time is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from controller.apply import Result
from controller.core.actions import Action, Reason, Verb
from controller.core.headlines import FOR_A_PERSON
from controller.core.kind import Kind
from controller.core.model import Disposition
from controller.ports import Clock
from controller.reconcile import Report


@dataclass(frozen=True, slots=True)
class Waited:
    """The last pass's report, and whether time was up before every job had ended."""

    report: Report
    timed_out: bool


def wait(
    one_pass: Callable[[], Report],
    kinds: Mapping[str, Kind],
    clock: Clock,
    every: float,
    timeout: float | None,
    show: Callable[[Report], None],
    awaits: Callable[[Action], bool] = lambda _: True,
) -> Waited:
    """Repeat passes, ``every`` so many seconds, until no job can change without a person.

    ``timeout`` is in seconds, None for ever. ``show`` is given each report, and ``awaits``
    says which jobs are worth waiting for. A pass that the guard refused, or whose credentials are
    denied, ends the wait: waiting would not mend it.
    """
    deadline = clock.now() + timedelta(seconds=timeout) if timeout is not None else None
    while True:
        report = one_pass()
        show(report)
        awaited = [result for result in report.results if awaits(result.outcome.now)]
        if report.refused or all(_is_over(result, kinds) for result in awaited):
            return Waited(report, timed_out=False)
        if deadline is not None and clock.now() + timedelta(seconds=every) > deadline:
            return Waited(report, timed_out=True)
        clock.sleep(every)


def _is_over(result: Result, kinds: Mapping[str, Kind]) -> bool:
    outcome = result.outcome
    action = outcome.now
    if action.desired.removed and action.verb is Verb.NOOP:
        return True
    if outcome.failure is not None or action.failure is not None:
        found = outcome.failure or action.failure
        return found is not None and found.disposition in {Disposition.DENIED, Disposition.REFUSED}
    if action.reason in FOR_A_PERSON or action.reason is Reason.SUSPENDED:
        return True
    kind = kinds[action.desired.key.kind]
    if action.live is None:
        return action.reason is Reason.STOPPED
    return action.live.status in kind.terminal
