"""What a pass needs from outside: a cloud to ask, a ledger to write in, a clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from controller.core.kinds.kind import Kind
from controller.core.model import Failure, JobKey, Live, Place, Recorded, Source, Summary, Target
from controller.core.planning.orphaned_entries import Stray


class CloudError(Exception):
    """A call failed; ``failure`` says how, classified."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure))
        self.failure = failure


class ListingTooLongError(Exception):
    """A listing has more pages than it was worth; what was listed so far is thrown away."""


class LedgerError(Exception):
    """A sidecar could not be written; the text names the file and the cause."""


Entry = tuple[Source, JobKey, Mapping[str, Any]]
"""A job's entry on its way into the sidecar of its manifest."""


class Cloud(Protocol):
    """The service that runs jobs. Every method raises CloudError when its call fails."""

    def place(self, target: Target) -> Place:
        """Return where the target's credentials act (STS GetCallerIdentity, once per role)."""

    def get(self, kind: Kind, target: Target, identifier: str) -> Live | None:
        """Return a job by name or ARN, or None when the service says that there is none."""

    def listing(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[Summary, ...]:
        """Return every job's summary, newest first: all pages, or an error, never a part.

        Raises ListingTooLongError when there are more than ``most`` pages.
        """

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""

    def tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a job or of what it made, the service's own (``aws:``) included."""

    def tag(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Give a resource tags, all of them or none; a key that it has gets the new value."""

    def untag(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Take tags from a resource; keys that it does not have are no error."""


class Ledger(Protocol):
    """The sidecars beside the manifests."""

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, Recorded]:
        """Return what is recorded of these jobs, and of any other in the same folders.

        A job whose record may be in a file that could not be read has a ``doubt``.
        """

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put a job's entry into the sidecar of its manifest.

        It is on disk when this returns, also if another process wrote it.
        Returns whether any byte changed; raises
        LedgerError.
        """

    def write_all(self, entries: Sequence[Entry]) -> Sequence[bool | LedgerError]:
        """Put many jobs' entries as ``write`` does, each sidecar in one write.

        An entry that is there already is left as it is, on disk or not. Returns for each whether
        any byte changed, or why it could not be written.
        """

    def rebuild(self) -> None:
        """Let writes replace sidecars that the last read could not read or understand.

        To be called only when no job has to be held because of them.
        """

    def astray(self) -> Sequence[Stray]:
        """Return the entries that the last read met anywhere but beside the job's manifest."""

    def remove(self, stray: Stray, entry: Mapping[str, Any]) -> bool:
        """Take an entry out of its sidecar if it still says this, and the file with the last one.

        Returns whether it did; raises LedgerError.
        """

    def clean(self) -> None:
        """Remove what killed processes left behind, as the last read saw it."""


class Clock(Protocol):
    """Time, as the world outside has it."""

    def now(self) -> datetime:
        """Return the present, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
