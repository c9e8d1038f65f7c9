"""Ports that tell a meter of what goes through them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import JobKey, Live, Place, Recorded, Source, Summary, Target
from controller.core.planning.orphaned_entries import Stray
from controller.ports import Cloud, CloudError, Entry, Ledger, LedgerError
from controller.telemetry import Meter


class Measured:
    """A Cloud that tells of each Create whether it was answered; all else passes through."""

    def __init__(self, cloud: Cloud, meter: Meter) -> None:
        self._cloud = cloud
        self._meter = meter

    def place(self, target: Target) -> Place:
        """Return where the target's credentials act."""
        return self._cloud.place(target)

    def get(self, kind: Kind, target: Target, identifier: str) -> Live | None:
        """Return a job by name or ARN, or None when the service says that there is none."""
        return self._cloud.get(kind, target, identifier)

    def listing(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[Summary, ...]:
        """Return every job's summary, newest first."""
        return self._cloud.listing(kind, target, status=status, most=most)

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request, and count what came of it."""
        try:
            arn = self._cloud.create(kind, target, request, token)
        except CloudError as error:
            self._meter.ambiguous(int(error.failure.ambiguous))
            raise
        self._meter.submitted(1)
        return arn

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        self._cloud.stop(kind, target, arn)

    def tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a job or of what it made."""
        return self._cloud.tags(target, arn)

    def tag(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Give a resource tags."""
        self._cloud.tag(target, arn, tags)

    def untag(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Take tags from a resource."""
        self._cloud.untag(target, arn, keys)


class MeasuredLedger:
    """A Ledger that tells of each write that changed a sidecar; all else passes through."""

    def __init__(self, ledger: Ledger, meter: Meter) -> None:
        self._ledger = ledger
        self._meter = meter

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, Recorded]:
        """Return what is recorded of these jobs, and of any other in the same folders."""
        return self._ledger.read(sources)

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put a job's entry into the sidecar of its manifest; count it if any byte changed."""
        return self._counted(self._ledger.write(source, key, entry))

    def write_all(self, entries: Sequence[Entry]) -> Sequence[bool | LedgerError]:
        """Put many jobs' entries into their sidecars; count those that changed a byte."""
        results = self._ledger.write_all(entries)
        self._meter.wrote(sum(result is True for result in results))
        return results

    def rebuild(self) -> None:
        """Let writes replace the sidecars that the last read could not read or understand."""
        self._ledger.rebuild()

    def astray(self) -> Sequence[Stray]:
        """Return the entries that the last read met anywhere but beside the job's manifest."""
        return self._ledger.astray()

    def remove(self, stray: Stray, entry: Mapping[str, Any]) -> bool:
        """Take an entry out of its sidecar if it still says this; count it if it did."""
        return self._counted(self._ledger.remove(stray, entry))

    def clean(self) -> None:
        """Remove what killed processes left behind, as the last read saw it."""
        self._ledger.clean()

    def _counted(self, changed: bool) -> bool:
        self._meter.wrote(int(changed))
        return changed
