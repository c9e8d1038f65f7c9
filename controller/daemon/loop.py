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

from controller.core.model import JobKey, Recorded, Target
from controller.core.planning.actions import UNREAD, Reason
from controller.core.planning.rules_removed import Cleaning
from controller.daemon.work_queue import Batch, Group, Intake, Roster
from controller.engine.apply import Outside, PassLeftError
from controller.engine.reconcile import Mode, Report, Scope, reconcile
from controller.telemetry import Meter, PassResult, Wake

_log = logging.getLogger(__name__)

LONGEST_WAIT = 30.0
"""Seconds after which the loop shows that it is alive, even if nothing is due."""
REREAD = 600.0
"""Seconds after which the tree is read again, even without a notification."""
LONG = 60.0
"""Seconds for which a tree may be unsettled before a warning is logged."""
_SOON = 0.1
GRACE = 9.0
"""Seconds that actions in flight have to finish after a signal to stop."""
_READY_INTERVALS = 3


class _Call(Enum):
    """A request to the daemon from another thread or a signal handler."""

    CHANGED = "changed"
    RENEW = "renew"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class _Done:
    """A pass that ended, with a report or without one."""

    batch: Batch
    report: Report | None
    seconds: float


_Message = _Call | _Done | str
"""A request, a pass that ended, or the ARN of a job that an event named."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the daemon needs from outside.

    ``read`` returns the desired state of the tree, and ``outside`` what passes work with; ``renew``
    reloads both. ``is_at_rest`` says whether git is changing no files now: passes start only then,
    because they read records beside the manifests. ``now`` is a monotonic clock in seconds.
    ``executor`` has a thread for every group. ``ended`` is called after each pass, in its thread,
    and ``beat`` at least every ``longest_wait`` seconds.
    """

    read: Callable[[], Intake]
    outside: Callable[[], Outside]
    renew: Callable[[], None]
    forget: Callable[[Target], None]
    now: Callable[[], float]
    executor: Executor
    meter: Meter
    cleaning: Cleaning = field(default_factory=Cleaning)
    ended: Callable[[], None] = lambda: None
    beat: Callable[[], None] = lambda: None
    is_at_rest: Callable[[], bool] = lambda: True
    longest_wait: float = LONGEST_WAIT
    grace: float = GRACE


