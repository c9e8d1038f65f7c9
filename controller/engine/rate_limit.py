"""Wrappers that limit the rate and concurrency of a Cloud's calls, per place.

The service publishes no rates for these operations; too many calls are answered with Throttling,
for everybody in the account. So the rate starts far above what an idle fleet needs, is halved by
every call that fails temporarily, and recovers within a minute.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from controller.core.model import Disposition, Place, Target
from controller.port_wrappers import Answer, CloudWrapper, Invoke
from controller.ports import Cloud, CloudError

MAX_PLACES = 32
"""This many places are served in parallel: threads are bounded for any number of targets."""
CALLS_PER_SECOND = 50.0
BURST_SECONDS = 2.0
"""Unused calls of this many seconds may be made at once, so that a saved file never waits."""
MIN_CALLS_PER_SECOND = 1.0
RECOVERY_SECONDS = 60.0

Gate = Callable[[Target], AbstractContextManager[object]]


@dataclass(slots=True)
class TokenBucket:
    """A token bucket: tokens return at a rate, up to a burst, and taking one may require a wait.

    Callers are served in order. A ``rate`` of 0 means no limit. ``pace`` is the current rate in
    calls per second.
    """

    rate: float
    pace: float = field(init=False)
    _left: float = field(init=False)
    _seen: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.pace = self.rate
        self._left = max(1.0, self.rate * BURST_SECONDS)

    def take(self, now: float) -> float:
        """Take a token and return how many seconds to wait before using it."""
        if not self.rate:
            return 0.0
        with self._lock:
            passed = max(0.0, now - self._seen) if self._seen is not None else 0.0
            self._seen = now
            self.pace = min(self.rate, self.pace + passed * self.rate / RECOVERY_SECONDS)
            # The burst shrinks with the pace, or a slowed place would first use up the old burst.
            most = max(1.0, self.pace * BURST_SECONDS)
            self._left = min(most, self._left + passed * self.pace) - 1.0
            # Below zero, tokens are owed: each caller waits for those before it.
            return max(0.0, -self._left / self.pace)

    def reduce_pace(self) -> None:
        """Halve the pace and forget unused tokens, after a call that failed temporarily."""
        with self._lock:
            self.pace = min(self.rate, max(MIN_CALLS_PER_SECOND, self.pace / 2))
            self._left = min(self._left, 0.0)


class GatedCloud(CloudWrapper):
    """A Cloud port around another one; every call to the service is made inside a ``gate``.

    The gate receives the target. It may wait, raise to stop the call, or observe its error.
    """

    def __init__(self, cloud: Cloud, gate: Gate) -> None:
        super().__init__(cloud)
        self._gate = gate

    def call(self, operation: str, target: Target, invoke: Invoke[Answer]) -> Answer:
        """Call the service inside the gate; get_place, one call per role, is not limited."""
        if operation == "get_place":
            return invoke()
        with self._gate(target):
            return invoke()


def limit_concurrency(cloud: Cloud, width: int) -> Cloud:
    """Return a cloud with at most ``width`` calls to each target in flight; further calls wait."""
    slots: dict[tuple[str | None, str | None], threading.Semaphore]
    # By role and region, as clients are; looking up the account could take a call.
    slots = defaultdict(lambda: threading.Semaphore(width))
    lock = threading.Lock()

    def enter_slot(target: Target) -> AbstractContextManager[object]:
        with lock:
            return slots[target.assume_role_arn, target.region]

    return GatedCloud(cloud, enter_slot)


def limit_rate(
    cloud: Cloud,
    now: Callable[[], float],
    pause: Callable[[float], object],
    rate: float = CALLS_PER_SECOND,
) -> Cloud:
    """Return a cloud that calls each place no faster than a rate, after a burst; 0 means no limit.

    ``pause`` receives seconds and returns after them, or earlier when nobody should wait any more.
    """
    buckets: dict[Place, TokenBucket] = defaultdict(lambda: TokenBucket(rate))
    lock = threading.Lock()

    @contextmanager
    def throttle(target: Target) -> Iterator[None]:
        # Targets of one account and region share a bucket, as they share the service's limit.
        place = cloud.get_place(target)
        with lock:
            bucket = buckets[place]
        seconds = bucket.take(now())
        if seconds:
            pause(seconds)
        try:
            yield
        except CloudError as error:
            # Any temporary failure slows down, not only throttling: an overloaded service needs
            # fewer calls.
            if error.failure.disposition is Disposition.TRANSIENT:
                bucket.reduce_pace()
            raise

    return GatedCloud(cloud, throttle)
