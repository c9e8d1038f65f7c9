"""The git work trees around some files: whether git is changing one, and what HEAD contains.

Git writes the files of a commit one by one while ``index.lock`` exists, and renames the lock over
the index when it is done. Only files are read here, and no git is started, so that it is cheap
enough for every save; the exception is a lock that was left behind.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.git.command import Git
from controller.adapters.git.objects import is_blob, read_tree
from controller.adapters.host.tree_bounds import get_filesystem_root, walk_up
from controller.adapters.host.tree_files import ABSENT
from controller.core.documents.file_names import is_binding

STALE_LOCK_SECONDS = 600.0
"""Seconds after which an ``index.lock`` that has not changed counts as left behind."""
_REPOSITORY = ".git"
_LOCK, _INDEX = "index.lock", "index"
_POINTER = "gitdir: "
_MAX_POINTER = 1 << 16
# Between the steps of a rebase git releases the lock, with a commit checked out that was never
# meant to be applied.
_UNFINISHED = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "MERGE_AUTOSTASH": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "sequencer": "cherry-pick or revert",
}

FileState = tuple[int, ...]
"""Facts about a file that differ whenever the file does; empty if unknown."""


@dataclass(frozen=True, slots=True)
class WorkTreeState:
    """The state that git left a work tree in: its index, and what is in progress.

    ``locked`` and ``unfinished`` say why its files may not be a whole commit, or are empty.
    ``stale`` is the path of a lock that was left behind, or empty.
    """

    index: FileState | None = None
    locked: str = ""
    unfinished: str = ""
    stale: str = ""


WorkTreeStates = Mapping[str, WorkTreeState]
"""The state of each work tree, by its top folder."""


class WorkTrees:
    """The work trees that contain some paths and the files last read below them.

    ``now`` returns seconds since the epoch, as file times have them. Safe to call from any thread.
    """

    def __init__(self, paths: Iterable[Path], now: Callable[[], float] = time.time) -> None:
        named = [os.path.abspath(path) for path in paths]
        self._named = tuple(dict.fromkeys((*named, *map(os.path.dirname, named))))
        self._folders: frozenset[str] = frozenset()
        self._now = now

    def include(self, files: Iterable[str]) -> None:
        """Add the work trees of these files: submodules lie below the paths."""
        self._folders = frozenset(map(os.path.dirname, map(os.path.abspath, files)))

    def get_states(self) -> WorkTreeStates:
        """Return the state of each work tree; one that cannot be read counts as locked."""
        return {top: self._inspect(top) for top in self._find_tops()}

    def is_idle(self) -> bool:
        """Return whether git is changing none of them now, as far as can be seen."""
        return not any(one.locked for one in self.get_states().values())

    def _find_tops(self) -> Iterator[str]:
        """Yield the top folder of every work tree on the way up from the paths."""
        seen: set[str] = set()
        # A path may be a link into a work tree, or lie in one and lead out of it.
        for start in (*self._named, *map(os.path.realpath, self._named), *self._folders):
            for folder in walk_up(start):
                if folder in seen:
                    break
                seen.add(folder)
                if get_file_state(f"{folder}/{_REPOSITORY}") is not None:
                    yield folder

    def _inspect(self, top: str) -> WorkTreeState:
        try:
            folder = find_git_folder(top)
            lock = f"{folder}/{_LOCK}"
            index, held = _stat_path(f"{folder}/{_INDEX}"), _stat_path(lock)
            unfinished = _find_unfinished(folder)
        except OSError as error:
            return WorkTreeState(locked=f"git's folder of {top} cannot be read ({error.strerror})")
        where = f"a {unfinished} in {top} is not finished" if unfinished else ""
        if held is None:
            return WorkTreeState(_make_state(index), unfinished=where)
        if self._now() - held.st_mtime < STALE_LOCK_SECONDS:
            return WorkTreeState(_make_state(index), f"git is changing {top}: {lock} exists", where)
        return WorkTreeState(_make_state(index), unfinished=where, stale=lock)


def find_git_folder(top: str) -> str:
    """Return where git keeps a work tree's index; worktrees and submodules have a pointer file.

    Raises OSError if that cannot be read.
    """
    path = f"{top}/{_REPOSITORY}"
    if stat.S_ISDIR(os.stat(path).st_mode):
        return path
    # read() refuses pipes and devices, which would block forever.
    pointer = get_filesystem_root().read(os.path.realpath(path), _MAX_POINTER) or b""
    return os.path.join(top, os.fsdecode(pointer).rstrip("\n").removeprefix(_POINTER))


def find_changed_since_head(top: str, files: Collection[str]) -> frozenset[str]:
    """Return the absolute paths of the files whose bytes differ from HEAD.

    Besides ``files``, it includes defaults and fleet files that HEAD contains and the disk does
    not. Raises GitError and OSError.
    """
    held, real = read_tree(Git(Path(top)), "HEAD", ()), os.path.realpath(top)
    rest = {path for path in held if is_binding(os.path.basename(path))}
    names = {os.path.relpath(os.path.realpath(path), real): os.path.abspath(path) for path in files}
    names |= {path: os.path.join(top, path) for path in rest - names.keys()}
    return frozenset(
        path
        for name, path in names.items()
        if name not in held or not held[name].plain or not _has_content(path, held[name].identity)
    )


def _has_content(path: str, identity: str) -> bool:
    found = _stat_path(path)
    if found is None or not stat.S_ISREG(found.st_mode):
        return False
    return is_blob(Path(path).read_bytes(), identity)


def _find_unfinished(folder: str) -> str:
    names = (name for name in _UNFINISHED if _stat_path(f"{folder}/{name}") is not None)
    return _UNFINISHED.get(next(names, ""), "")


def _stat_path(path: str) -> os.stat_result | None:
    """Return the status of a path, None if nothing exists; raises OSError if unknown."""
    try:
        return os.lstat(path)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise


def _make_state(found: os.stat_result | None) -> FileState | None:
    if found is None:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def get_file_state(path: str) -> FileState | None:
    """Return the state of what is at a path; None only if the disk says it is absent."""
    try:
        return _make_state(_stat_path(path))
    except OSError:
        # Unknown is a state of its own, which equals no known one.
        return ()
