"""Ports of a controller that may die: at a call out, or at a write, before or after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from controller.core.kinds.kind import Kind
from controller.core.model import JobKey, JobRecord, JobSummary, LiveJob, Place, Source, Target
from controller.core.planning.orphaned_entries import StrayEntry
from controller.ports import Cloud, Ledger, LedgerError, StatusEntry

Answer = TypeVar("Answer")
FOR_EVER = 1 << 30


class CrashError(BaseException):
    """The process dies here; nothing of ours may catch it."""


@dataclass
class Fate:
    """What becomes of a controller: it dies at its n-th step, before or ``after`` its effect.

    Whatever it tries once dead is not done. With ``meanwhile`` it does not die, but something
    else happens at that step, before it.
    """

    steps: int = FOR_EVER
    after: bool = False
    meanwhile: Callable[[], None] | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)

    def step(self, do: Callable[[], Answer]) -> Answer:
        """Return what a step returns, unless the controller is dead by then."""
        with self.guard:
            self.steps -= 1
            left = self.steps
        if self.meanwhile is not None:
            if left == 0:
                self.meanwhile()
            return do()
        if left < 0 or (left == 0 and not self.after):
            raise CrashError
        answer = do()
        if left == 0:
            raise CrashError
        return answer


@dataclass(frozen=True, slots=True)
class MortalCloud:
    """A cloud, as a controller of some fate reaches it."""

    inner: Cloud
    fate: Fate

    def get_place(self, target: Target) -> Place:
        """Return where the target's credentials act."""
        return self.fate.step(lambda: self.inner.get_place(target))

    def get(self, kind: Kind, target: Target, identifier: str) -> LiveJob | None:
        """Return a job by name or ARN, or None."""
        return self.fate.step(lambda: self.inner.get(kind, target, identifier))

    def list_jobs(
        self, kind: Kind, target: Target, *, status: str | None = None, most: int | None = None
    ) -> tuple[JobSummary, ...]:
        """Return every job's summary."""
        return self.fate.step(lambda: self.inner.list_jobs(kind, target, status=status, most=most))

    def create(self, kind: Kind, target: Target, request: Mapping[str, Any], token: str) -> str:
        """Submit a request under a token and return the job's ARN."""
        return self.fate.step(lambda: self.inner.create(kind, target, request, token))

    def stop(self, kind: Kind, target: Target, arn: str) -> None:
        """Ask the service to stop a job."""
        return self.fate.step(lambda: self.inner.stop(kind, target, arn))

    def get_tags(self, target: Target, arn: str) -> Mapping[str, str]:
        """Return all tags of a resource."""
        return self.fate.step(lambda: self.inner.get_tags(target, arn))

    def add_tags(self, target: Target, arn: str, tags: Mapping[str, str]) -> None:
        """Give a resource tags."""
        return self.fate.step(lambda: self.inner.add_tags(target, arn, tags))

    def remove_tags(self, target: Target, arn: str, keys: Collection[str]) -> None:
        """Take tags from a resource."""
        return self.fate.step(lambda: self.inner.remove_tags(target, arn, keys))


@dataclass(frozen=True, slots=True)
class MortalLedger:
    """A ledger, as a controller of some fate writes in it."""

    inner: Ledger
    fate: Fate

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, JobRecord]:
        """Return what is recorded; reading has no effect to die before."""
        return self.inner.read(sources)

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put a job's entry into the sidecar of its manifest."""
        return self.fate.step(lambda: self.inner.write(source, key, entry))

    def write_all(self, entries: Sequence[StatusEntry]) -> Sequence[bool | LedgerError]:
        """Put many jobs' entries into their sidecars."""
        return self.fate.step(lambda: self.inner.write_all(entries))

    def allow_rebuild(self) -> None:
        """Let writes replace sidecars that could not be read."""
        self.inner.allow_rebuild()

    def list_stray_entries(self) -> Sequence[StrayEntry]:
        """Return the entries that stand beside no manifest of theirs."""
        return self.inner.list_stray_entries()

    def remove(self, stray: StrayEntry, entry: Mapping[str, Any]) -> bool:
        """Take an entry out of its sidecar."""
        return self.fate.step(lambda: self.inner.remove(stray, entry))

    def clean(self) -> None:
        """Remove what killed processes left behind."""
        self.inner.clean()
