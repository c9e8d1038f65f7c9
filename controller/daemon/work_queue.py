"""The daemon's work queue: which jobs are due, when, and which are observed together.

Nothing here waits, calls or reads. The daemon passes in the desired state and the results of
passes, and receives the batches that are due.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.core.fleet import Fleet
from controller.core.kinds.kind import Kind
from controller.core.model import DesiredJob, JobKey, JobRecord, Place, Problem, Target
from controller.core.planning.actions import Reason, Verb
from controller.core.requeue import can_submit, choose_cadence
from controller.core.scheduling import Cadence, PollIntervals, RandomSource, Schedule, ScheduleEntry
from controller.core.status.conditions import PENDING, QUEUED
from controller.engine.apply import JobResult
from controller.engine.garbage import Coverage
from controller.engine.reconcile import Report

MAX_FULL_BATCH = 20
"""The most settled jobs per batch: a burst of calls that does not delay a saved file."""

Group = Place | Target
"""Jobs that are observed together: those of a place, or of a role while its place is unknown."""


def _get_no_coverage() -> Coverage | None:
    return None


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state of the tree, as it was last read.

    ``problems`` are those of the manifests. ``broken`` says why the desired state is unknown, and
    ``unsettled`` why the tree is between two states; in both cases the rest does not count.
    ``coverage`` returns which jobs have no manifest any more, if that is known. The tree should be
    read again after ``reread_after`` seconds. ``stale_locks`` are git's locks that were left behind
    in it.
    """

    fleet: Fleet = field(default_factory=Fleet)
    desired: Mapping[JobKey, DesiredJob] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    broken: str = ""
    coverage: Callable[[], Coverage | None] = _get_no_coverage
    unsettled: str = ""
    reread_after: float = math.inf
    stale_locks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs of one pass.

    ``group`` is their group, None for a pass that runs alone. ``full`` does not trust the records,
    and ``is_sweep`` includes the jobs without a manifest.
    """

    desired: tuple[DesiredJob, ...]
    group: Group | None
    full: bool = False
    is_sweep: bool = False


RecordReader = Callable[[], Mapping[JobKey, JobRecord]]


@dataclass(slots=True)
class WorkQueue:
    """The daemon's jobs: what is desired of each, when it is due, and its last phase.

    ``parked`` are the jobs of a plan that a safeguard refused. They wait for a change in the tree,
    or for the resync, and then run together, so that the safeguard sees all of them again.
    """

    kinds: Mapping[str, Kind]
    intervals: PollIntervals
    draw: RandomSource
    state: DesiredState = field(default_factory=DesiredState)
    phases: dict[JobKey, str] = field(default_factory=dict)
    parked: set[JobKey] = field(default_factory=set)
    sweep_due: float | None = None
    _schedule: Schedule = field(init=False)
    _places: dict[Target, Place] = field(default_factory=dict)
    _wrong: set[JobKey] = field(default_factory=set)
    _arns: dict[str, JobKey] = field(default_factory=dict)
    _arn_of: dict[JobKey, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._schedule = Schedule(self.intervals, self.draw)

    def update(self, state: DesiredState, now: float) -> int:
        """Set the desired state; return for how many jobs it changed."""
        # A change to the fleet's rules can change every decision.
        known, stays = self.state.desired, self.state.fleet == state.fleet
        # Unchanged jobs stay the same object, by which the results of running passes are matched.
        desired = {key: _reuse_equal(known.get(key), job) for key, job in state.desired.items()}
        changed = [key for key, job in desired.items() if not stays or known.get(key) is not job]
        gone = known.keys() - desired.keys()
        self.state = replace(state, desired=desired)
        for key in gone:
            self._forget(key)
        if changed or gone:
            changed += [key for key in self.parked if key in desired]
            self.parked.clear()
        for key in dict.fromkeys(changed):
            self._schedule.schedule_now(key, now)
            self.phases.setdefault(key, PENDING)
        if self.sweep_due is None or gone:
            # Files that are being moved or checked out are missing for a moment.
            self.sweep_due = now + self.intervals.interval
        return len(changed) + len(gone)

    def wake_job(self, arn: str, now: float) -> bool:
        """Make the job with this ARN due now; return whether it is one of ours."""
        key = self._arns.get(arn)
        if key is not None:
            self._schedule.wake(key, now)
        return key is not None

    def schedule_all(self, now: float) -> None:
        """Make every job due now."""
        self.parked.clear()
        for key in self.state.desired:
            self._schedule.schedule_now(key, now)

    def measure_backlog(self, now: float) -> tuple[int, float]:
        """Return how many jobs are due, and for how many seconds the first of them has been."""
        due = self._schedule.list_due(now)
        entry = self._schedule.get_entry(due[0]) if due else None
        return len(due), now - entry.due if entry else 0.0

    def get_next_due(self, now: float) -> float:
        """Return when something becomes due after now; infinite if nothing does."""
        sweep = self.sweep_due
        due = self._schedule.get_next_due(now)
        return min(due, sweep) if sweep is not None and sweep > now else due

    def take_batches(
        self, now: float, busy: Iterable[Group | None], recorded: RecordReader
    ) -> list[Batch]:
        """Return the batches to run now, beside those that are running.

        ``busy`` are the groups of the running ones. ``recorded`` is called only when many jobs
        changed.
        """
        chosen = self._choose_batches(now, set(busy), recorded)
        for batch in chosen:
            for job in batch.desired if not batch.is_sweep else ():
                self._schedule.take(job.key)
        return chosen

    def record_report(self, batch: Batch, report: Report, now: float) -> None:
        """Process the report of a pass; jobs that changed meanwhile stay due."""
        wanted = {job.key: job for job in batch.desired}
        for result in report.results:
            job = result.outcome.planned.desired
            if not job.removed:
                self._remember(wanted[job.key], result)
        if report.refused is not None:
            self._handle_refusal(batch, report, now)
        else:
            for result in report.results:
                self._finish_job(wanted, result, now, full=batch.full)
            self.parked -= wanted.keys()
        self._retry_unseen(batch, now)
        if batch.is_sweep:
            wait = (
                self.intervals.interval
                if self._has_running_orphan(report)
                else self._draw_resync_delay()
            )
            self.sweep_due = now + wait

    def record_failure(self, batch: Batch, now: float) -> None:
        """Schedule the jobs of a pass that failed as a whole."""
        self._retry_unseen(batch, now)
        if batch.is_sweep:
            self.sweep_due = now + self.intervals.interval

    def get_group(self, job: DesiredJob) -> Group:
        """Return the group that a job is observed with."""
        asked = Target(job.target.region, None, job.target.assume_role_arn)
        # Until a role's place is known, one plan covers everything that it would do.
        return self._places.get(asked, Target(None, None, asked.assume_role_arn))

    def _choose_batches(
        self, now: float, busy: set[Group | None], recorded: RecordReader
    ) -> list[Batch]:
        if None in busy:
            return []
        due = {
            key: entry
            for key in self._schedule.list_due(now)
            if (entry := self._schedule.get_entry(key))
        }
        if alone := self._find_exclusive(due, recorded):
            return [] if busy else [self._build_batch(None, alone, full=False)]
        if not due and not busy and self.sweep_due is not None and self.sweep_due <= now:
            return self._build_sweep(now)
        groups: dict[Group, dict[JobKey, ScheduleEntry]] = defaultdict(dict)
        for key, entry in due.items():
            groups[self.get_group(self.state.desired[key])][key] = entry
        return [
            self._build_group_batch(group, entries, now)
            for group, entries in groups.items()
            if group not in busy
        ]

    def _forget(self, key: JobKey) -> None:
        self._schedule.drop(key)
        self.phases.pop(key, None)
        self.parked.discard(key)
        self._wrong.discard(key)
        self._arns.pop(self._arn_of.pop(key, ""), None)

    def _find_exclusive(
        self, due: Mapping[JobKey, ScheduleEntry], recorded: RecordReader
    ) -> set[JobKey]:
        """Return the jobs that need one common plan, with no other pass beside it.

        Either they are more submits than a plan may have, or their groups may turn out to be one
        place, whose active jobs are counted together.
        """
        news = {key for key, entry in due.items() if entry.urgent}
        # One refused job that is due brings back the others, so that the plan is refused as a
        # whole.
        if not self.parked.isdisjoint(due):
            news |= self.parked
        limits, desired = self.state.fleet.limits, self.state.desired
        if len(news) > limits.max_submits:
            # Reading the records costs I/O, so only when the limit may really be exceeded.
            known = recorded()
            if sum(can_submit(desired[key], known.get(key)) for key in news) > limits.max_submits:
                return news
        changing = {key for key, entry in due.items() if not entry.full}
        groups = {self.get_group(desired[key]) for key in changing}
        unknown = any(isinstance(group, Target) for group in groups)
        collide = limits.max_active is not None and unknown and len(groups) > 1
        return changing if collide else set()

    def _build_group_batch(
        self, group: Group, due: Mapping[JobKey, ScheduleEntry], now: float
    ) -> Batch:
        """Return a group's batch; changed jobs go first, before routine observations."""
        urgent = {key for key, entry in due.items() if entry.urgent}
        if urgent:
            return self._build_batch(group, urgent, full=False)
        # A full observation needs calls even for settled jobs, so it is kept apart from ordinary
        # ones.
        full = all(entry.full for entry in due.values())
        own = [
            key
            for key in self._schedule.list_ripe(now, full=full)
            if self.get_group(self.state.desired[key]) == group
        ]
        return self._build_batch(group, own[:MAX_FULL_BATCH] if full else own, full=full)

    def _build_batch(self, group: Group | None, keys: Iterable[JobKey], *, full: bool) -> Batch:
        """Return a batch plus all jobs that are queued for a slot: the first in line goes first."""
        desired = self.state.desired
        line = {
            key
            for key, phase in self.phases.items()
            if phase == QUEUED and (group is None or self.get_group(desired[key]) == group)
        }
        # A job that shows credentials to be wrong is part of every plan, to block their use.
        wrong = {key for key in self._wrong if not self._schedule.is_taken(key)}
        chosen = sorted(line.union(keys, wrong))
        return Batch(tuple(desired[key] for key in chosen), group, full)

    def _build_sweep(self, now: float) -> list[Batch]:
        # Without knowing all manifests, a missing one cannot be told from an unread one.
        if self.state.coverage() is None:
            self.sweep_due = now + self._draw_resync_delay()
            return []
        jobs = (job for key, job in self.state.desired.items() if key not in self.parked)
        return [Batch(tuple(jobs), None, is_sweep=True)]

    def _remember(self, job: DesiredJob, result: JobResult) -> None:
        asked = Target(job.target.region, None, job.target.assume_role_arn)
        if result.outcome.planned.place is not None:
            self._places[asked] = result.outcome.planned.place
        if job.key in self.state.desired:
            self.phases[job.key] = str(result.entry.get("phase") or PENDING)
            is_wrong = result.outcome.actual.reason is Reason.WRONG_TARGET
            (self._wrong.add if is_wrong else self._wrong.discard)(job.key)
            arn = str(result.entry.get("jobArn") or "")
            self._arns.pop(self._arn_of.get(job.key, ""), None)
            self._arns[arn], self._arn_of[job.key] = job.key, arn

    def _handle_refusal(self, batch: Batch, report: Report, now: float) -> None:
        """Park the submits that the safeguard refused; observe the other jobs without them."""
        submits = {
            result.outcome.planned.desired.key
            for result in report.results
            if result.outcome.planned.verb is Verb.SUBMIT
        }
        too_many = len(submits) > self.state.fleet.limits.max_submits
        held = submits if too_many and not batch.is_sweep else set()
        for job in batch.desired:
            if self.state.desired.get(job.key) is job:
                if job.key in held:
                    self.parked.add(job.key)
                elif not batch.is_sweep:
                    self._schedule_next(job, now, Cadence.ACTIVE)
        self._schedule.put_off(self.parked, now)

    def _finish_job(
        self, wanted: Mapping[JobKey, DesiredJob], result: JobResult, now: float, *, full: bool
    ) -> None:
        job = wanted.get(result.outcome.planned.desired.key)
        if job is not None:
            kind = self.kinds[job.key.kind]
            cadence = choose_cadence(kind, result.outcome, recorded=result.write_error is None)
            self._schedule_next(job, now, cadence, full=full)

    def _schedule_next(
        self, job: DesiredJob, now: float, cadence: Cadence, *, full: bool = False
    ) -> None:
        entry = self._schedule.get_entry(job.key)
        # A job that became due meanwhile has changed, maybe after it was observed.
        if self.state.desired.get(job.key) is job and entry is not None and entry.due > now:
            self._schedule.schedule_next(job.key, now, cadence, full=full)

    def _retry_unseen(self, batch: Batch, now: float) -> None:
        """Retry the jobs that the report does not cover."""
        for job in batch.desired:
            if self._schedule.is_taken(job.key):
                self._schedule.schedule_next(job.key, now, Cadence.FAILED)

    def _has_running_orphan(self, report: Report) -> bool:
        return any(
            choose_cadence(self.kinds[job.key.kind], result.outcome) is not Cadence.SETTLED
            for result in report.results
            if (job := result.outcome.planned.desired).removed
        )

    def _draw_resync_delay(self) -> float:
        return self.intervals.resync * (0.9 + 0.2 * self.draw())


def _reuse_equal(known: DesiredJob | None, job: DesiredJob) -> DesiredJob:
    return known if known is not None and known == job else job
