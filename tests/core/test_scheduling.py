from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.model import JobKey
from controller.core.scheduling import (
    MAX_BACKOFF,
    SLOW_BACKOFF,
    Cadence,
    PollIntervals,
    Schedule,
)

A, B, C = (JobKey("Job", name) for name in "abc")
RHYTHM = PollIntervals(interval=60.0, resync=36_000.0)


def table(*keys: JobKey, draw: Callable[[], float] = lambda: 0.5) -> Schedule:
    """Return a schedule in which some jobs are new at 0."""
    made = Schedule(RHYTHM, draw)
    for key in keys:
        made.schedule_now(key, 0.0)
    return made


def due_after(made: Schedule, key: JobKey) -> float:
    """Return when a job is due."""
    turn = made.get_entry(key)
    assert turn is not None
    return turn.due


def test_new_jobs_are_due_at_once() -> None:
    """A new job is due at once, as urgent."""
    made = table(A, B)

    assert made.list_due(0.0) == [A, B]
    assert made.get_next_due(-1.0) == 0.0
    assert all(turn and turn.urgent for turn in map(made.get_entry, (A, B)))


def test_an_empty_schedule_waits_forever() -> None:
    """Without jobs nothing is ever due."""
    assert table().get_next_due(0.0) == math.inf
    assert table().list_due(1e9) == []


def test_active_jobs_are_due_every_interval() -> None:
    """An active job is due again after a minute, plus or minus a tenth."""
    for drawn, seconds in ((0.0, 54.0), (0.5, 60.0), (1.0, 66.0)):
        made = table(A, draw=lambda drawn=drawn: drawn)  # type: ignore[misc]
        made.schedule_next(A, 100.0, Cadence.ACTIVE)
        assert due_after(made, A) == pytest.approx(100.0 + seconds)


def test_failures_back_off_to_a_quarter_of_an_hour() -> None:
    """Backoff doubles from one second up to fifteen minutes, and a success resets it."""
    made, now, waits = table(A, draw=lambda: 0.0), 0.0, []
    for _ in range(13):
        made.schedule_next(A, now, Cadence.FAILED)
        waits.append(due_after(made, A) - now)
        now = due_after(made, A)

    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-3:] == [MAX_BACKOFF] * 3
    made.schedule_next(A, now, Cadence.ACTIVE)
    made.schedule_next(A, now, Cadence.FAILED)
    assert due_after(made, A) == now + 1.0


def test_denied_calls_are_retried_slowly() -> None:
    """After a denied call, which a person has to fix, backoff starts at a minute."""
    made = table(A, draw=lambda: 0.0)

    made.schedule_next(A, 0.0, Cadence.DENIED)

    assert due_after(made, A) == SLOW_BACKOFF


def test_a_change_ends_a_backoff() -> None:
    """A changed manifest ends a backoff, and failures count from zero again."""
    made = table(A, draw=lambda: 0.0)
    for _ in range(5):
        made.schedule_next(A, 0.0, Cadence.FAILED)

    made.schedule_now(A, 3.0)

    assert made.list_due(3.0) == [A]
    made.schedule_next(A, 3.0, Cadence.FAILED)
    assert due_after(made, A) == 4.0


def test_an_event_does_not_end_a_backoff() -> None:
    """An event makes a job due at once, unless it is in a backoff."""
    made = table(A, B)
    made.schedule_next(A, 0.0, Cadence.ACTIVE)
    made.schedule_next(B, 0.0, Cadence.FAILED)

    for key in (A, B, C):
        made.wake(key, 0.5)

    assert made.list_due(0.5) == [A]


def test_settled_jobs_come_back_after_the_resync() -> None:
    """A settled job gets a full observation every ten hours, plus or minus a tenth."""
    made = table(A)
    made.schedule_next(A, 0.0, Cadence.ACTIVE)
    made.schedule_next(A, 60.0, Cadence.SETTLED)
    turn = made.get_entry(A)

    assert turn is not None
    assert turn.full
    assert turn.due == pytest.approx(60.0 + RHYTHM.resync)


