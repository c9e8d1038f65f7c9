"""The state of a job as a pure function of its timeline and the simulated time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from controller.core.kinds.kind import Kind

# The service reports an end time slightly before the last modification.
_END_BEFORE_LAST_CHANGE = 800
# When stages end, as fractions of the duration; the last one ends with the job.
_STAGE_ENDS = (0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Timeline:
    """What determines a job's states; times and durations are in simulated milliseconds.

    ``failure`` is the message with which the job fails, or None if it completes. ``stop_due`` is
    when a stop that was requested at ``stop_requested`` completes. ``starts`` is when a job that
    waited for a slot starts, or None if it started at once.
    """

    created: int
    length: int
    ends: int
    failure: str | None = None
    stop_requested: int | None = None
    stop_due: int | None = None
    starts: int | None = None

    @property
    def start_time(self) -> int:
        """The start of the first stage."""
        return self.created if self.starts is None else self.starts

    @property
    def due(self) -> int:
        """The time after which nothing changes."""
        return self.ends if self.stop_due is None else self.stop_due

    def get_status(self, kind: Kind, now: int) -> str:
        """Return the job's status at a moment, as the service names it."""
        if self.stop_due is not None:
            return min(kind.stopping if now < self.stop_due else kind.stopped)
        if now < self.ends:
            return kind.listed_as_active
        return min(kind.succeeded if self.failure is None else kind.failed)

    def get_end_time(self, now: int) -> int | None:
        """Return the reported end time of a job that has ended, or None."""
        if now < self.due:
            return None
        return max(self.created, self.due - _END_BEFORE_LAST_CHANGE)

    def get_modified_time(self, now: int) -> int:
        """Return the time of the last change: the end, a stop, or the start of a stage."""
        if now >= self.due:
            return self.due
        if self.stop_requested is not None:
            return self.stop_requested
        starts = (start for start, _ in self.list_stage_times(3) if start <= now)
        return max(starts, default=self.created)

    def view_at(self, moment: int) -> Timeline:
        """Return the timeline as of a moment: without a later stop request."""
        # A lagging read does not see a stop that was requested later.
        if self.stop_requested is None or self.stop_requested <= moment:
            return self
        return replace(self, stop_requested=None, stop_due=None)

    def list_stage_times(self, count: int) -> list[tuple[int, int]]:
        """Return when each stage begins and ends, unless the job ends early."""
        ends = [round(self.length * part) for part in _STAGE_ENDS][: count - 1]
        edges = [
            self.start_time,
            *(self.start_time + end for end in ends),
            self.start_time + self.length,
        ]
        return list(pairwise(edges))


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as shown by the service: a stage that has not begun has no times."""

    status: str
    begun: int | None = None
    modified: int | None = None


def list_stages(timeline: Timeline, kind: Kind, count: int, now: int) -> list[Stage]:
    """Return all stages of a job at a moment, in the order in which they run."""
    # Stages end with the job, or when a stop was requested.
    cut = timeline.ends if timeline.stop_requested is None else timeline.stop_requested
    return [
        _build_stage(begins, ends, timeline, kind, min(now, cut), now)
        for begins, ends in timeline.list_stage_times(count)
    ]


def _build_stage(
    begins: int, ends: int, timeline: Timeline, kind: Kind, reached: int, now: int
) -> Stage:
    """Return one stage of a job that has progressed until ``reached``."""
    if reached < begins:
        return Stage("NotStarted")
    if reached >= ends:
        return Stage("Completed", begins, ends)
    status = timeline.get_status(kind, now)
    modified = begins if status == kind.listed_as_active else timeline.get_modified_time(now)
    return Stage(status, begins, modified)
