"""The tree of manifests read again and again: only what has changed is opened."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from controller.adapters.defaults import chain
from controller.adapters.discovery import Found, discover
from controller.adapters.documents import FileRead
from controller.adapters.manifests import assembled, read_files, uncollected
from controller.adapters.signatures import Signature, is_settled, signature
from controller.core.entries import Entry, manifest
from controller.core.fleet import Fleet
from controller.core.model import Manifest, Tree
from controller.core.problems import Code

_NO_RULES = Fleet()


_State = tuple[Signature, str, tuple[Signature | None, ...]]
"""What a file's reading depends on: itself, its top, and the defaults that it rests on."""


class TreeReader:
    """Reads one tree for as long as the process lives; for one thread at a time.

    ``reread`` counts the files that the last read opened. A manifest that has not changed is the
    same object as in the read before. ``clock`` gives nanoseconds since 1970, by which files are
    told from those that have just been written.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._fleet = _NO_RULES
        self._known: dict[str, tuple[_State, FileRead]] = {}
        self._manifests: dict[int, tuple[Entry, Manifest]] = {}
        self.reread = 0

    def read(self, paths: Sequence[Path], fleet: Fleet = _NO_RULES) -> Tree:
        """Return what ``manifests.load`` returns for the files as they are now.

        Raises PathMissingError for a path that does not exist.
        """
        if fleet != self._fleet:
            self._known.clear()
            self._fleet = fleet
        with uncollected():
            found = discover(paths)
            scan = assembled(found, self._reads(found), fleet)
            made = tuple(map(self._manifest, scan.entries))
        self._manifests = {
            id(one): (one, each) for one, each in zip(scan.entries, made, strict=True)
        }
        return Tree(made, scan.problems, scan.files)

    def _reads(self, found: Found) -> list[FileRead]:
        """Return what each file holds: as it was known, or read now."""
        # The time comes before the states, and they before the bytes: a change in between shows.
        now = self._clock()
        states = _states(found)
        known, self._known = self._known, {}
        reads, stale = [FileRead()] * len(states), []
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
            if state is not None and _will_show(state, now) and not _may_heal(read):
                self._known[found.files[index]] = (state, read)
        return reads

    def _manifest(self, entry: Entry) -> Manifest:
        held = self._manifests.get(id(entry))
        return held[1] if held is not None and held[0] is entry else manifest(entry)


def _states(found: Found) -> list[_State | None]:
    """Return the state of each file; None for one that cannot be seen any more."""
    seen: dict[str, Signature | None] = {}
    layers: dict[tuple[str, str], tuple[Signature | None, ...]] = {}
    states: list[_State | None] = []
    for path, top in zip(found.files, found.tops, strict=True):
        place = (os.path.dirname(path), top)
        if place not in layers:
            layers[place] = _under(*place, seen)
        own = signature(path)
        states.append(None if own is None else (own, top, layers[place]))
    return states


def _under(
    folder: str, top: str, seen: dict[str, Signature | None]
) -> tuple[Signature | None, ...]:
    paths = list(chain(folder, top))
    for path in paths:
        if path not in seen:
            seen[path] = signature(path)
    return tuple(seen[path] for path in paths)


def _will_show(state: _State, now: int) -> bool:
    """Whether a change of the file or its defaults, from now on, gives another state."""
    own, _, under = state
    return all(is_settled(one, now) for one in (own, *under) if one is not None)


def _may_heal(read: FileRead) -> bool:
    """Whether a file, or its defaults, could not be read for a reason that no signature shows."""
    return any(problem.code == Code.NOT_READABLE.code for problem in read.problems)
