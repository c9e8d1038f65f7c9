"""Ports that tell a meter of what goes through them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from controller.core.kinds.kind import Kind
from controller.core.model import JobKey, JobRecord, JobSummary, LiveJob, Place, Source, Target
from controller.core.planning.orphaned_entries import StrayEntry
from controller.ports import Cloud, CloudError, Ledger, LedgerError, StatusEntry
from controller.telemetry import Meter


class MeteredCloud:
    """A Cloud that tells of each Create whether it was answered; all else passes through."""

    def __init__(self, cloud: Cloud, meter: Meter) -> None:
        self._cloud = cloud
        self._meter = meter

    def get_place(self, target: Target) -> Place:
        """Return where the target's credentials act."""
        return self._cloud.get_place(target)

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job by name or ARN, or None when the service says that there is none."""
        return self._cloud.get(kind, target, identifier)

    def list_jobs(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[JobSummary, ...]:
        """Return every job's summary, newest first."""
        return self._cloud.list_jobs(kind, target, status=status, most=most)

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request, and count what came of it."""
        try:
            arn = self._cloud.create(kind, target, request, token)
        except CloudError as error:
            self._meter.count_ambiguous(int(error.failure.ambiguous))
            raise
        self._meter.count_submits(1)
        return arn

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        self._cloud.stop(kind, target, arn)

    def get_tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a job or of what it made."""
        return self._cloud.get_tags(target, arn)

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Give a resource tags."""
        self._cloud.add_tags(target, arn, tags)

    def remove_tags(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Take tags from a resource."""
        self._cloud.remove_tags(target, arn, keys)


class MeteredLedger:
    """A Ledger that tells of each write that changed a sidecar; all else passes through."""

    def __init__(self, ledger: Ledger, meter: Meter) -> None:
        self._ledger = ledger
        self._meter = meter

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, JobRecord]:
        """Return what is recorded of these jobs, and of any other in the same folders."""
        return self._ledger.read(sources)

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put a job's entry into the sidecar of its manifest; count it if any byte changed."""
        return self._count_write(self._ledger.write(source, key, entry))

    def write_all(self, entries: Sequence[StatusEntry]) -> Sequence[bool | LedgerError]:
        """Put many jobs' entries into their sidecars; count those that changed a byte."""
        results = self._ledger.write_all(entries)
        self._meter.count_writes(sum(result is True for result in results))
        return results

    def allow_rebuild(self) -> None:
        """Let writes replace the sidecars that the last read could not read or understand."""
        self._ledger.allow_rebuild()

    def list_stray_entries(self) -> Sequence[StrayEntry]:
        """Return the entries that the last read met anywhere but beside the job's manifest."""
        return self._ledger.list_stray_entries()

    def remove(self, stray: StrayEntry, entry: Mapping[str, Any]) -> bool:
        """Take an entry out of its sidecar if it still says this; count it if it did."""
        return self._count_write(self._ledger.remove(stray, entry))

    def clean(self) -> None:
        """Remove what killed processes left behind, as the last read saw it."""
        self._ledger.clean()

    def _count_write(self, changed: bool) -> bool:
        self._meter.count_writes(int(changed))
        return changed
