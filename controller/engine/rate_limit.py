"""Wrappers that limit the rate and concurrency of a Cloud's calls, per place.

The service publishes no rates for these operations; too many calls are answered with Throttling,
for everybody in the account. So the rate starts far above what an idle fleet needs, is halved by
every call that fails temporarily, and recovers within a minute.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import Disposition, JobSummary, LiveJob, Place, Target
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


class GatedCloud:
    """A Cloud port around another one; every call to the service is made inside a ``gate``.

    The gate receives the target. It may wait, raise to stop the call, or observe its error.
    """

    def __init__(self, cloud: Cloud, gate: Gate) -> None:
        self._cloud = cloud
        self._gate = gate

    def get_place(self, target: Target) -> Place:
        """Return where the target's credentials act; called once per role and not limited."""
        return self._cloud.get_place(target)

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job by name or ARN, or None if the service says that it does not exist."""
        with self._gate(target):
            return self._cloud.get(kind, target, identifier)

    def list_jobs(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[JobSummary, ...]:
        """Return the summaries of all jobs; all pages count as one call."""
        with self._gate(target):
            return self._cloud.list_jobs(kind, target, status=status, most=most)

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""
        with self._gate(target):
            return self._cloud.create(kind, target, request, token)

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        with self._gate(target):
            self._cloud.stop(kind, target, arn)

    def get_tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a job or of its output."""
        with self._gate(target):
            return self._cloud.get_tags(target, arn)

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Set all of the tags on a resource, or none."""
        with self._gate(target):
            self._cloud.add_tags(target, arn, tags)

    def remove_tags(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Remove tags from a resource."""
        with self._gate(target):
            self._cloud.remove_tags(target, arn, keys)


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
