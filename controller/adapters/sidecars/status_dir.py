"""Sidecars in a folder of their own, for a tree that cannot be written (``--status-dir``).

Each stands there where it would stand in the tree: the same path, from another folder on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from controller.adapters.host.tree_files import TreeRoot, find_tree_root
from controller.adapters.host.tree_writes import make_folder
from controller.adapters.sidecars.paths import get_folder
from controller.adapters.sidecars.store import SidecarLedger
from controller.core.kinds.kind import Kind
from controller.core.model import JobKey, JobRecord, Source
from controller.core.planning.orphaned_entries import StrayEntry
from controller.ports import LedgerError, StatusEntry


class StatusDirLedger:
    """The ledger of a tree whose sidecars stand under another folder.

    Manifests' paths begin with one of ``roots``, as these are given.
    """

    def __init__(self, roots: Iterable[Path], folder: Path, kinds: Mapping[str, Kind]) -> None:
        make_folder(find_tree_root(folder.absolute().parent), str(folder.absolute()))
        self._tree = os.path.commonpath([get_folder(root).absolute() for root in roots])
        self._folder = os.path.abspath(folder)
        self._inner = SidecarLedger([Path(self._folder)], kinds)

    def read(self, sources: Mapping[JobKey, Source]) -> Mapping[JobKey, JobRecord]:
        """Return what is recorded of these jobs, and of any other in the folder."""
        return self._inner.read({key: self._map_source(source) for key, source in sources.items()})

    def write(self, source: Source, key: JobKey, entry: Mapping[str, Any]) -> bool:
        """Put a job's entry into its sidecar; raises LedgerError."""
        there = self._map_source(source)
        failed = self._make_folder(os.path.dirname(there.path))
        if failed is not None:
            raise failed
        return self._inner.write(there, key, entry)

    def write_all(self, entries: Sequence[StatusEntry]) -> Sequence[bool | LedgerError]:
        """Put many jobs' entries into their sidecars, each in one write."""
        there = [(self._map_source(source), key, entry) for source, key, entry in entries]
        failed = {
            folder: error
            for folder in {os.path.dirname(source.path) for source, _, _ in there}
            if (error := self._make_folder(folder)) is not None
        }
        fitting = [one for one in there if os.path.dirname(one[0].path) not in failed]
        written = iter(self._inner.write_all(fitting))
        return [failed.get(os.path.dirname(one[0].path)) or next(written) for one in there]

    def allow_rebuild(self) -> None:
        """Let writes replace the files that the last read could not read or understand."""
        self._inner.allow_rebuild()

    def list_stray_entries(self) -> Sequence[StrayEntry]:
        """Return the entries beside no manifest of theirs, with the places in the tree they'd have.

        Whether a manifest is gone is told by where it would be.
        """
        real = os.path.realpath(self._tree)
        return [
            replace(
                one,
                sidecar=os.path.join(self._tree, rest),
                real_path=os.path.join(real, rest),
            )
            for one in self._inner.list_stray_entries()
            if (rest := os.path.relpath(one.real_path, os.path.realpath(self._folder)))
        ]

    def remove(self, stray: StrayEntry, entry: Mapping[str, Any]) -> bool:
        """Take an entry out of its sidecar if it still says this; raises LedgerError."""
        there = self._map_source(Source(stray.sidecar)).path
        return self._inner.remove(replace(stray, sidecar=there), entry)

    def clean(self) -> None:
        """Remove what killed processes left behind."""
        self._inner.clean()

    def _map_source(self, source: Source) -> Source:
        # The path as it was given: what a link leads to is another folder after each commit.
        rest = os.path.relpath(source.path, self._tree)
        return replace(source, path=os.path.join(self._folder, rest))

    def _make_folder(self, folder: str) -> LedgerError | None:
        """Make a folder, if it is not there; return why it cannot be made."""
        try:
            make_folder(TreeRoot.locate(self._folder), folder)
        except OSError as error:
            return LedgerError(f"{folder}: the folder cannot be made ({error.strerror})")
        return None
