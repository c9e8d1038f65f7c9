from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from controller.core.call_errors import failure
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.core.model import Target
from controller.engine.rate_limit import (
    BURST_SECONDS,
    RECOVERY_SECONDS,
    SLOWEST,
    Bucket,
    narrowed,
    paced,
)
from controller.ports import CloudError
from tests.contract.fake import Fake

(KIND,) = KINDS.values()
HERE, THERE = Target("us-east-1"), Target("eu-west-1")
DEADLINE = 20.0
THROTTLED = failure("ThrottlingException", "Rate exceeded", reading=True)


@dataclass
class Time:
    """A clock that moves when somebody pauses."""

    now: float = 0.0
    paused: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.paused.append(seconds)
        self.now += seconds


def test_a_burst_waits_for_nothing_and_what_follows_keeps_the_rate() -> None:
    """So many calls as were saved up go at once, each further one in its turn."""
    time = Time()
    cloud = paced(Fake(), lambda: time.now, time.pause, 10.0)
    for _ in range(int(10 * BURST_SECONDS)):
        cloud.get(KIND, HERE, "a")
    assert time.paused == []

    for _ in range(50):
        cloud.get(KIND, HERE, "a")

    assert time.now == pytest.approx(5.0)


def test_each_place_has_a_pace_of_its_own() -> None:
    """Calls of one region wait for none of another's."""
    time = Time()
    cloud = paced(Fake(), lambda: time.now, time.pause, 10.0)
    for _ in range(100):
        cloud.get(KIND, HERE, "a")
    paused = len(time.paused)

    cloud.get(KIND, THERE, "a")

    assert len(time.paused) == paused


def test_throttled_calls_halve_the_pace_and_time_brings_it_back() -> None:
    """Whoever is answered with errors calls more slowly, down to one call a second."""
    bucket = Bucket(50.0)
    paces = []
    for _ in range(8):
        bucket.slow()
        paces.append(bucket.pace)

    assert paces[:3] == [25.0, 12.5, 6.25]
    assert paces[-1] == SLOWEST
    bucket.take(0.0)
    bucket.take(RECOVERY_SECONDS)
    assert bucket.pace == 50.0


def test_errors_pass_through_and_only_passing_ones_slow_down() -> None:
    """A refusal says nothing of the pace; throttling does, and what was saved up is gone."""
    time, fake = Time(), Fake()
    cloud = paced(fake, lambda: time.now, time.pause, 10.0)
    fake.failing["Get"] = failure("AccessDeniedException", "no", reading=True)
    for _ in range(5):
        with pytest.raises(CloudError, match="AccessDenied"):
            cloud.get(KIND, HERE, "a")
    assert time.paused == []

    fake.failing["Get"] = THROTTLED
    for _ in range(5):
        with pytest.raises(CloudError, match="Throttling"):
            cloud.get(KIND, HERE, "a")

    assert len(time.paused) == 4
    assert max(time.paused) > 5 * min(time.paused)


def test_no_limit_is_no_limit() -> None:
    """A rate of 0 never waits, whatever fails."""
    bucket = Bucket(0.0)

    bucket.slow()

    assert [bucket.take(0.0) for _ in range(1000)] == [0.0] * 1000


def test_no_more_calls_are_under_way_than_there_is_room_for() -> None:
    """So many calls of a place go side by side, the next one when one is over."""
    busy, over = threading.Semaphore(0), threading.Event()

    class Slow(Fake):
        """Answers when it is told to."""

        def stop(self, kind: Kind, target: Target, arn: str) -> None:
            busy.release()
            assert over.wait(DEADLINE)

    cloud = narrowed(Slow(), 2)
    with ThreadPoolExecutor(4) as pool:
        here = [pool.submit(cloud.stop, KIND, HERE, "a") for _ in range(3)]
        assert busy.acquire(timeout=DEADLINE)
        assert busy.acquire(timeout=DEADLINE)
        pool.submit(cloud.stop, KIND, THERE, "a")
        assert busy.acquire(timeout=DEADLINE)
        assert not busy.acquire(blocking=False)
        over.set()

    assert [one.exception() for one in here] == [None, None, None]
    assert busy.acquire(blocking=False)
