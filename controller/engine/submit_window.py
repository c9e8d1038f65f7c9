"""Runs the changes of a plan in order and in parallel, separately for each place.

How many jobs a place accepts is known only by trying. So submits start one by one, their window
grows as they succeed, and the first one that the quota refuses ends them: a pass has never more
refusals than successes, except for one probe.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Generic, TypeVar

from controller.core.model import CallFailure, Disposition, Place
from controller.core.planning.actions import Action, Outcome, Plan, Verb
from controller.core.planning.admission import format_quota_full, is_quota_refusal, queue_submit
from controller.core.planning.slots import Lane, get_lane
from controller.engine.rate_limit import MAX_PLACES

Kept = TypeVar("Kept")
"""The type that recording an outcome returns."""


JOBS_FOR_A_CALL = 4
"""Jobs in progress per allowed call, so that no call waits for a sidecar to reach the disk."""


@dataclass(frozen=True, slots=True)
class Callbacks(Generic[Kept]):
    """What to do with actions: execute one, confirm it, record some outcomes, count a lane.

    ``execute`` returns as soon as the service has responded, so that the next submit need not wait
    until this job is observed, which ``confirm`` does. ``count`` returns how many jobs are active
    in an action's lane, None if unknown; its argument is how many this plan has just submitted
    there.
    """

    execute: Callable[[Action], Outcome]
    record: Callable[[Sequence[Outcome]], Sequence[Kept]]
    count: Callable[[Action, int], int | None]
    confirm: Callable[[Outcome], Outcome] = lambda outcome: outcome


def run_changes(plan: Plan, callbacks: Callbacks[Kept], width: int) -> tuple[Kept, ...]:
    """Execute a plan and return the record of every action, in the plan's order.

    Each place has ``width`` threads of its own, so that none waits for another. On a signal,
    actions in flight are finished and recorded, and the others never start.
    """
    with ExitStack() as pools:
        lanes = _build_lanes(plan, callbacks, width, pools)
        # On exit, in this order: no action starts any more, then the pools wait for the others.
        for lane in lanes:
            pools.callback(lane.close)
            lane.run()
        rest = [action for action in plan.actions if not action.verb.is_mutating]
        kept = callbacks.record([callbacks.confirm(callbacks.execute(action)) for action in rest])
        still = {id(action): one for action, one in zip(rest, kept, strict=True)}
        coming = {key: future for lane in lanes for key, future in lane.results.items()}
        return tuple(
            still[id(action)] if id(action) in still else coming[id(action)].result()
            for action in plan.actions
        )


def _build_lanes(
    plan: Plan, callbacks: Callbacks[Kept], width: int, pools: ExitStack
) -> list[_LaneRunner[Kept]]:
    """Return the plan's changes by lane; the lanes of one place share a pool.

    Beyond ``MAX_PLACES`` places share pools, so that the number of threads is bounded.
    """
    by_lane: dict[Lane, list[Action]] = defaultdict(list)
    for action in plan.changes:
        by_lane[get_lane(action)].append(action)
    places = dict.fromkeys(lane.place for lane in by_lane)
    made_pools = [
        pools.enter_context(ThreadPoolExecutor(width, thread_name_prefix="act"))
        for _ in range(min(len(places), MAX_PLACES))
    ]
    executors: dict[Place | None, Executor] = dict(zip(places, cycle(made_pools), strict=False))
    return [
        _LaneRunner(actions, callbacks, executors[lane.place], width)
        for lane, actions in by_lane.items()
    ]


@dataclass(slots=True)
class _Window:
    """The number of submits that may be in flight: as many as have succeeded, and at least one."""

    width: int
    taken: int = 0
    under_way: int = 0
    priority: int = 0
    full: bool = False
    closed: bool = False

    def can_admit(self, action: Action) -> bool:
        """Whether a submit may start now; while a place is unknown, priorities do not overlap."""
        if self.full or self.closed:
            return False
        # Until the quota is known, priorities do not overlap: a refusal must hit the lowest.
        if self.under_way and self.taken < self.width:
            same = action.desired.policy.priority == self.priority
            return same and self.under_way < self.taken
        return self.under_way < self.width

    def count_start(self, action: Action) -> None:
        """Count a submit that starts."""
        self.under_way += 1
        self.priority = action.desired.policy.priority

    def record_answer(self, failure: CallFailure | None) -> None:
        """Update the window from a Create's result; throttled or denied ones prove no limit."""
        if is_quota_refusal(failure):
            self.full = True
        elif failure is None or failure.disposition in {Disposition.TRANSIENT, Disposition.DENIED}:
            self.taken += 1


