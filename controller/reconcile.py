"""One pass: observe, plan, act, record; the only place that asks whether to act."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from controller.acting import Actor
from controller.core.actions import Action, Outcome, Plan, Verb
from controller.core.claims import Around
from controller.core.errors import failure
from controller.core.fleet import Fleet
from controller.core.kind import Kind
from controller.core.model import Desired
from controller.core.planning import plan, refusal
from controller.core.pruning import Cleaning
from controller.core.pruning import refusal as prune_refusal
from controller.core.queueing import Crowd, Lane, lane_of, running, running_beside
from controller.core.status import entry
from controller.observing import Observer, count_active
from controller.pacing import Gated, narrowed
from controller.ports import Clock, Cloud, Entry, Ledger, LedgerError
from controller.removing import (
    Coverage,
    Leftovers,
    collected,
    drop,
    leftovers,
    may_rebuild,
    read_records,
)
from controller.starting import JOBS_FOR_A_CALL, Hands, carry_out

_log = logging.getLogger(__name__)
_NO_CLEANING = Cleaning()


class PassLeftError(Exception):
    """The pass was left before its end: what it had begun is recorded, the rest is untouched."""


class Mode(Enum):
    """How far a pass goes."""

    PLAN = "plan"
    """Observe and plan; write nothing and call nothing that changes anything."""
    RECORD = "record"
    """Observe, plan and record what is seen, without acting."""
    APPLY = "apply"
    """The whole of it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one job: its outcome, its entry, and whether the sidecar changed.

    ``unwritten`` says why the sidecar could not be written.
    """

    outcome: Outcome
    entry: Mapping[str, Any]
    written: bool = False
    unwritten: str | None = None


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
class Outside:
    """The kinds that a pass knows, and all that it works through.

    ``watcher`` is told of each result as it comes, from several threads. Once ``leaves`` holds,
    nothing begins any more. ``around`` is the tree that passes act on a part of; without it each
    pass is about the whole tree.
    """

    kinds: Mapping[str, Kind]
    cloud: Cloud
    ledger: Ledger
    clock: Clock
    width: int = 16
    watcher: Callable[[Result], None] = lambda _: None
    leaves: Callable[[], bool] = lambda: False
    around: Around | None = None


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


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed on before a pass: why its plan must not be carried out, if it must not.

    Of a plan that may be, only the actions that ``permits`` holds for are; the others are
    recorded as they are.
    """

    refuses: Callable[[Plan], str | None] = lambda _: None
    permits: Callable[[Action], bool] = lambda _: True


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
    beside = running_beside(kinds, recorded, by_key) if is_part else Counter[Lane]()
    looking = Gated(outside.cloud, lambda _: _staying(outside.leaves))
    observer = Observer(
        kinds, recorded, fleet, looking, full=scope.full, identifies=scope.identifies, now=now
    )
    seen = observer.everywhere(jobs, outside.width)
    crowd = Crowd(seen.active, beside, terms.permits)
    made = plan(kinds, jobs, seen.observations, recorded, fleet, now, crowd, outside.around)
    barred, over = (None, None)
    if mode is not Mode.RECORD:
        barred, over = _refusal(made, fleet, found, scope, terms)
    refused = barred or over
    if mode is Mode.APPLY and may_rebuild(made, recorded, scope.coverage):
        outside.ledger.rebuild()
    acting = narrowed(outside.cloud, outside.width)
    actor = Actor(kinds, by_key, recorded, fleet, acting, outside.ledger, outside.clock, now)
    worker = _Worker(actor, outside)
    match mode:
        case Mode.APPLY if refused is None:
            results = _carried_out(made, worker, beside, terms)
        case Mode.APPLY if barred is None:
            results = _stopped_only(made, worker, beside, terms)
        case Mode.RECORD:
            results = worker.record([Outcome(one, one) for one in made.actions])
        case _:
            results = tuple(worker.foresee(action) for action in made.actions)
    _log_pass(mode, results, refused)
    report = Report(made, results, refused)
    return _cleaned(report, outside, found, mode, now) if scope.cleaning.collect else report


def _stay(leaves: Callable[[], bool]) -> None:
    if leaves():
        raise PassLeftError


@contextmanager
def _staying(leaves: Callable[[], bool]) -> Iterator[None]:
    _stay(leaves)
    yield


def _refusal(
    made: Plan, fleet: Fleet, found: Leftovers, scope: Scope, terms: Terms
) -> tuple[str | None, str | None]:
    """Return why the terms or a guard let nothing through, and why a limit lets only stops."""
    manifests, problems = len(found.census.keys), found.census.problems
    barred = terms.refuses(made) or prune_refusal(
        made, scope.cleaning, fleet.owner, manifests=manifests, problems=problems
    )
    return barred, refusal(made, fleet.limits.max_submits)


