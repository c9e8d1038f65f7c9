"""The loop that keeps a tree's jobs as it asks, for as long as the process lives.

Files, events, timers and signals are hints only: what is wanted is always read again (level).
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
"""Seconds after which the loop shows that it lives, though there is nothing to do."""
REREAD = 600.0
"""Seconds after which the tree is read again though nothing told of a change."""
LONG = 60.0
"""Seconds for which a tree may be unsettled before that is logged."""
_SOON = 0.1
GRACE = 9.0
"""Seconds that actions in hand have to end in once a signal asked to end."""
_READY_INTERVALS = 3


class _Call(Enum):
    """What the daemon is told from outside."""

    CHANGED = "changed"
    RENEW = "renew"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class _Done:
    """A pass that ended: with a report, or without one."""

    batch: Batch
    report: Report | None
    seconds: float


_Message = _Call | _Done | str
"""A call, a pass that ended, or the ARN that an event told of."""


@dataclass(frozen=True, slots=True)
class World:
    """All that the daemon needs of the outside.

    ``read`` returns what the tree asks for now, and ``outside`` what passes work through; both are
    made anew by ``renew``. ``is_at_rest`` says whether git is changing no file now: passes start
    only then, because they read records beside the manifests. ``now`` is a clock that never goes
    back, in seconds. ``executor`` has a thread for every group. ``ended`` is called after each
    pass, in its thread, and ``beat`` at least every ``longest_wait`` seconds.
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
    """The loop. ``changed``, ``heard``, ``renew`` and ``leave`` may be called from anywhere."""

    def __init__(self, world: World, roster: Roster) -> None:
        self._world = world
        self._roster = roster
        # A SimpleQueue may be put to from a signal handler, and no call is ever missed.
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
        """Something changed in the tree, as ``wake`` told."""
        self._world.meter.event(wake)
        self._inbox.put(_Call.CHANGED)

    def heard(self, arn: str) -> None:
        """A job's status may have changed."""
        self._world.meter.event(Wake.QUEUE)
        self._inbox.put(arn)

    def renew(self) -> None:
        """Read everything anew, the configuration and the credentials too."""
        self._inbox.put(_Call.RENEW)

    def leave(self) -> None:
        """Begin nothing any more, and let ``run`` return."""
        self._leaving = True
        self._inbox.put(_Call.LEAVE)

    def leaves(self) -> bool:
        """Whether nothing may begin any more."""
        return self._leaving

    def pause(self, seconds: float) -> None:
        """Return after so many seconds, or at once when the daemon leaves."""
        self._left.wait(seconds)

    def beat(self) -> None:
        """Show that the process lives, though the loop has not begun."""
        self._beat_at = self._world.now()
        self._world.beat()

    def alive(self) -> bool:
        """Whether the loop went round lately."""
        return self._world.now() - self._beat_at < _READY_INTERVALS * 2 * LONGEST_WAIT

    def ready(self) -> bool:
        """Whether all that was due has been done, within the last three intervals."""
        if self._fine_at is None or self._leaving:
            return False
        longest = _READY_INTERVALS * max(self._roster.rhythm.interval, LONGEST_WAIT)
        return self._world.now() - self._fine_at <= longest

    def run(self) -> bool:
        """Go on until ``leave``; return whether all that was in hand then has ended."""
        while not self._leaving:
            due = self.step()
            if not self._leaving:
                self._wait(due - self._world.now())
        self._left.set()
        return self._drained()

    def step(self) -> float:
        """Take in what was told, start what is due, and return when to come again at the latest."""
        now = self._world.now()
        self.beat()
        self._listen(now)
        if not self._leaving:
            self._start(now)
        self._tell(now)
        # What is due and cannot start waits for a pass to end, and that wakes the loop.
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
        """Read the tree; while nobody knows what it asks for, all stays as it was."""
        intake = self._world.read()
        self._read_by = now + min(REREAD, intake.again)
        self._settles(intake, now)
        if intake.unsettled:
            return
        if intake.broken != self._broken:
            self._broken = intake.broken
            if intake.broken:
                _log.error(
                    "the tree cannot be read: nothing new is done", extra={"why": intake.broken}
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
        """Log what keeps the tree from being read for long, and locks that were left behind."""
        if not intake.unsettled:
            self._unsettled_since = None
        elif self._unsettled_since is None:
            self._unsettled_since = now
            _log.info("unsettled: the tree is read again soon", extra={"why": intake.unsettled})
        elif now - self._unsettled_since >= LONG:
            self._unsettled_since = math.inf
            told = {"why": intake.unsettled, "hint": "finish or abort what is under way there"}
            _log.warning("the tree is unsettled: nothing new is done", extra=told)
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
        """Make one pass, in a thread of its own, and tell the loop how it went."""
        began, report = self._world.now(), None
        through = replace(outside, leaves=self.leaves)
        scope = Scope(full=batch.full, part=True, identifies=True)
        try:
            if batch.sweeps:
                cleaning = self._world.cleaning
                scope = replace(scope, coverage=intake.coverage(), cleaning=cleaning)
            report = reconcile(batch.desired, through, intake.fleet, Mode.APPLY, scope)
        except PassLeftError:
            _log.info("a pass was left before its end")
        except Exception:
            _log.exception("a pass failed unexpectedly; it is made again")
        self._world.ended()
        self._inbox.put(_Done(batch, report, self._world.now() - began))

    def _ended(self, done: _Done, now: float) -> None:
        batch, report = done.batch, done.report
        self._running.pop(batch.group, None)
        self._since.pop(batch.group, None)
        # While their places were unknown they were in other groups, which may be stuck.
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
            # Credentials that ran out may have been renewed by now, where they come from.
            for target in {replace(job.target, account_id=None) for job in batch.desired}:
                self._world.forget(target)
        else:
            self._stuck -= groups | found

    def _tell(self, now: float) -> None:
        """Tell what there is; an idle fleet's pass is a look that finds nothing due."""
        roster, meter = self._roster, self._world.meter
        desired = roster.intake.desired.values()
        depth, oldest = roster.waiting(now)
        meter.queued(depth, oldest)
        valid = sum(job.submission is not None for job in desired)
        # A file that nobody can read the manifests of counts as one.
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
        """Wait for what is in hand; what hangs longer is told, and left to the next daemon."""
        deadline = self._world.now() + self._world.grace
        for future in list(self._running.values()):
            with suppress(TimeoutError):
                future.exception(max(0.0, deadline - self._world.now()))
        hanging = sum(not future.done() for future in self._running.values())
        if hanging:
            told = {"passes": hanging}
            _log.error("calls got no answer in time; what they do is found again later", extra=told)
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
    """Whether not one job could be looked at: that is no matter of single jobs."""
    reasons = {one.outcome.now.reason for one in report.results}
    return reasons == {Reason.OBSERVATION_FAILED}
