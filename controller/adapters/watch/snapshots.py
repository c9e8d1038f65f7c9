"""The state of everything that reading a tree depends on, taken without reading any of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from controller.adapters.host.tree_bounds import walk_up
from controller.adapters.host.tree_files import ABSENT
from controller.core.documents.file_names import BINDING, is_binding, is_relevant

Snapshot = dict[str, dict[str, int]]
"""By folder and name, a number that is another one for every state of the file."""

_REPOSITORY = ".git"
_ABSENT, _PRESENT, _UNKNOWN = 0, 1, 2
_MAX_REFRESHED = 100


def take_snapshot(paths: Iterable[Path]) -> Snapshot:
    """Return the states of all that lies under the paths, and of what counts above them.

    Nothing is an error: what cannot be seen has a state of its own, so that it is noticed when it
    can be seen again, and when it turns out to be gone.
    """
    look = _SnapshotBuilder()
    for path in paths:
        look.add(os.path.abspath(path))
    return look.states


def find_differences(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Yield the path of everything that has come, gone or changed between two snapshots."""
    for folder in before.keys() | after.keys():
        old, new = before.get(folder, {}), after.get(folder, {})
        if old != new:
            for name in old.keys() | new.keys():
                if old.get(name) != new.get(name):
                    yield os.path.join(folder, name)


def update_snapshot(seen: Snapshot, paths: Collection[str]) -> bool:
    """Bring a snapshot up to date for some plain files; False where only a new one can be."""
    if len(paths) > _MAX_REFRESHED:
        return False
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in seen or not is_relevant(name) or os.path.islink(path):
            return False
        state = _get_state(path)
        if state == _ABSENT:
            seen[folder].pop(name, None)
        else:
            seen[folder][name] = state
    return True


class _SnapshotBuilder:
    """One look around; each real folder is walked once, by whichever name it is met first."""

    def __init__(self) -> None:
        self.states: Snapshot = {}
        self._met: set[str] = set()

    def add(self, path: str) -> None:
        real = os.path.realpath(path)
        parent = os.path.dirname(path)
        for folder in walk_up(parent):
            self._add_above(folder)
        states = self.states.setdefault(parent, {})
        # A folder is known by where it is, not by its time, which changes with every sidecar.
        states[f"{os.path.basename(path)}/"], is_folder = _get_place(real)
        if is_folder:
            self._walk(real, real)

    def _add_above(self, folder: str) -> None:
        """Take in the files that hold for all below; of a repository, only that there is one."""
        if folder in self.states:
            return
        states = {name: _get_state(f"{folder}/{name}") for name in list_binding_names(folder)}
        states[_REPOSITORY] = _get_existence(f"{folder}/{_REPOSITORY}")
        self.states[folder] = {name: state for name, state in states.items() if state != _ABSENT}

    def _walk(self, root: str, top: str) -> None:
        pending = [root]
        while pending:
            folder = pending.pop()
            if folder in self._met:
                continue
            self._met.add(folder)
            pending += self._add_folder(folder, top)

    def _add_folder(self, folder: str, top: str) -> list[str]:
        """Take in a folder's files, and return the folders that it leads to."""
        states = self.states.setdefault(folder, {})
        inner: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith("."):
                        continue
                    if entry.is_symlink():
                        inner += self._add_link(entry, top, states)
                    elif entry.is_dir(follow_symlinks=False):
                        inner.append(entry.path)
                    elif is_relevant(name):
                        states[name] = _stat_entry(entry)
        except OSError as error:
            # A folder that cannot be read differs from one that can, whatever is in it.
            states[""] = _get_missing_state(error)
        states.setdefault(".", _PRESENT)
        return inner

    def _add_link(self, entry: os.DirEntry[str], top: str, states: dict[str, int]) -> list[str]:
        """Take in where a link leads; a folder inside the tree is walked too."""
        real = os.path.realpath(entry.path)
        place, is_folder = _get_place(real)
        if is_folder:
            states[entry.name] = place
            return [real] if os.path.commonpath((top, real)) == top else []
        if is_relevant(entry.name):
            states[entry.name] = hash((real, _get_state(real)))
        return []


def list_binding_names(folder: str) -> Iterable[str]:
    """Return the names of a folder's files that count for all below it, or all such names."""
    try:
        return filter(is_binding, os.listdir(folder))
    except OSError:
        return BINDING


def _stat_entry(entry: os.DirEntry[str]) -> int:
    try:
        return _hash_stat(entry.stat(follow_symlinks=False))
    except OSError as error:
        return _get_missing_state(error)  # most often it is gone since its folder was read


def _hash_stat(found: os.stat_result) -> int:
    # A number for each file instead of a tuple leaves the collector nothing to go through.
    return hash(
        (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev, 1)
    )


def _get_state(path: str) -> int:
    try:
        return _hash_stat(os.stat(path))
    except OSError as error:
        # A link may lead nowhere.
        return _get_existence(path) if error.errno in ABSENT else _UNKNOWN


def _get_existence(path: str) -> int:
    try:
        os.lstat(path)
    except OSError as error:
        return _get_missing_state(error)
    return _PRESENT


def _get_missing_state(error: OSError) -> int:
    """Return the state of a path that the system gives no other answer about."""
    return _ABSENT if error.errno in ABSENT else _UNKNOWN


def _get_place(real: str) -> tuple[int, bool]:
    """Return what identifies the place that a path leads to, and whether it is a folder."""
    try:
        found = os.stat(real)
    except OSError as error:
        return _get_missing_state(error), False
    if stat.S_ISDIR(found.st_mode):
        return hash((real, found.st_ino, found.st_dev)), True
    return hash((real, _hash_stat(found))), False
