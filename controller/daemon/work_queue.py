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
from controller.core.model import Desired, JobKey, Place, Problem, Recorded, Target
from controller.core.planning.actions import Reason, Verb
from controller.core.requeue import cadence_of, may_submit
from controller.core.scheduling import Cadence, Draw, Rhythm, Timetable, Turn
from controller.core.status.conditions import PENDING, QUEUED
from controller.engine.apply import Result
from controller.engine.garbage import Coverage
from controller.engine.reconcile import Report

MOST_FULL = 20
"""The most settled jobs per batch: a burst of calls that does not delay a saved file."""

Group = Place | Target
"""Jobs that are observed together: those of a place, or of a role while its place is unknown."""


def _nothing() -> Coverage | None:
    return None


@dataclass(frozen=True, slots=True)
class Intake:
    """The desired state of the tree, as it was last read.

    ``problems`` are those of the manifests. ``broken`` says why the desired state is unknown, and
    ``unsettled`` why the tree is between two states; in both cases the rest does not count.
    ``coverage`` returns which jobs have no manifest any more, if that is known. The tree should be
    read again after ``again`` seconds. ``stale`` are git's locks that were left behind in it.
    """

    fleet: Fleet = field(default_factory=Fleet)
    desired: Mapping[JobKey, Desired] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    broken: str = ""
    coverage: Callable[[], Coverage | None] = _nothing
    unsettled: str = ""
    again: float = math.inf
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs of one pass.

    ``group`` is their group, None for a pass that runs alone. ``full`` does not trust the records,
    and ``sweeps`` includes the jobs without a manifest.
    """

    desired: tuple[Desired, ...]
    group: Group | None
    full: bool = False
    sweeps: bool = False


@dataclass(slots=True)
class Roster:
    """The daemon's jobs: what is desired of each, when it is due, and its last phase.

    ``parked`` are the jobs of a plan that a safeguard refused. They wait for a change in the tree,
    or for the resync, and then run together, so that the safeguard sees all of them again.
    """

    kinds: Mapping[str, Kind]
    rhythm: Rhythm
    draw: Draw
    intake: Intake = field(default_factory=Intake)
    phases: dict[JobKey, str] = field(default_factory=dict)
    parked: set[JobKey] = field(default_factory=set)
    sweep_due: float | None = None
    _times: Timetable = field(init=False)
    _places: dict[Target, Place] = field(default_factory=dict)
    _wrong: set[JobKey] = field(default_factory=set)
    _arns: dict[str, JobKey] = field(default_factory=dict)
    _arn_of: dict[JobKey, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._times = Timetable(self.rhythm, self.draw)

    def take(self, intake: Intake, now: float) -> int:
        """Set the desired state; return for how many jobs it changed."""
        known, stays = self.intake.desired, self.intake.fleet == intake.fleet
        # Unchanged jobs stay the same object, by which the results of running passes are matched.
        desired = {key: _kept(known.get(key), job) for key, job in intake.desired.items()}
        changed = [key for key, job in desired.items() if not stays or known.get(key) is not job]
        gone = known.keys() - desired.keys()
        self.intake = replace(intake, desired=desired)
        for key in gone:
            self._forget(key)
        if changed or gone:
            changed += [key for key in self.parked if key in desired]
            self.parked.clear()
        for key in dict.fromkeys(changed):
            self._times.hurry(key, now)
            self.phases.setdefault(key, PENDING)
        if self.sweep_due is None or gone:
            # Files that are being moved or checked out are missing for a moment.
            self.sweep_due = now + self.rhythm.interval
        return len(changed) + len(gone)

    def heard(self, arn: str, now: float) -> bool:
        """Make the job with this ARN due now; return whether it is one of ours."""
        key = self._arns.get(arn)
        if key is not None:
            self._times.nudge(key, now)
        return key is not None

    def hurry_all(self, now: float) -> None:
        """Make every job due now."""
        self.parked.clear()
        for key in self.intake.desired:
            self._times.hurry(key, now)

    def waiting(self, now: float) -> tuple[int, float]:
        """Return how many jobs are due, and for how many seconds the first of them has been."""
        due = self._times.due(now)
        turn = self._times.turn(due[0]) if due else None
        return len(due), now - turn.due if turn else 0.0

    def next_after(self, now: float) -> float:
        """Return when something becomes due after now; infinite if nothing does."""
        sweep = self.sweep_due
        due = self._times.next_after(now)
        return min(due, sweep) if sweep is not None and sweep > now else due

    def batches(
        self,
        now: float,
        busy: Iterable[Group | None],
        recorded: Callable[[], Mapping[JobKey, Recorded]],
    ) -> list[Batch]:
        """Return the batches to run now, beside those that are running.

        ``busy`` are the groups of the running ones. ``recorded`` is called only when many jobs
        changed.
        """
        chosen = self._chosen(now, set(busy), recorded)
        for batch in chosen:
            for job in batch.desired if not batch.sweeps else ():
                self._times.take(job.key)
        return chosen

    def looked(self, batch: Batch, report: Report, now: float) -> None:
        """Process the report of a pass; jobs that changed meanwhile stay due."""
        wanted = {job.key: job for job in batch.desired}
        for result in report.results:
            job = result.outcome.planned.desired
            if not job.removed:
                self._learn(wanted[job.key], result)
        if report.refused is not None:
            self._refused(batch, report, now)
        else:
            for result in report.results:
                self._done(wanted, result, now, full=batch.full)
            self.parked -= wanted.keys()
        self._unlooked(batch, now)
        if batch.sweeps:
            # A removed job that still runs is checked as often as an active one.
            wait = self.rhythm.interval if self._some_leftover_runs(report) else self._long()
            self.sweep_due = now + wait

    def failed(self, batch: Batch, now: float) -> None:
        """Schedule the jobs of a pass that failed as a whole."""
        self._unlooked(batch, now)
        if batch.sweeps:
            self.sweep_due = now + self.rhythm.interval

    def group_of(self, job: Desired) -> Group:
        """Return the group that a job is observed with."""
        asked = Target(job.target.region, None, job.target.assume_role_arn)
        # Until a role's place is known, one plan covers everything that it would do.
        return self._places.get(asked, Target(None, None, asked.assume_role_arn))

    def _chosen(
        self,
        now: float,
        busy: set[Group | None],
        recorded: Callable[[], Mapping[JobKey, Recorded]],
    ) -> list[Batch]:
        if None in busy:
            return []
        due = {key: turn for key in self._times.due(now) if (turn := self._times.turn(key))}
        if alone := self._alone(due, recorded):
            return [] if busy else [self._batch(None, alone, full=False)]
        if not due and not busy and self.sweep_due is not None and self.sweep_due <= now:
            return self._sweep(now)
        groups: dict[Group, dict[JobKey, Turn]] = defaultdict(dict)
        for key, turn in due.items():
            groups[self.group_of(self.intake.desired[key])][key] = turn
        return [
            self._of_group(group, turns, now)
            for group, turns in groups.items()
            if group not in busy
        ]

    def _forget(self, key: JobKey) -> None:
        self._times.drop(key)
        self.phases.pop(key, None)
        self.parked.discard(key)
        self._wrong.discard(key)
        self._arns.pop(self._arn_of.pop(key, ""), None)

    def _alone(
        self, due: Mapping[JobKey, Turn], recorded: Callable[[], Mapping[JobKey, Recorded]]
    ) -> set[JobKey]:
        """Return the jobs that need one common plan, with no other pass beside it.

        Either they are more submits than a plan may have, or their groups may turn out to be one
        place, whose active jobs are counted together.
        """
        news = {key for key, turn in due.items() if turn.urgent}
        if not self.parked.isdisjoint(due):
            news |= self.parked
        limits, desired = self.intake.fleet.limits, self.intake.desired
        if len(news) > limits.max_submits:
            # Reading the records costs I/O, so only when the limit may really be exceeded.
            known = recorded()
            if sum(may_submit(desired[key], known.get(key)) for key in news) > limits.max_submits:
                return news
        changing = {key for key, turn in due.items() if not turn.full}
        groups = {self.group_of(desired[key]) for key in changing}
        unknown = any(isinstance(group, Target) for group in groups)
        collide = limits.max_active is not None and unknown and len(groups) > 1
        return changing if collide else set()

    def _of_group(self, group: Group, due: Mapping[JobKey, Turn], now: float) -> Batch:
        """Return a group's batch; changed jobs go first, before routine observations."""
        urgent = {key for key, turn in due.items() if turn.urgent}
        if urgent:
            return self._batch(group, urgent, full=False)
        # A full observation needs calls even for settled jobs, so it is kept apart from ordinary
        # ones.
        full = all(turn.full for turn in due.values())
        own = [
            key
            for key in self._times.ripe(now, full=full)
            if self.group_of(self.intake.desired[key]) == group
        ]
        return self._batch(group, own[:MOST_FULL] if full else own, full=full)

    def _batch(self, group: Group | None, keys: Iterable[JobKey], *, full: bool) -> Batch:
        """Return a batch plus all jobs that are queued for a slot: the first in line goes first."""
        desired = self.intake.desired
        line = {
            key
            for key, phase in self.phases.items()
            if phase == QUEUED and (group is None or self.group_of(desired[key]) == group)
        }
        # A job that shows credentials to be wrong is part of every plan, to block their use.
        wrong = {key for key in self._wrong if not self._times.is_taken(key)}
        chosen = sorted(line.union(keys, wrong))
        return Batch(tuple(desired[key] for key in chosen), group, full)

    def _sweep(self, now: float) -> list[Batch]:
        # Without knowing all manifests, a missing one cannot be told from an unread one.
        if self.intake.coverage() is None:
            self.sweep_due = now + self._long()
            return []
        jobs = (job for key, job in self.intake.desired.items() if key not in self.parked)
        return [Batch(tuple(jobs), None, sweeps=True)]

    def _learn(self, job: Desired, result: Result) -> None:
        asked = Target(job.target.region, None, job.target.assume_role_arn)
        if result.outcome.planned.place is not None:
            self._places[asked] = result.outcome.planned.place
        if job.key in self.intake.desired:
            self.phases[job.key] = str(result.entry.get("phase") or PENDING)
            is_wrong = result.outcome.now.reason is Reason.WRONG_TARGET
            (self._wrong.add if is_wrong else self._wrong.discard)(job.key)
            arn = str(result.entry.get("jobArn") or "")
            self._arns.pop(self._arn_of.get(job.key, ""), None)
            self._arns[arn], self._arn_of[job.key] = job.key, arn

    def _refused(self, batch: Batch, report: Report, now: float) -> None:
        """Park the submits that the safeguard refused; observe the other jobs without them."""
        submits = {
            result.outcome.planned.desired.key
            for result in report.results
            if result.outcome.planned.verb is Verb.SUBMIT
        }
        too_many = len(submits) > self.intake.fleet.limits.max_submits
        held = submits if too_many and not batch.sweeps else set()
        for job in batch.desired:
            if self.intake.desired.get(job.key) is job:
                if job.key in held:
                    self.parked.add(job.key)
                elif not batch.sweeps:
                    self._look(job, now, Cadence.ACTIVE)
        self._times.put_off(self.parked, now)

    def _done(
        self, wanted: Mapping[JobKey, Desired], result: Result, now: float, *, full: bool
    ) -> None:
        job = wanted.get(result.outcome.planned.desired.key)
        if job is not None:
            kind = self.kinds[job.key.kind]
            is_recorded = result.unwritten is None
            cadence = cadence_of(kind, result.outcome, recorded=is_recorded)
            self._look(job, now, cadence, full=full)

    def _look(self, job: Desired, now: float, cadence: Cadence, *, full: bool = False) -> None:
        turn = self._times.turn(job.key)
        # A job that became due meanwhile has changed, maybe after it was observed.
        if self.intake.desired.get(job.key) is job and turn is not None and turn.due > now:
            self._times.looked(job.key, now, cadence, full=full)

    def _unlooked(self, batch: Batch, now: float) -> None:
        """Retry the jobs that the report does not cover."""
        for job in batch.desired:
            if self._times.is_taken(job.key):
                self._times.looked(job.key, now, Cadence.FAILED)

    def _some_leftover_runs(self, report: Report) -> bool:
        return any(
            cadence_of(self.kinds[job.key.kind], result.outcome) is not Cadence.SETTLED
            for result in report.results
            if (job := result.outcome.planned.desired).removed
        )

    def _long(self) -> float:
        return self.rhythm.resync * (0.9 + 0.2 * self.draw())


def _kept(known: Desired | None, job: Desired) -> Desired:
    return known if known is not None and known == job else job