class Daemon:
    """The loop. ``changed``, ``heard``, ``renew`` and ``leave`` may be called from any thread."""

    def __init__(self, world: World, roster: Roster) -> None:
        self._world = world
        self._roster = roster
        # SimpleQueue.put is safe in a signal handler, and no request is ever lost.
        self._inbox: SimpleQueue[_Message] = SimpleQueue()
        self._seen: deque[_Message] = deque([_Call.CHANGED])
        self._running: dict[Group | None, Future[None]] = {}
        self._since: dict[Group | None, float] = {}
        self._stuck: set[Group] = set()
        self._leaving = False
        self._left = threading.Event()
        self._beat_at = world.now()
        self._read_by = world.now() + REREAD
        self._unsettled_since: float | None = None
        self._stale: tuple[str, ...] = ()
        self._fine_at: float | None = None
        self._told: frozenset[str] = frozenset()
        self._broken = ""

    def changed(self, wake: Wake = Wake.FILES) -> None:
        """Notify the daemon of a change in the tree; ``wake`` says what noticed it."""
        self._world.meter.event(wake)
        self._inbox.put(_Call.CHANGED)

    def heard(self, arn: str) -> None:
        """Notify the daemon that a job's status may have changed."""
        self._world.meter.event(Wake.QUEUE)
        self._inbox.put(arn)

    def renew(self) -> None:
        """Request a reload of everything, including the configuration and the credentials."""
        self._inbox.put(_Call.RENEW)

    def leave(self) -> None:
        """Stop accepting work, and let ``run`` return."""
        self._leaving = True
        self._inbox.put(_Call.LEAVE)

    def leaves(self) -> bool:
        """Return whether the daemon no longer accepts work."""
        return self._leaving

    def pause(self, seconds: float) -> None:
        """Return after this many seconds, or at once when the daemon stops."""
        self._left.wait(seconds)

    def beat(self) -> None:
        """Show that the process is alive although the loop has not started."""
        self._beat_at = self._world.now()
        self._world.beat()

    def alive(self) -> bool:
        """Return whether the loop ran recently."""
        return self._world.now() - self._beat_at < _READY_INTERVALS * 2 * LONGEST_WAIT

    def ready(self) -> bool:
        """Return whether everything due has been done within the last three intervals."""
        if self._fine_at is None or self._leaving:
            return False
        longest = _READY_INTERVALS * max(self._roster.rhythm.interval, LONGEST_WAIT)
        return self._world.now() - self._fine_at <= longest

    def run(self) -> bool:
        """Run until ``leave``; return whether everything in flight has ended."""
        while not self._leaving:
            due = self.step()
            if not self._leaving:
                self._wait(due - self._world.now())
        self._left.set()
        return self._drained()

    def step(self) -> float:
        """Handle messages, start what is due, and return when to run again at the latest."""
        now = self._world.now()
        self.beat()
        self._listen(now)
        if not self._leaving:
            self._start(now)
        self._tell(now)
        # Due work that cannot start waits for a pass to end, and that wakes the loop.
        latest = now + min(self._world.longest_wait, self._roster.rhythm.interval)
        return min(self._roster.next_after(now), self._read_by, latest)

    def _wait(self, seconds: float) -> None:
        with suppress(Empty):
            self._seen.append(self._inbox.get(timeout=max(0.0, seconds)))

    def _listen(self, now: float) -> None:
        with suppress(Empty):
            while True:
                self._seen.append(self._inbox.get_nowait())
        calls = set()
        while self._seen:
            message = self._seen.popleft()
            if isinstance(message, _Done):
                self._ended(message, now)
            elif isinstance(message, _Call):
                calls.add(message)
            else:
                self._roster.heard(message, now)
        if _Call.LEAVE in calls:
            self._left.set()
        elif _Call.RENEW in calls:
            self._world.meter.event(Wake.SIGNAL)
            self._world.renew()
            self._read(now)
            self._roster.hurry_all(now)
        elif _Call.CHANGED in calls or now >= self._read_by:
            self._read(now)

    def _read(self, now: float) -> None:
        """Read the tree; while the desired state is unknown, everything stays as it was."""
        intake = self._world.read()
        self._read_by = now + min(REREAD, intake.again)
        self._settles(intake, now)
        if intake.unsettled:
            return
        if intake.broken != self._broken:
            self._broken = intake.broken
            if intake.broken:
                _log.error(
                    "the tree cannot be read: no work is started", extra={"why": intake.broken}
                )
        if intake.broken:
            return
        news = self._roster.take(intake, now)
        problems = {f"{one.source}: {one.code}" for one in intake.problems}
        for problem in sorted(problems - self._told):
            _log.warning("problem", extra={"problem": problem, "hint": "run bedrock-jobs validate"})
        self._told = frozenset(problems)
        if news:
            told = {"jobs": len(intake.desired), "changed": news, "problems": len(problems)}
            _log.info("tree", extra=told)
            self._stuck &= {self._roster.group_of(job) for job in intake.desired.values()}

    def _settles(self, intake: Intake, now: float) -> None:
        """Log what keeps the tree unsettled for long, and stale git locks."""
        if not intake.unsettled:
            self._unsettled_since = None
        elif self._unsettled_since is None:
            self._unsettled_since = now
            _log.info("unsettled: the tree will be read again", extra={"why": intake.unsettled})
        elif now - self._unsettled_since >= LONG:
            self._unsettled_since = math.inf
            told = {"why": intake.unsettled, "hint": "finish or abort what git is doing there"}
            _log.warning("the tree is unsettled: no work is started", extra=told)
        for lock in set(intake.stale) - set(self._stale):
            told = {"lock": lock, "hint": "if no git command is running there, delete the file"}
            _log.warning("a stale git lock: only files that equal HEAD count", extra=told)
        self._stale = intake.stale
        self._world.meter.stale_locks(len(self._stale))

    def _start(self, now: float) -> None:
        if not self._world.is_at_rest():
            self._read_by = min(self._read_by, now + _SOON)
            return
        for batch in self._roster.batches(now, self._running, self._recorded):
            outside = self._world.outside()
            future = self._world.executor.submit(self._pass, batch, self._roster.intake, outside)
            self._running[batch.group] = future
            self._since[batch.group] = now

    def _recorded(self) -> Mapping[JobKey, Recorded]:
        desired = self._roster.intake.desired.values()
        return self._world.outside().ledger.read({job.key: job.source for job in desired})

    def _pass(self, batch: Batch, intake: Intake, outside: Outside) -> None:
        """Run one pass in its own thread and report its end to the loop."""
        began, report = self._world.now(), None
        through = replace(outside, leaves=self.leaves)
        scope = Scope(full=batch.full, part=True, identifies=True)
        try:
            if batch.sweeps:
                cleaning = self._world.cleaning
                scope = replace(scope, coverage=intake.coverage(), cleaning=cleaning)
            report = reconcile(batch.desired, through, intake.fleet, Mode.APPLY, scope)
        except PassLeftError:
            _log.info("a pass was aborted")
        except Exception:
            _log.exception("a pass failed unexpectedly; it will be retried")
        self._world.ended()
        self._inbox.put(_Done(batch, report, self._world.now() - began))

    def _ended(self, done: _Done, now: float) -> None:
        batch, report = done.batch, done.report
        self._running.pop(batch.group, None)
        self._since.pop(batch.group, None)
        # Before their places were known, these jobs were in other groups, which may be stuck.
        groups = {batch.group, *map(self._roster.group_of, batch.desired)}
        result = _result(report)
        if not self._leaving:
            self._world.meter.passed(done.seconds, result)
        if report is None:
            self._roster.failed(batch, now)
        else:
            self._roster.looked(batch, report, now)
            if report.refused:
                _log.error("refused: nothing was done", extra={"why": report.refused})
        found = {self._roster.group_of(job) for job in batch.desired}
        if report is None or _saw_nothing(report):
            self._stuck |= found
            # Expired credentials may have been renewed at their source by now.
            for target in {replace(job.target, account_id=None) for job in batch.desired}:
                self._world.forget(target)
        else:
            self._stuck -= groups | found

    def _tell(self, now: float) -> None:
        """Update the metrics; in an idle fleet, finding nothing due counts as being caught up."""
        roster, meter = self._roster, self._world.meter
        desired = roster.intake.desired.values()
        depth, oldest = roster.waiting(now)
        meter.queued(depth, oldest)
        valid = sum(job.submission is not None for job in desired)
        # A file whose manifests cannot be parsed counts as one invalid manifest.
        wrong = (one for one in roster.intake.problems if one.is_error and one.key is None)
        invalid = len(desired) - valid + len({one.source.path for one in wrong})
        meter.counted(Counter(roster.phases.values()), valid, invalid)
        last, interval = self._fine_at, roster.rhythm.interval
        since = min(self._since.values(), default=now)
        lags = now - since > interval or oldest > interval
        if last is None:
            lags = bool(depth or self._running)
        if lags or self._broken or roster.parked or self._stuck or self._leaving:
            return
        if self._unsettled_since is not None:
            return
        if last is None or now - last >= interval:
            self._fine_at = now
            meter.caught_up()

    def _drained(self) -> bool:
        """Wait for passes in flight; those that hang longer are logged and left to the next run."""
        deadline = self._world.now() + self._world.grace
        for future in list(self._running.values()):
            with suppress(TimeoutError):
                future.exception(max(0.0, deadline - self._world.now()))
        hanging = sum(not future.done() for future in self._running.values())
        if hanging:
            told = {"passes": hanging}
            _log.error("calls in flight at shutdown; the next run finds their results", extra=told)
        return not hanging


def _result(report: Report | None) -> PassResult:
    if report is None:
        return PassResult.ERROR
    if report.refused:
        return PassResult.REFUSED
    failed = any(
        one.outcome.failure or one.unwritten or one.outcome.now.reason in UNREAD
        for one in report.results
    )
    return PassResult.FAILED if failed else PassResult.SUCCEEDED


def _saw_nothing(report: Report) -> bool:
    """Whether not one job could be observed, which is not a matter of single jobs."""
    reasons = {one.outcome.now.reason for one in report.results}
    return reasons == {Reason.OBSERVATION_FAILED}