def _cleaned(
    report: Report, outside: Outside, found: Leftovers, mode: Mode, now: datetime
) -> Report:
    """Drop the entries that are of no more use; where nothing may be done, only count them."""
    written = {
        result.outcome.planned.desired.key: (result.outcome, result.entry)
        for result in report.results
        if result.unwritten is None
    }
    useless = collected(outside.kinds, found, written, now)
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


def _log_job(result: Result) -> None:
    """One line a job that something happened to; names and codes only, never a spec's values."""
    action, now, failure = result.outcome.planned, result.outcome.now, result.outcome.failure
    if not (action.verb.mutates or result.written or result.unwritten or failure):
        return
    told = {
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
        "unwritten": result.unwritten is not None,
        "failure": failure and failure.code,
    }
    _log.info("job", extra={name: value for name, value in told.items() if value is not None})


def _carried_out(
    made: Plan, worker: _Worker, beside: Counter[Lane], terms: Terms
) -> tuple[Result, ...]:
    """Carry out a plan; ``beside`` counts the jobs of ours that it is not about."""
    outside = worker.outside
    permitted = {id(one) for one in made.actions if terms.permits(one)}
    agreed = Plan(tuple(one for one in made.actions if id(one) in permitted))

    def record(outcomes: Sequence[Outcome]) -> tuple[Result, ...]:
        results = worker.record(outcomes)
        for result in results:
            outside.watcher(result)
        return results

    ours = running(made.actions, outside.kinds, worker.actor.recorded) + beside

    def count(action: Action, submitted: int) -> int | None:
        kind, target = outside.kinds[action.desired.key.kind], action.desired.target
        found = count_active(kind, target, worker.actor.cloud)
        # A listing may lag; what this pass saw is certain.
        return None if found is None else max(found, ours[lane_of(action)] + submitted)

    width = outside.width * JOBS_FOR_A_CALL
    done = iter(carry_out(agreed, Hands(worker.attempt, record, count), width))
    rest = iter(record([Outcome(one, one) for one in made.actions if id(one) not in permitted]))
    return tuple(next(done if id(one) in permitted else rest) for one in made.actions)


def _stopped_only(
    made: Plan, worker: _Worker, beside: Counter[Lane], terms: Terms
) -> tuple[Result, ...]:
    """Carry out the stops of a plan that has too many submits; the rest is left as it is."""
    stops = Plan(tuple(one for one in made.actions if one.verb is Verb.STOP))
    done = iter(_carried_out(stops, worker, beside, terms))
    return tuple(
        next(done) if one.verb is Verb.STOP else worker.foresee(one) for one in made.actions
    )


@dataclass(frozen=True, slots=True)
class _Worker:
    """What acts on single jobs and writes their entries."""

    actor: Actor
    outside: Outside

    def attempt(self, action: Action) -> Outcome:
        """A defect of ours in one action is that action's failure, not the pass's."""
        _stay(self.outside.leaves)
        try:
            return self.actor.carry_out(action)
        except Exception as error:
            _log.debug("an action failed unexpectedly", exc_info=True)
            text = (
                f"an unexpected {type(error).__name__}; run with --debug and report what it shows"
            )
            found = failure("InternalError", text, reading=False, ambiguous=True)
            return Outcome(action, action, found)

    def foresee(self, action: Action) -> Result:
        """Return what an untouched job's entry would be."""
        outcome = Outcome(action, action)
        return Result(outcome, self._entry(outcome))

    def record(self, outcomes: Sequence[Outcome]) -> tuple[Result, ...]:
        """Write many jobs' entries, those of one sidecar at once; return each job's result.

        Where a record could not be read, nothing takes its place.
        """
        made = [Result(outcome, self._entry(outcome)) for outcome in outcomes]
        writing = [one for one in made if not self.actor.withholds(one.outcome)]
        written = self.outside.ledger.write_all([_place_of(one) for one in writing])
        became = {id(one): _written(one, how) for one, how in zip(writing, written, strict=True)}
        results = tuple(became.get(id(one), one) for one in made)
        for result in results:
            _log_job(result)
        return results

    def _entry(self, outcome: Outcome) -> Mapping[str, Any]:
        """Return a job's entry: the recorded one itself where nothing is new, and that is usual."""
        key, actor = outcome.planned.desired.key, self.actor
        known = actor.recorded.get(key)
        made = entry(actor.kinds[key.kind], outcome, known, actor.fleet.owner)
        return known.entry if known is not None and known.entry == made else made


def _place_of(result: Result) -> Entry:
    desired = result.outcome.planned.desired
    return desired.source, desired.key, result.entry


def _written(result: Result, how: bool | LedgerError) -> Result:
    if isinstance(how, LedgerError):
        return replace(result, unwritten=str(how))
    return replace(result, written=how)
