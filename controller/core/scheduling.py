"""When each job is looked at next: only times, and what a look showed, enter.

Times are seconds of a clock that never goes back, given by the caller; randomness is, too.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum

from controller.core.model import JobKey

Draw = Callable[[], float]
"""Returns a number from 0 up to 1, another one each time."""

FIRST_BACKOFF = 1.0
SLOW_BACKOFF = 60.0
LONGEST_BACKOFF = 900.0
JITTER = 0.1
# Looks that fall due this close together are one look: a listing shows many jobs in one call.
TOGETHER = 0.2
RESYNC_TOGETHER = 0.005


class Cadence(Enum):
    """What a look at a job says of the next one."""

    SETTLED = "settled"
    """Nothing changes without a person, or ever: the resync will do."""
    ACTIVE = "active"
    """It will change by itself."""
    FAILED = "failed"
    """The look, or what it led to, failed, and another one may mend it."""
    DENIED = "denied"
    """It failed for what a person has to grant."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between looks at what is active, and at what is settled."""

    interval: float = 60.0
    resync: float = 36_000.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A job's next look: due then, and worth taking along with another's from ``early`` on.

    ``failures`` counts those in a row. ``full`` says that nothing is taken from the record,
    ``urgent`` that something is news, and ``first`` that there was no look before.
    """

    due: float
    early: float
    failures: int = 0
    full: bool = False
    urgent: bool = False
    first: bool = False


@dataclass(slots=True)
class Timetable:
    """The next look at every job that is known to it."""

    rhythm: Rhythm
    draw: Draw
    _turns: dict[JobKey, Turn] = field(default_factory=dict)
    _heap: list[tuple[float, JobKey]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._turns)

    def __contains__(self, key: JobKey) -> bool:
        return key in self._turns

    def hurry(self, key: JobKey, now: float) -> None:
        """Let a job be looked at now: it is new, or what is wanted of it changed.

        That overtakes a backoff, and ends it.
        """
        self._put(key, Turn(now, now, urgent=True, first=key not in self._turns))

    def nudge(self, key: JobKey, now: float) -> None:
        """Let a job that changes by itself be looked at now; a backoff stays one."""
        turn = self._turns.get(key)
        if turn is not None and turn.due > now and not turn.failures and not turn.full:
            self._put(key, replace(turn, due=now, early=now))

    def looked(self, key: JobKey, now: float, cadence: Cadence, *, full: bool = False) -> None:
        """Take in what a look at a job showed; one that is not known any more stays so.

        A look that was not ``full`` stands for no resync.
        """
        turn = self._turns.get(key)
        if turn is None or (turn.full and cadence is Cadence.SETTLED and not full):
            return
        self._put(key, self._next(turn, now, cadence))

    def take(self, key: JobKey) -> None:
        """Let a job be due no more until its look has ended, unless there is news of it."""
        turn = self._turns.get(key)
        if turn is not None:
            self._put(key, replace(turn, due=math.inf, early=math.inf, urgent=False))

    def is_taken(self, key: JobKey) -> bool:
        """Whether a job is being looked at, and there is no news of it."""
        turn = self._turns.get(key)
        return turn is not None and turn.due == math.inf

    def put_off(self, keys: Iterable[JobKey], now: float) -> None:
        """Let jobs wait, all for one and the same look, as long as settled ones do."""
        due = now + self._about(self.rhythm.resync)
        for key in keys:
            self._put(key, Turn(due, due))

    def drop(self, key: JobKey) -> None:
        """Forget a job."""
        self._turns.pop(key, None)

    def turn(self, key: JobKey) -> Turn | None:
        """Return a job's next look, None if it is not known."""
        return self._turns.get(key)

    def due(self, now: float) -> list[JobKey]:
        """Return the jobs whose time has come, the longest due first."""
        self._clear()
        if not self._heap or self._heap[0][0] > now:
            return []
        found = sorted(entry for entry in self._heap if entry[0] <= now)
        return list(dict.fromkeys(key for due, key in found if self._stands(due, key)))

    def ripe(self, now: float, *, full: bool) -> list[JobKey]:
        """Return the jobs of one sort that may go along with one whose time has come.

        Those that are due first come first.
        """
        found = [
            (turn.due, key)
            for key, turn in self._turns.items()
            if turn.early <= now and turn.full is full
        ]
        return [key for _, key in sorted(found)]

    def next_after(self, now: float) -> float:
        """Return when the next time after now comes; that may be never, which is infinite."""
        self._clear()
        if self._heap and self._heap[0][0] > now:
            return self._heap[0][0]
        later = (due for due, key in self._heap if due > now and self._stands(due, key))
        return min(later, default=math.inf)

    def _next(self, turn: Turn, now: float, cadence: Cadence) -> Turn:
        if cadence is Cadence.SETTLED:
            # What is settled at first sight was so before: a daemon that begins with many of them
            # must not come to look at all of them in one go.
            wait = self._about(1.0) if not turn.first else self.draw()
            due = now + wait * self.rhythm.resync
            return Turn(due, due - RESYNC_TOGETHER * self.rhythm.resync, full=True)
        if cadence is Cadence.ACTIVE:
            due = now + self._about(self.rhythm.interval)
            return Turn(due, due - TOGETHER * self.rhythm.interval)
        first = FIRST_BACKOFF if cadence is Cadence.FAILED else SLOW_BACKOFF
        # No more doublings than lead to the longest wait: a number that doubles for months is none.
        wait = min(LONGEST_BACKOFF, first * 2.0 ** min(turn.failures, 20))
        due = now + wait * (1 - JITTER * 2 * self.draw())
        return Turn(due, due - TOGETHER * wait, turn.failures + 1, full=turn.full)

    def _about(self, seconds: float) -> float:
        return seconds * (1 - JITTER + 2 * JITTER * self.draw())

    def _put(self, key: JobKey, turn: Turn) -> None:
        self._turns[key] = turn
        heapq.heappush(self._heap, (turn.due, key))
        if len(self._heap) > 2 * len(self._turns) + 64:
            self._heap = [(each.due, one) for one, each in self._turns.items()]
            heapq.heapify(self._heap)

    def _clear(self) -> None:
        while self._heap and not self._stands(*self._heap[0]):
            heapq.heappop(self._heap)

    def _stands(self, due: float, key: JobKey) -> bool:
        turn = self._turns.get(key)
        return turn is not None and turn.due == due
