"""Wrappers of the ports: what is done around every operation is written once, in ``call``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from controller.core.kinds.kind import Kind
from controller.core.model import JobKey, JobRecord, JobSummary, LiveJob, Place, Source, Target
from controller.core.planning.orphaned_entries import StrayEntry
from controller.ports import Cloud, Ledger, LedgerError, StatusEntry

Answer = TypeVar("Answer")
Invoke = Callable[[], Answer]


class CloudWrapper:
    """A Cloud around another one; subclasses override ``call`` to act around its operations."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def call(self, operation: str, target: Target, invoke: Invoke[Answer]) -> Answer:
        """Return what an operation, named as the port's method, returns."""
        return invoke()

    def get_place(self, target: Target) -> Place:
        """Return where a target's credentials act."""
        return self.call("get_place", target, lambda: self._cloud.get_place(target))

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job by name or ARN, or None if the service says that it does not exist."""
        return self.call("get", target, lambda: self._cloud.get(kind, target, identifier))

    def list_jobs(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[JobSummary, ...]:
        """Return the summaries of all jobs; all pages are one operation."""

        def invoke() -> tuple[JobSummary, ...]:
            return self._cloud.list_jobs(kind, target, status=status, most=most)

        return self.call("list_jobs", target, invoke)

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""
        return self.call("create", target, lambda: self._cloud.create(kind, target, request, token))

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        self.call("stop", target, lambda: self._cloud.stop(kind, target, arn))

    def get_tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a job or of its output."""
        return self.call("get_tags", target, lambda: self._cloud.get_tags(target, arn))

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Set all of the tags on a resource, or none."""
        self.call("add_tags", target, lambda: self._cloud.add_tags(target, arn, tags))

    def remove_tags(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Remove tags from a resource."""
        self.call("remove_tags", target, lambda: self._cloud.remove_tags(target, arn, keys))


class LedgerWrapper:
    """A Ledger around another one; subclasses override ``call``, or single operations."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def call(self, operation: str, invoke: Invoke[Answer]) -> Answer:
        """Return what an operation, named as the port's method, returns."""
        return invoke()

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, JobRecord]:
        """Return the records of these jobs, and of any others in the same folders."""
        return self.call("read", lambda: self._ledger.read(sources))

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Write a job's entry into its manifest's sidecar; return whether any byte changed."""
        return self.call("write", lambda: self._ledger.write(source, key, entry))

    def write_all(self, entries: Sequence[StatusEntry]) -> Sequence[bool | LedgerError]:
        """Write many entries, each sidecar once; return the result of each."""
        return self.call("write_all", lambda: self._ledger.write_all(entries))

    def allow_rebuild(self) -> None:
        """Allow writes to replace sidecars that the last read could not read or parse."""
        self.call("allow_rebuild", self._ledger.allow_rebuild)

    def list_stray_entries(self) -> Sequence[StrayEntry]:
        """Return the entries that the last read found anywhere but beside their manifest."""
        return self.call("list_stray_entries", self._ledger.list_stray_entries)

    def remove(self, stray: StrayEntry, entry: Mapping[str, Any]) -> bool:
        """Remove an entry from its sidecar if it is unchanged; return whether it was removed."""
        return self.call("remove", lambda: self._ledger.remove(stray, entry))

    def clean(self) -> None:
        """Remove temporary files that killed processes left behind."""
        self.call("clean", self._ledger.clean)
