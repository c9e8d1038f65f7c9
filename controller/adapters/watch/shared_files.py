"""The files that manifests rest on, as a daemon sees them come and go."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from controller.adapters.git.work_trees import FileState, get_file_state
from controller.adapters.host.tree_bounds import walk_up
from controller.adapters.watch.snapshots import list_binding_names
from controller.core.documents.file_names import FLEET_FILE, is_binding

FileStates = Mapping[str, FileState | None]
"""The state of each file that manifests rest on, None for one that is gone."""


@dataclass(frozen=True, slots=True)
class UnsettledFiles:
    """What keeps the meaning that it had: some files, and all below the folders of others."""

    files: frozenset[str] = frozenset()

    @property
    def is_all(self) -> bool:
        """Whether the rules for the whole tree are not known."""
        return any(os.path.basename(path) == FLEET_FILE for path in self.files)

    def is_affected(self, path: str) -> bool:
        """Whether a manifest's file is one of these, or rests on one."""
        own = os.path.abspath(path)
        if own in self.files:
            return True
        folders = {os.path.dirname(one) for one in self.files if is_binding(os.path.basename(one))}
        return not folders.isdisjoint(walk_up(os.path.dirname(own)))


class SharedFiles:
    """The defaults and fleet files that manifests rest on, and since when some are gone.

    One that is moved away and back, or replaced by a tool that deletes first, is gone for a
    moment: that counts after ``interval`` seconds only, as the disappearance of a manifest does.
    """

    def __init__(self, interval: float, now: Callable[[], float]) -> None:
        self._interval = interval
        self._now = now
        self._gone_since: dict[str, float | None] = {}

    @property
    def paths(self) -> Collection[str]:
        """The files that manifests rested on when they were last read, by absolute paths."""
        return tuple(self._gone_since)

    def get_states(self) -> FileStates:
        """Return the present state of each."""
        return {path: get_file_state(path) for path in self._gone_since}

    def track_missing(self, states: FileStates) -> UnsettledFiles:
        """Return those that have not been gone long enough to count; older ones are forgotten."""
        now = self._now()
        for path, state in states.items():
            since = self._gone_since[path]
            self._gone_since[path] = None if state is not None else now if since is None else since
        late = [
            path
            for path, since in self._gone_since.items()
            if since is not None and now - since >= self._interval
        ]
        for path in late:
            del self._gone_since[path]
        return UnsettledFiles(
            frozenset(path for path, since in self._gone_since.items() if since is not None)
        )

    def get_remaining(self) -> float:
        """Return after how many seconds the first of those that are gone counts; may be inf."""
        now = self._now()
        waits = (since for since in self._gone_since.values() if since is not None)
        return min((since + self._interval - now for since in waits), default=math.inf)

    def note(self, files: Iterable[str]) -> None:
        """Take in what the manifests of these files rest on now."""
        seen: set[str] = set()
        for start in set(map(os.path.dirname, map(os.path.abspath, files))):
            for folder in walk_up(start):
                if folder in seen:
                    break
                seen.add(folder)
                for path in (f"{folder}/{name}" for name in list_binding_names(folder)):
                    if path not in self._gone_since and get_file_state(path) is not None:
                        self._gone_since[path] = None
