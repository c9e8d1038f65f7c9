"""The daemon's loop: it keeps a tree's jobs as their manifests ask, until it is stopped.

Files, events, timers and signals are only hints: the loop is level-triggered.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from queue import Empty, SimpleQueue

from controller.core.model import JobKey, JobRecord, Target
from controller.core.planning.actions import UNREADABLE_REASONS, Reason
from controller.core.planning.rules_removed import CleanupOptions
from controller.daemon.work_queue import Batch, DesiredState, Group, WorkQueue
from controller.engine.apply import PassAbortedError, PassContext
from controller.engine.reconcile import Mode, PassScope, Report, reconcile
from controller.telemetry import Meter, PassResult, Wake

_log = logging.getLogger(__name__)

MAX_WAIT = 30.0
"""Seconds after which the loop shows that it is alive, even if nothing is due."""
REREAD_SECONDS = 600.0
"""Seconds after which the tree is read again, even without a notification."""
UNSETTLED_SECONDS = 60.0
"""Seconds for which a tree may be unsettled before a warning is logged."""
_SOON = 0.1
GRACE_SECONDS = 9.0
"""Seconds that actions in flight have to finish after a signal to stop."""
_READY_INTERVALS = 3


class _Command(Enum):
    """A request to the daemon from another thread or a signal handler."""

    CHANGED = "changed"
    RENEW = "renew"
    STOP = "leave"


@dataclass(frozen=True, slots=True)
class _PassDone:
    """A pass that ended, with a report or without one."""

    batch: Batch
    report: Report | None
    seconds: float


_Message = _Command | _PassDone | str
"""A request, a pass that ended, or the ARN of a job that an event named."""


@dataclass(frozen=True, slots=True)
class DaemonContext:
    """Everything that the daemon needs from outside.

    ``read_tree`` returns the desired state of the tree, and ``build_pass_context`` what passes work
    with; ``reload`` renews both. ``is_at_rest`` says whether git is changing no files now: passes
    start only then, because they read records beside the manifests. ``now`` is a monotonic clock in
    seconds. ``executor`` has a thread for every group. ``on_pass_end`` is called after each pass,
    in its thread, and ``heartbeat`` at least every ``max_wait`` seconds.
    """

    read_tree: Callable[[], DesiredState]
    build_pass_context: Callable[[], PassContext]
    reload: Callable[[], None]
    forget_place: Callable[[Target], None]
    now: Callable[[], float]
    executor: Executor
    meter: Meter
    cleaning: CleanupOptions = field(default_factory=CleanupOptions)
    on_pass_end: Callable[[], None] = lambda: None
    heartbeat: Callable[[], None] = lambda: None
    is_at_rest: Callable[[], bool] = lambda: True
    max_wait: float = MAX_WAIT
    grace: float = GRACE_SECONDS


class Daemon:
    """The loop. Its ``notify`` methods, ``reload`` and ``stop`` may be called from any thread."""

    def __init__(self, context: DaemonContext, queue: WorkQueue) -> None:
        self._context = context
        self._queue = queue
        # SimpleQueue.put is safe in a signal handler, and no request is ever lost.
        self._inbox: SimpleQueue[_Message] = SimpleQueue()
        self._seen: deque[_Message] = deque([_Command.CHANGED])
        self._running: dict[Group | None, Future[None]] = {}
        self._since: dict[Group | None, float] = {}
        self._stuck: set[Group] = set()
        self._stopping = False
        self._stop_event = threading.Event()
        self._beat_at = context.now()
        self._read_by = context.now() + REREAD_SECONDS
        self._unsettled_since: float | None = None
        self._stale: tuple[str, ...] = ()
        self._caught_up_at: float | None = None
        self._told: frozenset[str] = frozenset()
        self._broken = ""

    def notify_change(self, wake: Wake = Wake.FILES) -> None:
        """Notify the daemon of a change in the tree; ``wake`` says what noticed it."""
        self._context.meter.count_event(wake)
        self._inbox.put(_Command.CHANGED)

    def notify_job_event(self, arn: str) -> None:
        """Notify the daemon that a job's status may have changed."""
        self._context.meter.count_event(Wake.QUEUE)
        self._inbox.put(arn)

    def reload(self) -> None:
        """Request a reload of everything, including the configuration and the credentials."""
        self._inbox.put(_Command.RENEW)

    def stop(self) -> None:
        """Stop accepting work, and let ``run`` return."""
        self._stopping = True
        self._inbox.put(_Command.STOP)

    def is_stopping(self) -> bool:
        """Return whether the daemon no longer accepts work."""
        return self._stopping

    def pause(self, seconds: float) -> None:
        """Return after this many seconds, or at once when the daemon stops."""
        self._stop_event.wait(seconds)

    def send_heartbeat(self) -> None:
        """Show that the process is alive although the loop has not started."""
        self._beat_at = self._context.now()
        self._context.heartbeat()

    def is_alive(self) -> bool:
        """Return whether the loop ran recently."""
        return self._context.now() - self._beat_at < _READY_INTERVALS * 2 * MAX_WAIT

    def is_ready(self) -> bool:
        """Return whether everything due has been done within the last three intervals."""
        if self._caught_up_at is None or self._stopping:
            return False
        longest = _READY_INTERVALS * max(self._queue.intervals.interval, MAX_WAIT)
        return self._context.now() - self._caught_up_at <= longest

    def run(self) -> bool:
        """Run until ``stop``; return whether everything in flight has ended."""
        while not self._stopping:
            due = self.run_once()
            if not self._stopping:
                self._wait(due - self._context.now())
        self._stop_event.set()
        return self._drain()

    def run_once(self) -> float:
        """Handle messages, start what is due, and return when to run again at the latest."""
        now = self._context.now()
        self.send_heartbeat()
        self._handle_messages(now)
        if not self._stopping:
            self._start(now)
        self._report_metrics(now)
        # Due work that cannot start waits for a pass to end, and that wakes the loop.
        latest = now + min(self._context.max_wait, self._queue.intervals.interval)
        return min(self._queue.get_next_due(now), self._read_by, latest)

    def _wait(self, seconds: float) -> None:
        with suppress(Empty):
            self._seen.append(self._inbox.get(timeout=max(0.0, seconds)))

    def _handle_messages(self, now: float) -> None:
        with suppress(Empty):
            while True:
                self._seen.append(self._inbox.get_nowait())
        calls = set()
        while self._seen:
            message = self._seen.popleft()
            if isinstance(message, _PassDone):
                self._finish_pass(message, now)
            elif isinstance(message, _Command):
                calls.add(message)
            else:
                self._queue.wake_job(message, now)
        if _Command.STOP in calls:
            self._stop_event.set()
        elif _Command.RENEW in calls:
            self._context.meter.count_event(Wake.SIGNAL)
            self._context.reload()
            self._read(now)
            self._queue.schedule_all(now)
        elif _Command.CHANGED in calls or now >= self._read_by:
            self._read(now)

    def _read(self, now: float) -> None:
        """Read the tree; while the desired state is unknown, everything stays as it was."""
        state = self._context.read_tree()
        self._read_by = now + min(REREAD_SECONDS, state.reread_after)
        self._log_unsettled(state, now)
        if state.unsettled:
            return
        if state.broken != self._broken:
            self._broken = state.broken
            if state.broken:
                _log.error(
                    "the tree cannot be read: no work is started", extra={"why": state.broken}
                )
        if state.broken:
            return
        news = self._queue.update(state, now)
        problems = {f"{one.source}: {one.code}" for one in state.problems}
        for problem in sorted(problems - self._told):
            _log.warning("problem", extra={"problem": problem, "hint": "run bedrock-jobs validate"})
        self._told = frozenset(problems)
        if news:
            extra = {"jobs": len(state.desired), "changed": news, "problems": len(problems)}
            _log.info("tree", extra=extra)
            self._stuck &= {self._queue.get_group(job) for job in state.desired.values()}

    def _log_unsettled(self, state: DesiredState, now: float) -> None:
        """Log what keeps the tree unsettled for long, and stale git locks."""
        if not state.unsettled:
            self._unsettled_since = None
        elif self._unsettled_since is None:
            self._unsettled_since = now
            _log.info("unsettled: the tree will be read again", extra={"why": state.unsettled})
        elif now - self._unsettled_since >= UNSETTLED_SECONDS:
            self._unsettled_since = math.inf
            extra = {"why": state.unsettled, "hint": "finish or abort what git is doing there"}
            _log.warning("the tree is unsettled: no work is started", extra=extra)
        for lock in set(state.stale_locks) - set(self._stale):
            extra = {"lock": lock, "hint": "if no git command is running there, delete the file"}
            _log.warning("a stale git lock: only files that equal HEAD count", extra=extra)
        self._stale = state.stale_locks
        self._context.meter.set_stale_locks(len(self._stale))

    def _start(self, now: float) -> None:
        if not self._context.is_at_rest():
            self._read_by = min(self._read_by, now + _SOON)
            return
        for batch in self._queue.take_batches(now, self._running, self._read_records):
            context = self._context.build_pass_context()
            future = self._context.executor.submit(self._pass, batch, self._queue.state, context)
            self._running[batch.group] = future
            self._since[batch.group] = now

    def _read_records(self) -> Mapping[JobKey, JobRecord]:
        desired = self._queue.state.desired.values()
        return self._context.build_pass_context().ledger.read(
            {job.key: job.source for job in desired}
        )

    def _pass(self, batch: Batch, state: DesiredState, context: PassContext) -> None:
        """Run one pass in its own thread and report its end to the loop."""
        began, report = self._context.now(), None
        through = replace(context, is_stopping=self.is_stopping)
        scope = PassScope(full=batch.full, is_partial=True, identifies=True)
        try:
            if batch.is_sweep:
                cleaning = self._context.cleaning
                scope = replace(scope, coverage=state.coverage(), cleaning=cleaning)
            report = reconcile(batch.desired, through, state.fleet, Mode.APPLY, scope)
        except PassAbortedError:
            _log.info("a pass was aborted")
        except Exception:
            _log.exception("a pass failed unexpectedly; it will be retried")
        self._context.on_pass_end()
        self._inbox.put(_PassDone(batch, report, self._context.now() - began))

    def _finish_pass(self, done: _PassDone, now: float) -> None:
        batch, report = done.batch, done.report
        self._running.pop(batch.group, None)
        self._since.pop(batch.group, None)
        # Before their places were known, these jobs were in other groups, which may be stuck.
        groups = {batch.group, *map(self._queue.get_group, batch.desired)}
        result = _classify_report(report)
        if not self._stopping:
            self._context.meter.count_pass(done.seconds, result)
        if report is None:
            self._queue.record_failure(batch, now)
        else:
            self._queue.record_report(batch, report, now)
            if report.refused:
                _log.error("refused: nothing was done", extra={"why": report.refused})
        found = {self._queue.get_group(job) for job in batch.desired}
        if report is None or _has_observed_nothing(report):
            self._stuck |= found
            # Expired credentials may have been renewed at their source by now.
            for target in {replace(job.target, account_id=None) for job in batch.desired}:
                self._context.forget_place(target)
        else:
            self._stuck -= groups | found

    def _report_metrics(self, now: float) -> None:
        """Update the metrics; in an idle fleet, finding nothing due counts as being caught up."""
        queue, meter = self._queue, self._context.meter
        desired = queue.state.desired.values()
        depth, oldest = queue.measure_backlog(now)
        meter.set_queue_depth(depth, oldest)
        valid = sum(job.submission is not None for job in desired)
        # A file whose manifests cannot be parsed counts as one invalid manifest.
        wrong = (one for one in queue.state.problems if one.is_error and one.key is None)
        invalid = len(desired) - valid + len({one.source.path for one in wrong})
        meter.set_job_counts(Counter(queue.phases.values()), valid, invalid)
        last, interval = self._caught_up_at, queue.intervals.interval
        since = min(self._since.values(), default=now)
        lags = now - since > interval or oldest > interval
        if last is None:
            lags = bool(depth or self._running)
        is_blocked = self._broken or queue.parked or self._stuck or self._stopping
        if lags or is_blocked or self._unsettled_since is not None:
            return
        if last is None or now - last >= interval:
            self._caught_up_at = now
            meter.record_caught_up()

    def _drain(self) -> bool:
        """Wait for passes in flight; those that hang longer are logged and left to the next run."""
        deadline = self._context.now() + self._context.grace
        for future in list(self._running.values()):
            with suppress(TimeoutError):
                future.exception(max(0.0, deadline - self._context.now()))
        hanging = sum(not future.done() for future in self._running.values())
        if hanging:
            extra = {"passes": hanging}
            _log.error("calls in flight at shutdown; the next run finds their results", extra=extra)
        return not hanging


def _classify_report(report: Report | None) -> PassResult:
    if report is None:
        return PassResult.ERROR
    if report.refused:
        return PassResult.REFUSED
    failed = any(
        one.outcome.failure or one.write_error or one.outcome.actual.reason in UNREADABLE_REASONS
        for one in report.results
    )
    return PassResult.FAILED if failed else PassResult.SUCCEEDED


def _has_observed_nothing(report: Report) -> bool:
    """Whether not one job could be observed, which is not a matter of single jobs."""
    return {one.outcome.actual.reason for one in report.results} == {Reason.OBSERVATION_FAILED}
