"""The tree of manifests read again and again: only what has changed is opened."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from controller.adapters.host.file_stamp import FileStamp, is_settled, read_stamp
from controller.adapters.host.tree_bounds import TreeBounds
from controller.adapters.host.tree_files import FileUnreadableError, OutsideTreeError
from controller.adapters.manifests.defaults import list_binding_files, list_defaults_folders
from controller.adapters.manifests.discovery import DiscoveredFiles, discover_files
from controller.adapters.manifests.documents import ParsedFile
from controller.adapters.manifests.loader import (
    assemble_scan,
    find_missing,
    pause_collector,
    read_files,
)
from controller.core.documents.entries import ManifestDocument, build_manifest
from controller.core.fleet import Fleet
from controller.core.model import Manifest, Tree
from controller.core.problems import Code

_NO_RULES = Fleet()


_BindingStamps = tuple[tuple[str, FileStamp], ...]
"""The files that count for all below their folders, with their states."""
_ReadState = tuple[FileStamp, TreeBounds, _BindingStamps]
"""What a file's reading depends on: itself, its bounds, and the files that it rests on."""


class IncrementalLoader:
    """Reads one tree for as long as the process lives; for one thread at a time.

    ``reread`` counts the files that the last read opened. A manifest that has not changed is the
    same object as in the read before. ``clock`` gives nanoseconds since 1970, by which files are
    told from those that have just been written.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._fleet = _NO_RULES
        self._known: dict[str, tuple[_ReadState, ParsedFile]] = {}
        self._manifests: dict[int, tuple[ManifestDocument, Manifest]] = {}
        self.reread = 0

    def read(self, paths: Sequence[Path], fleet: Fleet = _NO_RULES) -> Tree:
        """Return what ``manifests.load`` returns for the files as they are now.

        Raises PathMissingError for a path that does not exist.
        """
        if fleet != self._fleet:
            self._known.clear()
            self._fleet = fleet
        with pause_collector():
            found = discover_files(paths, named=fleet.named)
            scan = assemble_scan(found, self._read_all(found), fleet, find_missing(found))
            made = tuple(map(self._get_manifest, scan.entries))
        self._manifests = {
            id(one): (one, each) for one, each in zip(scan.entries, made, strict=True)
        }
        return Tree(made, scan.problems, scan.files)

    def _read_all(self, found: DiscoveredFiles) -> list[ParsedFile]:
        """Return what each file holds: as it was known, or read now."""
        # The time comes before the states, and they before the bytes: a change in between shows.
        now = self._clock()
        states = _get_states(found)
        known, self._known = self._known, {}
        reads, stale = [ParsedFile()] * len(states), []
        for index, (path, state) in enumerate(zip(found.files, states, strict=True)):
            held = known.get(path)
            if held is not None and held[0] == state:
                self._known[path] = held
                reads[index] = held[1]
            else:
                stale.append(index)
        self.reread = len(stale)
        for index, read in zip(stale, read_files(found, stale, self._fleet), strict=True):
            reads[index] = read
            state = states[index]
            if state is not None and _is_detectable(state, now) and not _can_recover(read):
                self._known[found.files[index]] = (state, read)
        return reads

    def _get_manifest(self, entry: ManifestDocument) -> Manifest:
        held = self._manifests.get(id(entry))
        return held[1] if held is not None and held[0] is entry else build_manifest(entry)


def _get_states(found: DiscoveredFiles) -> list[_ReadState | None]:
    """Return the state of each file; None for one whose state is unknown."""
    seen: dict[str, _BindingStamps | None] = {}
    layers: dict[tuple[str, TreeBounds], _BindingStamps | None] = {}
    states: list[_ReadState | None] = []
    for path, bounds in zip(found.files, found.bounds, strict=True):
        place = (os.path.dirname(path), bounds)
        if place not in layers:
            layers[place] = _get_binding_stamps(*place, seen)
        own, under = read_stamp(path), layers[place]
        states.append(None if own is None or under is None else (own, bounds, under))
    return states


def _get_binding_stamps(
    folder: str, bounds: TreeBounds, seen: dict[str, _BindingStamps | None]
) -> _BindingStamps | None:
    """Return the states of all files that a folder's manifests rest on; None where unknown."""
    states: _BindingStamps = ()
    for above in list_defaults_folders(folder, bounds.top):
        if above not in seen:
            seen[above] = _get_folder_stamps(above, bounds)
        found = seen[above]
        if found is None:
            return None
        states += found
    return states


def _get_folder_stamps(folder: str, bounds: TreeBounds) -> _BindingStamps | None:
    try:
        paths = [f"{folder}/{name}" for name in list_binding_files(folder, bounds)]
    except (FileUnreadableError, OutsideTreeError):
        return None
    states = [(path, state) for path in paths if (state := read_stamp(path)) is not None]
    return tuple(states) if len(states) == len(paths) else None


def _is_detectable(state: _ReadState, now: int) -> bool:
    """Whether a change of the file or its defaults, from now on, gives another state."""
    own, _, under = state
    return all(is_settled(one, now) for one in (own, *(each for _, each in under)))


def _can_recover(read: ParsedFile) -> bool:
    """Whether a file, or its defaults, could not be read for a reason that no signature shows."""
    return any(problem.code == Code.NOT_READABLE.code for problem in read.problems)
