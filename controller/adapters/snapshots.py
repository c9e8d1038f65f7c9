"""The state of everything that reading a tree depends on, taken without reading any of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from controller.adapters.grounds import upward
from controller.core.file_names import BINDING, is_binding, matters

Snapshot = dict[str, dict[str, int]]
"""By folder and name, a number that is another one for every state of the file."""

_REPOSITORY = ".git"
_ABSENT = 0
_FEW = 100


def snapshot(paths: Iterable[Path]) -> Snapshot:
    """Return the states of all that lies under the paths, and of what counts above them.

    Nothing is an error: what cannot be seen is not there.
    """
    look = _Look()
    for path in paths:
        look.add(os.path.abspath(path))
    return look.states


def differing(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """Yield the path of everything that has come, gone or changed between two snapshots."""
    for folder in before.keys() | after.keys():
        old, new = before.get(folder, {}), after.get(folder, {})
        if old != new:
            for name in old.keys() | new.keys():
                if old.get(name) != new.get(name):
                    yield os.path.join(folder, name)


def refreshed(seen: Snapshot, paths: Collection[str]) -> bool:
    """Bring a snapshot up to date for some plain files; False where only a new one can be."""
    if len(paths) > _FEW:
        return False
    for path in paths:
        folder, name = os.path.split(path)
        if folder not in seen or not matters(name) or os.path.islink(path):
            return False
        state = _state(path)
        if state == _ABSENT:
            seen[folder].pop(name, None)
        else:
            seen[folder][name] = state
    return True


class _Look:
    """One look around; each real folder is walked once, by whichever name it is met first."""

    def __init__(self) -> None:
        self.states: Snapshot = {}
        self._met: set[str] = set()

    def add(self, path: str) -> None:
        real = os.path.realpath(path)
        parent = os.path.dirname(path)
        for folder in upward(parent):
            self._above(folder)
        states = self.states.setdefault(parent, {})
        # A folder is known by where it is, not by its time, which changes with every sidecar.
        states[f"{os.path.basename(path)}/"] = _placed(real)
        if os.path.isdir(real):
            self._walk(real, real)

    def _above(self, folder: str) -> None:
        """Take in the files that hold for all below; of a repository, only that there is one."""
        if folder in self.states:
            return
        states = {name: _state(f"{folder}/{name}") for name in binding_names(folder)}
        states[_REPOSITORY] = int(os.path.lexists(f"{folder}/{_REPOSITORY}"))
        self.states[folder] = {name: state for name, state in states.items() if state != _ABSENT}

    def _walk(self, root: str, top: str) -> None:
        pending = [root]
        while pending:
            folder = pending.pop()
            if folder in self._met:
                continue
            self._met.add(folder)
            pending += self._folder(folder, top)

    def _folder(self, folder: str, top: str) -> list[str]:
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
                        inner += self._link(entry, top, states)
                    elif entry.is_dir(follow_symlinks=False):
                        inner.append(entry.path)
                    elif matters(name):
                        states[name] = _entered(entry)
        except OSError:
            # A folder that cannot be read differs from one that can, whatever is in it.
            states[""] = 1
        states.setdefault(".", 1)
        return inner

    def _link(self, entry: os.DirEntry[str], top: str, states: dict[str, int]) -> list[str]:
        """Take in where a link leads; a folder inside the tree is walked too."""
        real = os.path.realpath(entry.path)
        if os.path.isdir(real):
            states[entry.name] = _placed(real)
            return [real] if os.path.commonpath((top, real)) == top else []
        if matters(entry.name):
            states[entry.name] = hash((real, _state(real)))
        return []


def binding_names(folder: str) -> Iterable[str]:
    """Return the names of a folder's files that count for all below it, or all such names."""
    try:
        return filter(is_binding, os.listdir(folder))
    except OSError:
        return BINDING


def _entered(entry: os.DirEntry[str]) -> int:
    try:
        return _stated(entry.stat(follow_symlinks=False))
    except OSError:
        return _ABSENT  # gone since its folder was read


def _stated(found: os.stat_result) -> int:
    # A number for each file instead of a tuple leaves the collector nothing to go through.
    return hash(
        (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev, 1)
    )


def _state(path: str) -> int:
    try:
        return _stated(os.stat(path))
    except OSError:
        return int(os.path.lexists(path))


def _placed(real: str) -> int:
    """Return what tells one place, or file, that a path leads to from another."""
    try:
        found = os.stat(real)
    except OSError:
        return _ABSENT
    if os.path.isdir(real):
        return hash((real, found.st_ino, found.st_dev))
    return hash((real, _stated(found)))
