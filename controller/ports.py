"""The ports of the engine: the service (Cloud), the sidecars (Ledger) and the clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from controller.core.kinds.kind import Kind
from controller.core.model import (
    CallFailure,
    JobKey,
    JobRecord,
    JobSummary,
    LiveJob,
    Place,
    Source,
    Target,
)
from controller.core.planning.orphaned_entries import StrayEntry


class CloudError(Exception):
    """A call failed; ``failure`` classifies it."""

    def __init__(self, failure: CallFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class ListingTooLongError(Exception):
    """A listing has more pages than requested; what was listed so far is discarded."""


class LedgerError(Exception):
    """A sidecar could not be written; the message names the file and the cause."""


StatusEntry = tuple[Source, JobKey, Mapping[str, Any]]
"""A manifest's source and key, and the entry to write into its sidecar."""


class Cloud(Protocol):
    """The service that runs jobs. Every method raises CloudError when its call fails."""

    def get_place(self, target: Target) -> Place:
        """Return where a target's credentials act (STS GetCallerIdentity, called once per role)."""

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job by name or ARN, or None if the service says that it does not exist."""

    def list_jobs(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[JobSummary, ...]:
        """Return the summaries of all jobs, newest first: all pages or an error, never a part.

        Raises ListingTooLongError when there are more than ``most`` pages.
        """

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""

    def get_tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a job or of its output, including the service's own (``aws:``)."""

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Set all of the tags on a resource, or none; an existing key gets the new value."""

    def remove_tags(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Remove tags from a resource; keys that it does not have are ignored."""


class Ledger(Protocol):
    """The sidecars beside the manifests."""

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, JobRecord]:
        """Return the records of these jobs, and of any others in the same folders.

        A job whose record may be in a file that could not be read has a ``doubt``.
        """

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Write a job's entry into its manifest's sidecar; return whether any byte changed.

        It is on disk when this returns, even if another process wrote it. Raises LedgerError.
        """

    def write_all(self, entries: Sequence[StatusEntry]) -> Sequence[bool | LedgerError]:
        """Write many entries as ``write`` does, each sidecar once.

        An entry that the sidecar already has is left as it is, flushed to disk or not. Returns for
        each entry whether any byte changed, or why it could not be written.
        """

    def allow_rebuild(self) -> None:
        """Allow writes to replace sidecars that the last read could not read or parse.

        Call it only when no job has to be held because of them.
        """

    def list_stray_entries(self) -> Sequence[StrayEntry]:
        """Return the entries that the last read found anywhere but beside their manifest."""

    def remove(self, stray: StrayEntry, entry: Mapping[str, Any]) -> bool:
        """Remove an entry from its sidecar if it is unchanged, and the file with its last entry.

        Returns whether it was removed; raises LedgerError.
        """

    def clean(self) -> None:
        """Remove temporary files that killed processes left behind, as found by the last read."""


class Clock(Protocol):
    """The wall clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""

    def sleep(self, seconds: float) -> None:
        """Sleep for this many seconds."""