def test_resyncs_after_startup_are_spread() -> None:
    """A thousand jobs that are settled at startup are spread over the resync interval."""
    keys = [JobKey("Job", f"job-{number}") for number in range(1000)]
    made = table(*keys, draw=random.Random(7).random)  # noqa: S311
    for key in keys:
        made.schedule_next(key, 0.0, Cadence.SETTLED)
    hours = [sum(hour * 3600 <= due_after(made, key) < (hour + 1) * 3600 for key in keys)
             for hour in range(10)]  # fmt: skip

    assert sum(hours) == 1000
    assert min(hours) > 60


def test_active_jobs_are_batched() -> None:
    """Jobs due close together are observed together, to share a listing."""
    made = Schedule(RHYTHM, random.Random(7).random)  # noqa: S311
    keys = [JobKey("Job", f"job-{number}") for number in range(100)]
    for key in keys:
        made.schedule_now(key, 0.0)
        made.schedule_next(key, 0.0, Cadence.ACTIVE)
    now, looks = 0.0, 0
    while now < 3600.0:
        now = made.get_next_due(now)
        looks += 1
        for key in made.list_ripe(now, full=False):
            made.schedule_next(key, now, Cadence.ACTIVE)

    assert looks <= 3600 / 54 + 2


def test_postponed_jobs_are_due_together() -> None:
    """Postponed jobs are due at the same moment, so that a safeguard sees all of them again."""
    made = table(A, B, draw=random.Random(7).random)  # noqa: S311

    made.put_off([A, B], 0.0)

    assert due_after(made, A) == due_after(made, B) >= 0.9 * RHYTHM.resync


def test_a_forgotten_job_is_never_due() -> None:
    """A dropped job stays dropped, whatever a running pass reports about it."""
    made = table(A, B)

    made.drop(A)
    made.schedule_next(A, 0.0, Cadence.ACTIVE)

    assert made.list_due(1e9) == [B]


def test_a_job_under_observation_is_not_due() -> None:
    """A job that is being observed is not due again, unless something changes."""
    made = table(A, B)
    made.take(A)
    made.take(B)
    made.schedule_now(B, 1.0)

    assert made.list_due(1e9) == [B]
    assert made.is_taken(A)
    assert not made.is_taken(B)


def test_a_failed_full_observation_is_repeated() -> None:
    """A full observation that fails is repeated as a full one."""
    made = table(A)
    made.schedule_next(A, 0.0, Cadence.SETTLED)
    made.schedule_next(A, 1.0, Cadence.FAILED, full=True)
    made.schedule_next(A, 2.0, Cadence.SETTLED)
    turn = made.get_entry(A)

    assert turn is not None
    assert turn.full
    assert turn.failures == 1


STEP = st.tuples(
    st.sampled_from(["hurry", "nudge", "drop", *Cadence]),
    st.sampled_from([A, B, C]),
    st.floats(0, 4000),
)


@given(st.lists(STEP, max_size=60))
@settings(deadline=None, max_examples=200)
def test_nothing_is_ever_lost(steps: list[tuple[str | Cadence, JobKey, float]]) -> None:
    """After any operations each known job is due some time, and the next time is the soonest."""
    made, now, known = Schedule(RHYTHM, random.Random(1).random), 0.0, set[JobKey]()  # noqa: S311
    for step, key, passed in steps:
        now += passed
        match step:
            case "hurry":
                made.schedule_now(key, now)
                known.add(key)
            case "nudge":
                made.wake(key, now)
            case "drop":
                made.drop(key)
                known.discard(key)
            case Cadence():
                made.schedule_next(key, now, step)
        dues = [due_after(made, one) for one in known]
        assert made.get_next_due(now) == min((due for due in dues if due > now), default=math.inf)
        assert set(made.list_due(now)) == {one for one in known if due_after(made, one) <= now}

    assert set(made.list_due(now + 2 * RHYTHM.resync)) == known
    assert len(made) == len(known)
