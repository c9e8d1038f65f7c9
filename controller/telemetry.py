"""The telemetry port: what the daemon reports about its work, independent of who counts it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

OK = "OK"
"""The code of a request that succeeded."""


class PassResult(StrEnum):
    """How a pass ended: a closed list, the values of the label in ``reconcile_total``."""

    SUCCEEDED = "succeeded"
    """Everything that could be done was done; invalid manifests are their authors' concern."""
    FAILED = "failed"
    """A call or a sidecar failed; the next pass tries again."""
    REFUSED = "refused"
    """A safeguard refused the plan."""
    ERROR = "error"
    """A bug ended the pass."""


class Wake(StrEnum):
    """What woke the daemon between its timers: the values of the label in ``events_total``."""

    FILES = "files"
    QUEUE = "queue"
    SIGNAL = "signal"
    WEBHOOK = "webhook"
    PULL = "pull"


class Meter(Protocol):
    """Counts a daemon's work. No method fails or blocks, and any thread may call it.

    The daemon reports passes, keys and events; ``adapters.metrics.metered_ports`` reports submits,
    writes and requests where they happen. Times are in seconds. A label value that is not on its
    list is counted as other.
    """

    def count_pass(self, seconds: float, result: str) -> None:
        """Count a pass and its duration, over all jobs or some; ``result`` is a PassResult."""

    def record_caught_up(self) -> None:
        """Record the current time as the last at which everything due was done successfully."""

    def set_job_counts(self, phases: Mapping[str, int], valid: int, invalid: int) -> None:
        """Set the current number of jobs by phase, and of valid and invalid manifests."""

    def set_queue_depth(self, depth: int, oldest_seconds: float) -> None:
        """Set how many keys are due, and for how long the oldest of them has been."""

    def set_stale_locks(self, number: int) -> None:
        """Set the number of locks that git left behind in the tree."""

    def count_event(self, kind: str) -> None:
        """Count one event that woke the daemon; ``kind`` is a Wake."""

    def count_submits(self, number: int) -> None:
        """Count Creates that returned a job's ARN."""

    def count_ambiguous(self, number: int) -> None:
        """Count Creates that may have made a job although their response was lost."""

    def count_writes(self, number: int) -> None:
        """Count writes that changed a sidecar."""

    def count_request(self, operation: str, code: str, seconds: float) -> None:
        """Count one request on the wire; ``code`` is OK, the service's error code, or our own."""