@dataclass(slots=True)
class _LaneRunner(Generic[Kept]):
    """Runs the changes of one lane; ``results`` holds the future of each, by the action's id."""

    actions: Sequence[Action]
    callbacks: Callbacks[Kept]
    executor: Executor
    width: int
    results: dict[int, Future[Kept]] = field(init=False)
    _waiting: deque[Action] = field(init=False)
    _window: _Window = field(init=False)
    _refused: list[Outcome] = field(default_factory=list)
    _submitted: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.results = {id(action): Future() for action in self.actions}
        self._waiting = deque(one for one in self.actions if one.verb is Verb.SUBMIT)
        self._window = _Window(self.width)

    def run(self) -> None:
        """Start the first submits, and all changes that take no slot."""
        self._start()
        for action in self.actions:
            if action.verb is not Verb.SUBMIT:
                self._submit_work(self._change, action)

    def close(self) -> None:
        """Let no further action start."""
        with self._lock:
            self._window.closed = True

    def _submit_work(self, work: Callable[[Action], None], action: Action) -> None:
        """Run some work in a thread; an unexpected error ends the wait for all results."""

        # An executor swallows exceptions of work whose future nobody reads.
        def run_work() -> None:
            try:
                work(action)
            except BaseException as error:  # the futures raise it again
                self._fail_all(error)

        self.executor.submit(run_work)

    def _fail_all(self, error: BaseException) -> None:
        with self._lock:
            self._window.closed = True
            for future in self.results.values():
                # A result that is set already was recorded, and stays.
                if not future.done():
                    future.set_exception(error)

    def _start(self) -> None:
        going: list[Action] = []
        with self._lock:
            while self._waiting and self._window.can_admit(self._waiting[0]):
                going.append(self._waiting.popleft())
                self._window.count_start(going[-1])
        for action in going:
            self._submit_work(self._submit, action)

    def _change(self, action: Action) -> None:
        if not self._window.closed:
            self._settle(self.callbacks.confirm(self.callbacks.execute(action)))

    def _submit(self, action: Action) -> None:
        outcome = None if self._window.closed else self.callbacks.execute(action)
        is_refused = outcome is not None and is_quota_refusal(outcome.failure)
        with self._lock:
            # Start the next submit before this job is confirmed, which can take seconds.
            self._window.under_way -= 1
            if outcome is not None:
                self._window.record_answer(outcome.failure)
                self._refused += [outcome] if is_refused else []
                self._submitted += outcome.failure is None
            # Only after the last submit in flight is it known how many were accepted.
            is_drained = self._window.full and not self._window.under_way
        try:
            self._start()
        finally:
            # The pool may be closed by now; a job that was paid for is recorded nevertheless.
            if outcome is not None and not is_refused:
                self._settle(self.callbacks.confirm(outcome))
        if is_drained:
            self._queue_rest()

    def _queue_rest(self) -> None:
        """Queue what the quota refused and everything behind it, with one count of active jobs."""
        refused, is_closed = self._refused, self._window.closed
        # A pass that is being aborted makes no further call.
        active = None if is_closed else self.callbacks.count(refused[0].planned, self._submitted)
        for outcome in refused:
            self._settle(replace(outcome, active=active))
        with self._lock:
            while self._waiting and not self._window.closed:
                action = self._waiting.popleft()
                behind = Outcome(action, queue_submit(action, format_quota_full(active)))
                # In the pool, because recording waits for the disk.
                self.executor.submit(self._settle, behind)

    def _settle(self, outcome: Outcome) -> None:
        """Record an outcome; an unexpected error is raised to whoever waits for the result."""
        future = self.results[id(outcome.planned)]
        try:
            future.set_result(self.callbacks.record([outcome])[0])
        except BaseException as error:  # the future raises it again
            future.set_exception(error)
