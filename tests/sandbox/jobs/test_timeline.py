"""The pure parts: a job's timeline, moments and the clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.kinds.registry import KINDS
from controller.sandbox.jobs.timeline import Timeline, list_stages
from controller.sandbox.state.sim_clock import SimClock, format_moment, parse_moment

KIND = next(kind for kind in KINDS.values() if kind.simulation is not None)
HOUR = 3_600_000
STAGES = 3
STEPS = {"NotStarted": 0, "InProgress": 1, "Stopping": 2, "Stopped": 3, "Failed": 3, "Completed": 3}

quick = settings(deadline=None, max_examples=300)
moments = st.integers(0, 4 * HOUR)


@st.composite
def courses(draw: st.DrawFn) -> Timeline:
    """Any timeline: completing, failing, or stopped while running."""
    created, length = draw(moments), draw(st.integers(1000, HOUR))
    failing = draw(st.booleans())
    ends = created + (round(length * 0.45) if failing else length)
    failure = "it failed" if failing else None
    if draw(st.booleans()):
        return Timeline(created, length, ends, failure)
    asked = draw(st.integers(created, ends - 1))
    return Timeline(created, length, ends, failure, asked, asked + 60_000)


def known(course: Timeline) -> int:
    """Return the moment from which a timeline is final: its last manual change."""
    return course.created if course.stop_requested is None else course.stop_requested


@quick
@given(courses(), moments, moments)
def test_states_never_go_back(course: Timeline, one: int, other: int) -> None:
    """Later states have later changes, further stages, and an end that stays."""
    early, late = (known(course) + wait for wait in sorted((one, other)))

    assert (
        course.created <= course.get_modified_time(early) <= course.get_modified_time(late) <= late
    )
    for before, after in zip(
        list_stages(course, KIND, STAGES, early),
        list_stages(course, KIND, STAGES, late),
        strict=True,
    ):
        assert STEPS[before.status] <= STEPS[after.status]
    if course.get_status(KIND, early) in KIND.terminal:
        assert course.get_status(KIND, early) == course.get_status(KIND, late)
        assert course.get_end_time(early) == course.get_end_time(late)
        assert course.get_modified_time(early) == course.get_modified_time(late)


@quick
@given(courses(), moments)
def test_an_end_is_shown_if_there_is_one(course: Timeline, wait: int) -> None:
    """A job has an end time if and only if its status is terminal, and within its duration."""
    now = known(course) + wait
    ended = course.get_end_time(now)

    assert (ended is not None) == (course.get_status(KIND, now) in KIND.terminal)
    if ended is not None:
        assert course.created <= ended <= course.get_modified_time(now)


@quick
@given(courses(), moments)
def test_stages_run_one_after_another(course: Timeline, wait: int) -> None:
    """At most one stage is active; all before it are complete, and none after it has started."""
    shown = list_stages(course, KIND, STAGES, known(course) + wait)
    statuses = [stage.status for stage in shown]
    complete = [status == "Completed" for status in statuses]
    waiting = [status == "NotStarted" for status in statuses]

    assert complete == sorted(complete, reverse=True)
    assert waiting == sorted(waiting)
    assert sum(complete) + sum(waiting) in {STAGES - 1, STAGES}
    assert all((stage.begun is None) == (stage.status == "NotStarted") for stage in shown)


@quick
@given(st.integers(0, 253_000_000_000_000))
def test_moments_round_trip(moment: int) -> None:
    """Formatting and parsing a moment returns it, to the millisecond."""
    text = format_moment(moment)

    assert parse_moment(text) == moment
    assert len(text) == len("2026-01-02T03:04:05.678Z")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05.000Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000Z"),
        ("2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678Z"),
    ],
)
def test_times_of_clients_are_parsed(text: str, read: str) -> None:
    """Every format in which clients write a time is accepted."""
    assert format_moment(parse_moment(text)) == read


@quick
@given(
    st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e7), st.floats(0, 1e7), st.floats(0, 1e7)
)
def test_a_clock_keeps_its_time_when_its_speed_changes(
    slow: float, fast: float, start: float, first: float, second: float
) -> None:
    """A change of speed changes no time at that moment, and never turns time back."""
    clock = SimClock(start, 1_700_000_000.0, slow)
    changed = clock.change_speed(start + first, fast)

    assert changed.get_moment(start + first) == clock.get_moment(start + first)
    assert changed.get_moment(start + first) <= changed.get_moment(start + first + second)


def test_a_clock_stays_within_the_calendar() -> None:
    """However fast and long a clock runs, its time can be formatted."""
    clock = SimClock(0.0, datetime(2026, 1, 1, tzinfo=UTC).timestamp(), 1_000_000.0)

    assert format_moment(clock.get_moment(1e12)) < "9999"


def test_a_clock_advances_by_its_speed() -> None:
    """A speed of sixty turns a second into a minute, and advancing adds to it."""
    clock = SimClock(wall=100.0, simulated=1000.0, speed=60.0)

    assert clock.get_moment(101.0) == 1_060_000
    assert clock.advance(5.5).get_moment(101.0) == 1_065_500
