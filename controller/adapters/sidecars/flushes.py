"""Sidecars that a pass relies on although another process wrote them: flushed before it does."""

from __future__ import annotations

import threading
from pathlib import Path

from controller.adapters.host.tree_writes import flush, flush_folders
from controller.adapters.sidecars.trees import TreeCache


class Flusher:
    """Flushes files and folders whose last writer may have died before it flushed them.

    Such bytes can be read, but a power failure loses them. Between renewals each file and folder
    is flushed once.
    """

    def __init__(self, trees: TreeCache) -> None:
        self._trees = trees
        self._turn = threading.Lock()
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def reset(self) -> None:
        """Flush everything anew from now on: what is read next may be another process's again."""
        with self._turn:
            self._files, self._folders = set(), set()

    def flush_file(self, path: str) -> None:
        """Flush a file with its name and its folders, unless that was done; raises OSError."""
        with self._turn:
            if path not in self._files:
                flush(self._trees.get_root(path), path)
                self._files.add(path)
        self.flush_folders(path)

    def flush_folders(self, path: str) -> None:
        """Flush the folders that a file lies in, unless that was done; raises OSError."""
        folder = str(Path(path).parent)
        with self._turn:
            if folder not in self._folders:
                found = flush_folders(self._trees.get_root(path), folder, self._folders)
                self._folders |= {folder, *found}
