from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from controller.core.call_errors import make_failure
from controller.core.kinds.kind import Kind
from controller.core.kinds.registry import KINDS
from controller.core.model import Target
from controller.engine.rate_limit import (
    BURST_SECONDS,
    MIN_CALLS_PER_SECOND,
    RECOVERY_SECONDS,
    TokenBucket,
    limit_concurrency,
    limit_rate,
)
from controller.ports import CloudError
from tests.contract.fake import Fake

(KIND,) = KINDS.values()
HERE, THERE = Target("us-east-1"), Target("eu-west-1")
DEADLINE = 20.0
THROTTLED = make_failure("ThrottlingException", "Rate exceeded", reading=True)


@dataclass
class Time:
    """A clock that advances when somebody pauses."""

    now: float = 0.0
    paused: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        """Advance the clock."""
        self.paused.append(seconds)
        self.now += seconds


def test_calls_after_a_burst_keep_the_rate() -> None:
    """Saved-up calls are made at once, and further ones at the rate."""
    time = Time()
    cloud = limit_rate(Fake(), lambda: time.now, time.pause, 10.0)
    for _ in range(int(10 * BURST_SECONDS)):
        cloud.get(KIND, HERE, "a")
    assert time.paused == []

    for _ in range(50):
        cloud.get(KIND, HERE, "a")

    assert time.now == pytest.approx(5.0)


def test_each_place_has_its_own_rate() -> None:
    """Calls of one region do not wait for another's."""
    time = Time()
    cloud = limit_rate(Fake(), lambda: time.now, time.pause, 10.0)
    for _ in range(100):
        cloud.get(KIND, HERE, "a")
    paused = len(time.paused)

    cloud.get(KIND, THERE, "a")

    assert len(time.paused) == paused


def test_throttling_halves_the_rate_for_a_while() -> None:
    """Each throttled call halves the rate, down to one call per second; it recovers with time."""
    bucket = TokenBucket(50.0)
    paces = []
    for _ in range(8):
        bucket.reduce_pace()
        paces.append(bucket.pace)

    assert paces[:3] == [25.0, 12.5, 6.25]
    assert paces[-1] == MIN_CALLS_PER_SECOND
    bucket.take(0.0)
    bucket.take(RECOVERY_SECONDS)
    assert bucket.pace == 50.0


def test_only_temporary_errors_slow_down() -> None:
    """A refusal does not change the rate; throttling does, and ends the burst."""
    time, fake = Time(), Fake()
    cloud = limit_rate(fake, lambda: time.now, time.pause, 10.0)
    fake.failing["Get"] = make_failure("AccessDeniedException", "no", reading=True)
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


def test_rate_0_is_unlimited() -> None:
    """A rate of 0 never waits, whatever fails."""
    bucket = TokenBucket(0.0)

    bucket.reduce_pace()

    assert [bucket.take(0.0) for _ in range(1000)] == [0.0] * 1000


def test_concurrency_per_place_is_limited() -> None:
    """At most so many calls of a place are in flight; the next starts when one ends."""
    busy, over = threading.Semaphore(0), threading.Event()

    class Slow(Fake):
        """A cloud whose calls return on request."""

        def stop(self, kind: Kind, target: Target, arn: str) -> None:
            busy.release()
            assert over.wait(DEADLINE)

    cloud = limit_concurrency(Slow(), 2)
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
