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

Draw = Callable[[], float]
"""Returns another random number from 0 up to 1 each time."""

FIRST_BACKOFF = 1.0
SLOW_BACKOFF = 60.0
LONGEST_BACKOFF = 900.0
JITTER = 0.1
# Observations due this close together are made in one pass: a listing shows many jobs in one call.
TOGETHER = 0.2
RESYNC_TOGETHER = 0.005


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
class Rhythm:
    """Seconds between observations of active and of settled jobs."""

    interval: float = 60.0
    resync: float = 36_000.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A job's next observation: when it is due, and from when (``early``) it may join another.

    ``failures`` counts consecutive failures. ``full`` says that the record is not trusted,
    ``urgent`` that something changed, and ``first`` that there was no observation before.
    """

    due: float
    early: float
    failures: int = 0
    full: bool = False
    urgent: bool = False
    first: bool = False


@dataclass(slots=True)
class Timetable:
    """The next observation of every known job."""

    rhythm: Rhythm
    draw: Draw
    _turns: dict[JobKey, Turn] = field(default_factory=dict)
    _heap: list[tuple[float, JobKey]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._turns)

    def __contains__(self, key: JobKey) -> bool:
        return key in self._turns

    def hurry(self, key: JobKey, now: float) -> None:
        """Make a job due now: it is new, or its manifest changed. This ends a backoff."""
        self._put(key, Turn(now, now, urgent=True, first=key not in self._turns))

    def nudge(self, key: JobKey, now: float) -> None:
        """Make a job that changes by itself due now, unless it is in a backoff."""
        turn = self._turns.get(key)
        # Events must not defeat a backoff: a burst of them would hammer a failing service.
        if turn is not None and turn.due > now and not turn.failures and not turn.full:
            self._put(key, replace(turn, due=now, early=now))

    def looked(self, key: JobKey, now: float, cadence: Cadence, *, full: bool = False) -> None:
        """Schedule a job's next observation after one has ended; a forgotten job stays forgotten.

        An observation that was not ``full`` does not replace a due resync.
        """
        turn = self._turns.get(key)
        if turn is None or (turn.full and cadence is Cadence.SETTLED and not full):
            return
        self._put(key, self._next(turn, now, cadence))

    def take(self, key: JobKey) -> None:
        """Take a job off the schedule until its observation has ended or something changes."""
        turn = self._turns.get(key)
        if turn is not None:
            self._put(key, replace(turn, due=math.inf, early=math.inf, urgent=False))

    def is_taken(self, key: JobKey) -> bool:
        """Whether a job is being observed and there is no news of it."""
        turn = self._turns.get(key)
        return turn is not None and turn.due == math.inf

    def put_off(self, keys: Iterable[JobKey], now: float) -> None:
        """Postpone jobs together by the interval of settled ones."""
        # One time for all of them, so that they meet in one plan again.
        due = now + self._about(self.rhythm.resync)
        for key in keys:
            self._put(key, Turn(due, due))

    def drop(self, key: JobKey) -> None:
        """Forget a job."""
        self._turns.pop(key, None)

    def turn(self, key: JobKey) -> Turn | None:
        """Return a job's next observation, or None if the job is not known."""
        return self._turns.get(key)

    def due(self, now: float) -> list[JobKey]:
        """Return the jobs that are due, the longest due first."""
        self._clear()
        if not self._heap or self._heap[0][0] > now:
            return []
        found = sorted(entry for entry in self._heap if entry[0] <= now)
        return list(dict.fromkeys(key for due, key in found if self._stands(due, key)))

    def ripe(self, now: float, *, full: bool) -> list[JobKey]:
        """Return the full (or not full) jobs that may join a pass now, the first due first."""
        found = [
            (turn.due, key)
            for key, turn in self._turns.items()
            if turn.early <= now and turn.full is full
        ]
        return [key for _, key in sorted(found)]

    def next_after(self, now: float) -> float:
        """Return when the next job is due after now; infinite if none is."""
        self._clear()
        if self._heap and self._heap[0][0] > now:
            return self._heap[0][0]
        later = (due for due, key in self._heap if due > now and self._stands(due, key))
        return min(later, default=math.inf)

    def _next(self, turn: Turn, now: float, cadence: Cadence) -> Turn:
        if cadence is Cadence.SETTLED:
            # Spread the first resync of jobs that are settled at startup: a daemon with many of
            # them must not observe all at the same time.
            wait = self._about(1.0) if not turn.first else self.draw()
            due = now + wait * self.rhythm.resync
            return Turn(due, due - RESYNC_TOGETHER * self.rhythm.resync, full=True)
        if cadence is Cadence.ACTIVE:
            due = now + self._about(self.rhythm.interval)
            return Turn(due, due - TOGETHER * self.rhythm.interval)
        first = FIRST_BACKOFF if cadence is Cadence.FAILED else SLOW_BACKOFF
        # Cap the exponent: failures that repeat for months would overflow the float.
        wait = min(LONGEST_BACKOFF, first * 2.0 ** min(turn.failures, 20))
        due = now + wait * (1 - JITTER * 2 * self.draw())
        return Turn(due, due - TOGETHER * wait, turn.failures + 1, full=turn.full)

    def _about(self, seconds: float) -> float:
        return seconds * (1 - JITTER + 2 * JITTER * self.draw())

    def _put(self, key: JobKey, turn: Turn) -> None:
        self._turns[key] = turn
        heapq.heappush(self._heap, (turn.due, key))
        # Outdated items stay in the heap until they surface; rebuild it before they outnumber the
        # others.
        if len(self._heap) > 2 * len(self._turns) + 64:
            self._heap = [(each.due, one) for one, each in self._turns.items()]
            heapq.heapify(self._heap)

    def _clear(self) -> None:
        while self._heap and not self._stands(*self._heap[0]):
            heapq.heappop(self._heap)

    def _stands(self, due: float, key: JobKey) -> bool:
        turn = self._turns.get(key)
        return turn is not None and turn.due == due
