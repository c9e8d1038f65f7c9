"""A cloud whose calls wait for their turn: each place's are counted by themselves.

The service publishes no rate for these operations; what it answers to too many is Throttling, to
everybody in the account. Ten calls a second are more than a fleet at rest ever needs, and few
beside what consoles and pipelines of the same account call.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core.kind import Kind
from controller.core.model import Live, Place, Summary, Target
from controller.ports import Cloud

CALLS_PER_SECOND = 10.0
BURST = 20.0
"""So many calls in a row wait for nothing: a save or an event never does."""


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at a rate, up to a burst; whoever takes one may have to wait for it.

    Takers are served in the order in which they ask. A ``rate`` of 0 has no limit.
    """

    rate: float
    burst: float
    _left: float = field(init=False)
    _seen: float | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._left = self.burst

    def take(self, now: float) -> float:
        """Take a token and return for how many seconds to wait before using it."""
        if not self.rate:
            return 0.0
        with self._lock:
            spent = max(0.0, now - self._seen) if self._seen is not None else 0.0
            self._seen = now
            self._left = min(self.burst, self._left + spent * self.rate) - 1.0
            return max(0.0, -self._left / self.rate)


class Gated:
    """The Cloud port over another one; ``gate`` is passed before every call to the service.

    It is given the target, and may wait, or raise to let nothing more through.
    """

    def __init__(self, cloud: Cloud, gate: Callable[[Target], None]) -> None:
        self._cloud = cloud
        self._gate = gate

    def place(self, target: Target) -> Place:
        """Return where the target's credentials act; that is asked once, and needs no turn."""
        return self._cloud.place(target)

    def get(self, kind: Kind, target: Target, identifier: str) -> Live | None:
        """Return a job by name or ARN, or None when the service says that there is none."""
        self._gate(target)
        return self._cloud.get(kind, target, identifier)

    def listing(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[Summary, ...]:
        """Return every job's summary; its pages are one turn."""
        self._gate(target)
        return self._cloud.listing(kind, target, status=status, most=most)

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""
        self._gate(target)
        return self._cloud.create(kind, target, request, token)

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        self._gate(target)
        self._cloud.stop(kind, target, arn)

    def tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a job or of what it made."""
        self._gate(target)
        return self._cloud.tags(target, arn)

    def tag(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Give a resource tags, all of them or none."""
        self._gate(target)
        self._cloud.tag(target, arn, tags)

    def untag(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Take tags from a resource."""
        self._gate(target)
        self._cloud.untag(target, arn, keys)


def paced(
    cloud: Cloud,
    now: Callable[[], float],
    pause: Callable[[float], object],
    *,
    rate: float = CALLS_PER_SECOND,
    burst: float = BURST,
) -> Cloud:
    """Return a cloud that calls each place no faster than a rate, after a burst.

    ``pause`` is given seconds and returns after them, or sooner when nobody should wait any more.
    """
    buckets: dict[Place, Bucket] = defaultdict(lambda: Bucket(rate, burst))
    lock = threading.Lock()

    def wait(target: Target) -> None:
        place = cloud.place(target)
        with lock:
            bucket = buckets[place]
        seconds = bucket.take(now())
        if seconds:
            pause(seconds)

    return Gated(cloud, wait)
