"""The daemon's ledger, which several passes share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from controller.adapters.git.work_trees import WorkTreeStates
from controller.adapters.sidecars.status_dir import StatusDirLedger
from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.registry import KINDS
from controller.core.model import SUBMITTING, JobKey, JobRecord, Source
from controller.core.planning.orphaned_entries import StrayEntry
from controller.engine.apply import PassAbortedError
from controller.port_wrappers import LedgerWrapper
from controller.ports import Ledger, LedgerError, StatusEntry

GIT_WAIT_SECONDS = 5.0
"""Seconds to wait for a checkout before a pass is aborted and retried."""
_POLL_SECONDS = 0.05


def open_ledger(paths: Sequence[Path], status_dir: Path | None) -> Ledger:
    """Return the ledger of some paths; raises a usage error when its folder cannot be made."""
    if status_dir is None:
        return SidecarLedger(paths, KINDS)
    try:
        return StatusDirLedger(paths, status_dir, KINDS)
    except OSError as error:
        text = f"--status-dir {status_dir}: the folder cannot be made ({error.strerror})"
        raise click.UsageError(text) from error


class SerializedLedger(LedgerWrapper):
    """A ledger that several passes share, one at a time, while nothing else changes the tree.

    ``standings`` returns the state in which git left the work trees: what is read during a checkout
    is read again, and no intent is written during one, which could remove it. ``writes`` counts the
    writes that changed a sidecar.
    """

    def __init__(
        self,
        ledger: Ledger,
        still: AbstractContextManager[object],
        standings: Callable[[], WorkTreeStates] = dict,
    ) -> None:
        super().__init__(ledger)
        self._still = still
        self._standings = standings
        self.writes = 0

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, JobRecord]:
        """Return what is recorded of these jobs, and of any other in the same folders."""
        end = time.monotonic() + GIT_WAIT_SECONDS
        while True:
            before = self._wait_for_git()
            if before is None or time.monotonic() > end:
                raise PassAbortedError("git is changing the tree")
            with self._still:
                found = super().read(sources)
            if self._standings() == before:
                return found

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put a job's entry into its sidecar; raises LedgerError."""
        # An outcome is written even during a checkout: better at risk than not recorded.
        if self._wait_for_git() is None and entry.get("phase") == SUBMITTING:
            raise _make_busy_error(source)
        with self._still:
            return self._count_write(super().write(source, key, entry))

    def write_all(self, entries: Sequence[StatusEntry]) -> Sequence[bool | LedgerError]:
        """Put many jobs' entries into their sidecars, each in one write."""
        at_rest = not entries or self._wait_for_git() is not None
        fitting = [one for one in entries if at_rest or one[2].get("phase") != SUBMITTING]
        with self._still:
            written = iter(super().write_all(fitting))
        # By identity, because entries may be equal and are not hashable.
        taken = set(map(id, fitting))
        results = [
            next(written) if id(one) in taken else _make_busy_error(one[0]) for one in entries
        ]
        self.writes += sum(result is True for result in results)
        return results

    def remove(self, stray: StrayEntry, entry: Mapping[str, Any]) -> bool:
        """Remove an entry from its sidecar if it has not changed."""
        with self._still:
            return self._count_write(super().remove(stray, entry))

    def _wait_for_git(self) -> WorkTreeStates | None:
        """Return the state of the work trees once no checkout is running; None on a timeout."""
        end = time.monotonic() + GIT_WAIT_SECONDS
        while True:
            found = self._standings()
            if not any(one.locked for one in found.values()):
                return found
            if time.monotonic() > end:
                return None
            time.sleep(_POLL_SECONDS)

    def _count_write(self, changed: bool) -> bool:
        self.writes += changed
        return changed


def _make_busy_error(source: Source) -> LedgerError:
    return LedgerError(f"git is changing the tree around {source.path}")
