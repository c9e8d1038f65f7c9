"""A job's life as a pure function of its course and the simulated time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from controller.core.kinds.kind import Kind

# The end that the service reports lies a little before the job's last change.
_END_BEFORE_LAST_CHANGE = 800
# Where one stage ends and the next begins, as parts of the whole life; the last one gets the rest.
_STAGE_ENDS = (0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What decides a job's life; moments and lengths are in simulated milliseconds.

    ``failure`` is the message that the job ends with, or None when it completes. ``stop_due`` is
    when a stop that was asked for at ``stop_asked`` is over. ``starts`` is when a job that waited
    for a slot began, or None when it began at once.
    """

    created: int
    length: int
    ends: int
    failure: str | None = None
    stop_asked: int | None = None
    stop_due: int | None = None
    starts: int | None = None

    @property
    def start_time(self) -> int:
        """The moment at which the first stage begins."""
        return self.created if self.starts is None else self.starts

    @property
    def due(self) -> int:
        """The moment after which nothing changes."""
        return self.ends if self.stop_due is None else self.stop_due

    def get_status(self, kind: Kind, now: int) -> str:
        """Return the job's status at a moment, in the service's own word."""
        if self.stop_due is not None:
            return min(kind.stopping if now < self.stop_due else kind.stopped)
        if now < self.ends:
            return kind.listed_as_active
        return min(kind.succeeded if self.failure is None else kind.failed)

    def get_end_time(self, now: int) -> int | None:
        """Return the reported end of a job that is over, or None."""
        if now < self.due:
            return None
        return max(self.created, self.due - _END_BEFORE_LAST_CHANGE)

    def get_modified_time(self, now: int) -> int:
        """Return the moment of the last change: an end, a stop, or the start of a stage."""
        if now >= self.due:
            return self.due
        if self.stop_asked is not None:
            return self.stop_asked
        starts = (start for start, _ in self.list_stage_times(3) if start <= now)
        return max(starts, default=self.created)

    def view_at(self, moment: int) -> Timeline:
        """Return the course as it was known at a moment: without a stop asked for since."""
        if self.stop_asked is None or self.stop_asked <= moment:
            return self
        return replace(self, stop_asked=None, stop_due=None)

    def list_stage_times(self, count: int) -> list[tuple[int, int]]:
        """Return when each of the stages begins and ends, unless something cuts the life short."""
        ends = [round(self.length * part) for part in _STAGE_ENDS][: count - 1]
        edges = [
            self.start_time,
            *(self.start_time + end for end in ends),
            self.start_time + self.length,
        ]
        return list(pairwise(edges))


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as the service shows it: a stage that has not begun has no times."""

    status: str
    begun: int | None = None
    modified: int | None = None


def list_stages(course: Timeline, kind: Kind, count: int, now: int) -> list[Stage]:
    """Return every stage of a job at a moment, in the order in which they run."""
    cut = course.ends if course.stop_asked is None else course.stop_asked
    return [
        _build_stage(begins, ends, course, kind, min(now, cut), now)
        for begins, ends in course.list_stage_times(count)
    ]


def _build_stage(
    begins: int, ends: int, course: Timeline, kind: Kind, reached: int, now: int
) -> Stage:
    """Return one stage, of which the job has seen what lies before ``reached``."""
    if reached < begins:
        return Stage("NotStarted")
    if reached >= ends:
        return Stage("Completed", begins, ends)
    status = course.get_status(kind, now)
    modified = begins if status == kind.listed_as_active else course.get_modified_time(now)
    return Stage(status, begins, modified)
