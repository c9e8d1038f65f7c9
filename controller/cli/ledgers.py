"""The daemon's ledger: beside the manifests or elsewhere, for several passes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from controller.adapters.sidecars import Sidecars
from controller.adapters.sidecars_elsewhere import SidecarsElsewhere
from controller.core.kinds import KINDS
from controller.core.leftovers import Stray
from controller.core.model import JobKey, Recorded, Source
from controller.ports import Ledger


def ledger_of(paths: Sequence[Path], status_dir: Path | None) -> Ledger:
    """Return the ledger of some paths; raises a usage error when its folder cannot be made."""
    if status_dir is None:
        return Sidecars(paths, KINDS)
    try:
        return SidecarsElsewhere(paths, status_dir, KINDS)
    except OSError as error:
        text = f"--status-dir {status_dir}: the folder cannot be made ({error.strerror})"
        raise click.UsageError(text) from error


class Turns:
    """A ledger that several passes share, of a tree that stands still while it is used.

    One reads or writes it at a time; so no sidecar is written while the tree changes around it.
    ``writes`` counts the writes that changed a sidecar.
    """

    def __init__(self, ledger: Ledger, still: AbstractContextManager[object]) -> None:
        self._ledger = ledger
        self._still = still
        self.writes = 0
        self.clean, self.astray = ledger.clean, ledger.astray

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, Recorded]:
        """Return what is recorded of these jobs, and of any other in the same folders."""
        with self._still:
            return self._ledger.read(sources)

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put a job's entry into its sidecar."""
        with self._still:
            return self._counted(self._ledger.write(source, key, entry))

    def remove(self, stray: Stray, entry: Mapping[str, Any]) -> bool:
        """Take an entry out of its sidecar if it still says this."""
        with self._still:
            return self._counted(self._ledger.remove(stray, entry))

    def _counted(self, changed: bool) -> bool:
        self.writes += changed
        return changed
