"""What the daemon tells of its work, so that it can be counted; who counts is not its concern."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

OK = "OK"
"""The code of a request that was answered as asked for."""


class PassResult(StrEnum):
    """How a pass ended: a closed list, the values of ``reconcile_total``'s label."""

    SUCCEEDED = "succeeded"
    """Everything that could be done was done; invalid manifests are their authors' concern."""
    FAILED = "failed"
    """A call or a sidecar failed; the next pass tries again."""
    REFUSED = "refused"
    """A guard let nothing through."""
    ERROR = "error"
    """A defect ended the pass."""


class Wake(StrEnum):
    """What woke the daemon between its timers: the values of ``events_total``'s label."""

    FILES = "files"
    QUEUE = "queue"
    SIGNAL = "signal"
    WEBHOOK = "webhook"
    PULL = "pull"


class Meter(Protocol):
    """What counts a daemon's work. No method fails or waits, and any thread may call it.

    The daemon tells of passes, keys and events; ``adapters.measuring`` tells of submits, writes and
    requests where they happen. Times are in seconds. A word that is not on its list is counted
    with the others of that sort.
    """

    def passed(self, seconds: float, result: str) -> None:
        """Count a pass that took so long, over all jobs or some; ``result`` is a PassResult."""

    def caught_up(self) -> None:
        """Keep the present as the time at which all that was due had been done well."""

    def counted(self, phases: Mapping[str, int], valid: int, invalid: int) -> None:
        """Take the present number of jobs by phase and of manifests, in place of the last ones."""

    def queued(self, depth: int, oldest_seconds: float) -> None:
        """Take how many keys are due, and for how long the first of them has been."""

    def stale_locks(self, number: int) -> None:
        """Take how many locks git left behind in the tree."""

    def event(self, kind: str) -> None:
        """Count one thing that woke the daemon; ``kind`` is a Wake."""

    def submitted(self, number: int) -> None:
        """Count so many Creates that were answered with a job's ARN."""

    def ambiguous(self, number: int) -> None:
        """Count so many Creates that may have made a job all the same: their answers were lost."""

    def wrote(self, number: int) -> None:
        """Count so many writes that changed a sidecar's bytes."""

    def requested(self, operation: str, code: str, seconds: float) -> None:
        """Count one request on the wire; ``code`` is OK, the service's error code, or ours."""
