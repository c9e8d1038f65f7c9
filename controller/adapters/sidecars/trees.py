"""The trees that a ledger's folders lie in, and what cannot be read of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from controller.adapters.host.tree_files import (
    FileUnreadableError,
    NotRegularError,
    OutsideTreeError,
    TooLargeError,
    TreeRoot,
    find_tree_root,
)
from controller.adapters.sidecars.unreadable import ReadFailure


class TreeCache:
    """Finds the tree of a sidecar's path; each folder's tree is resolved once between renewals."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._known: dict[str, TreeRoot] = {}

    def reset(self) -> None:
        """Resolve every tree anew from now on: links may lead elsewhere by the next pass."""
        self._known = {}

    def get_root(self, path: str) -> TreeRoot:
        """Return the tree of the folder that a path begins with; raises FileUnreadableError."""
        folder = next((one for one in self._folders if path.startswith(f"{one}/")), "")
        folder = folder or next(iter(self._folders), str(Path(path).parent))
        tree = self._known.get(folder)
        if tree is None:
            tree = self._known[folder] = find_tree_root(folder)
        return tree


def make_read_failure(error: FileUnreadableError | OutsideTreeError) -> ReadFailure:
    """Return what an error of reading means for the records that the file may hold."""
    if isinstance(error, NotRegularError):
        # It is certain that no record is in it.
        text = "a folder has the sidecar's name, or a special file: move it away"
        return ReadFailure(text, broken=True, counts=False)
    return ReadFailure(error.text, broken=isinstance(error, TooLargeError))
