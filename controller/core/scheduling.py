"""The schedule of observations: when each job is observed next.

Times are seconds of a monotonic clock and are passed in by the caller, like random numbers.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

from controller.core.model import JobKey

RandomSource = Callable[[], float]
"""Returns another random number from 0 up to 1 each time."""

FIRST_BACKOFF = 1.0
SLOW_BACKOFF = 60.0
MAX_BACKOFF = 900.0
JITTER = 0.1
# Observations due this close together are made in one pass: a listing shows many jobs in one call.
BATCH_WINDOW = 0.2
RESYNC_BATCH_WINDOW = 0.005


class Cadence(Enum):
    """What the observation of a job says about the next one."""

    SETTLED = "settled"
    """Nothing changes without a person, or ever: the resync is enough."""
    ACTIVE = "active"
    """It will change by itself."""
    FAILED = "failed"
    """The observation, or an action after it, failed, and a retry may succeed."""
    DENIED = "denied"
    """It failed for a permission that a person has to grant."""


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """Seconds between observations of active and of settled jobs."""

    interval: float = 60.0
    resync: float = 36_000.0


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """A job's next observation: when it is due, and from when (``earliest``) it may join another.

    ``failures`` counts consecutive failures. ``full`` says that the record is not trusted,
    ``urgent`` that something changed, and ``first`` that there was no observation before.
    """

    due: float
    earliest: float
    failures: int = 0
    full: bool = False
    urgent: bool = False
    first: bool = False


@dataclass(slots=True)
class Schedule:
    """The next observation of every known job."""

    rhythm: PollIntervals
    draw: RandomSource
    _entries: dict[JobKey, ScheduleEntry] = field(default_factory=dict)
    _heap: list[tuple[float, JobKey]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: JobKey) -> bool:
        return key in self._entries

    def schedule_now(self, key: JobKey, now: float) -> None:
        """Make a job due now: it is new, or its manifest changed. This ends a backoff."""
        self._put(key, ScheduleEntry(now, now, urgent=True, first=key not in self._entries))

    def wake(self, key: JobKey, now: float) -> None:
        """Make a job that changes by itself due now, unless it is in a backoff."""
        entry = self._entries.get(key)
        # Events must not defeat a backoff: a burst of them would hammer a failing service.
        if entry is not None and entry.due > now and not entry.failures and not entry.full:
            self._put(key, replace(entry, due=now, earliest=now))

    def schedule_next(
        self, key: JobKey, now: float, cadence: Cadence, *, full: bool = False
    ) -> None:
        """Schedule a job's next observation after one has ended; a forgotten job stays forgotten.

        An observation that was not ``full`` does not replace a due resync.
        """
        entry = self._entries.get(key)
        if entry is None or (entry.full and cadence is Cadence.SETTLED and not full):
            return
        self._put(key, self._compute_next(entry, now, cadence))

    def take(self, key: JobKey) -> None:
        """Take a job off the schedule until its observation has ended or something changes."""
        entry = self._entries.get(key)
        if entry is not None:
            self._put(key, replace(entry, due=math.inf, earliest=math.inf, urgent=False))

    def is_taken(self, key: JobKey) -> bool:
        """Whether a job is being observed and there is no news of it."""
        entry = self._entries.get(key)
        return entry is not None and entry.due == math.inf

    def put_off(self, keys: Iterable[JobKey], now: float) -> None:
        """Postpone jobs together by the interval of settled ones."""
        # One time for all of them, so that they meet in one plan again.
        due = now + self._add_jitter(self.rhythm.resync)
        for key in keys:
            self._put(key, ScheduleEntry(due, due))

    def drop(self, key: JobKey) -> None:
        """Forget a job."""
        self._entries.pop(key, None)

    def get_entry(self, key: JobKey) -> ScheduleEntry | None:
        """Return a job's next observation, or None if the job is not known."""
        return self._entries.get(key)

    def list_due(self, now: float) -> list[JobKey]:
        """Return the jobs that are due, the longest due first."""
        self._clear()
        if not self._heap or self._heap[0][0] > now:
            return []
        found = sorted(entry for entry in self._heap if entry[0] <= now)
        return list(dict.fromkeys(key for due, key in found if self._is_current(due, key)))

    def list_ripe(self, now: float, *, full: bool) -> list[JobKey]:
        """Return the full (or not full) jobs that may join a pass now, the first due first."""
        found = [
            (entry.due, key)
            for key, entry in self._entries.items()
            if entry.earliest <= now and entry.full is full
        ]
        return [key for _, key in sorted(found)]

    def get_next_due(self, now: float) -> float:
        """Return when the next job is due after now; infinite if none is."""
        self._clear()
        if self._heap and self._heap[0][0] > now:
            return self._heap[0][0]
        later = (due for due, key in self._heap if due > now and self._is_current(due, key))
        return min(later, default=math.inf)

    def _compute_next(self, entry: ScheduleEntry, now: float, cadence: Cadence) -> ScheduleEntry:
        if cadence is Cadence.SETTLED:
            # Spread the first resync of jobs that are settled at startup: a daemon with many of
            # them must not observe all at the same time.
            wait = self._add_jitter(1.0) if not entry.first else self.draw()
            due = now + wait * self.rhythm.resync
            return ScheduleEntry(due, due - RESYNC_BATCH_WINDOW * self.rhythm.resync, full=True)
        if cadence is Cadence.ACTIVE:
            due = now + self._add_jitter(self.rhythm.interval)
            return ScheduleEntry(due, due - BATCH_WINDOW * self.rhythm.interval)
        first = FIRST_BACKOFF if cadence is Cadence.FAILED else SLOW_BACKOFF
        # Cap the exponent: failures that repeat for months would overflow the float.
        wait = min(MAX_BACKOFF, first * 2.0 ** min(entry.failures, 20))
        due = now + wait * (1 - JITTER * 2 * self.draw())
        return ScheduleEntry(due, due - BATCH_WINDOW * wait, entry.failures + 1, full=entry.full)

    def _add_jitter(self, seconds: float) -> float:
        return seconds * (1 - JITTER + 2 * JITTER * self.draw())

    def _put(self, key: JobKey, entry: ScheduleEntry) -> None:
        self._entries[key] = entry
        heapq.heappush(self._heap, (entry.due, key))
        # Outdated items stay in the heap until they surface; rebuild it before they outnumber the
        # others.
        if len(self._heap) > 2 * len(self._entries) + 64:
            self._heap = [(each.due, one) for one, each in self._entries.items()]
            heapq.heapify(self._heap)

    def _clear(self) -> None:
        while self._heap and not self._is_current(*self._heap[0]):
            heapq.heappop(self._heap)

    def _is_current(self, due: float, key: JobKey) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry.due == due
