"""The desired state of a tree, which the daemon reads again after every change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from controller.adapters.git.command import GitError
from controller.adapters.git.work_trees import find_changed_since_head
from controller.adapters.host.clock import get_monotonic_time
from controller.adapters.host.tree_bounds import locate_path
from controller.adapters.manifests.defaults import find_binding_paths
from controller.adapters.manifests.discovery import PathMissingError
from controller.adapters.manifests.incremental_loader import IncrementalLoader
from controller.adapters.watch.shared_files import FileStates, SharedFiles, UnsettledFiles
from controller.cli.workspace.arguments import Arguments, parse_arguments
from controller.cli.workspace.coverage import check_file_names, compute_coverage
from controller.cli.workspace.loading import derive_desired, set_max_submits
from controller.cli.workspace.whole_tree import is_narrow, read_other_manifests
from controller.core.documents.file_names import FLEET_FILE
from controller.core.fleet import Fleet
from controller.core.model import DesiredJob, JobKey, Manifest, Tree
from controller.core.planning.claims import TreeManifests
from controller.core.severity import filter_errors
from controller.core.sharding import Shard
from controller.daemon.work_queue import DesiredState
from controller.engine.garbage import Coverage

RETRY_SECONDS = 0.05
"""Seconds after which a tree that changed while it was read is read again."""


class ManifestReader:
    """Reads the manifests under some paths, and their fleet file, for one thread at a time.

    Unchanged jobs stay the same objects. A file that manifests depend on counts as removed after
    ``interval`` seconds, by ``now``; until then these manifests keep their meaning.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        given: dict[str, Any],
        shard: Shard,
        interval: float = 0.0,
        now: Callable[[], float] = get_monotonic_time,
    ) -> None:
        self._paths = tuple(paths)
        self._given = given
        self._shard = shard
        self._shared = SharedFiles(interval, now)
        self._last: DesiredState | None = None
        self.files: frozenset[str] = frozenset()
        self._rules: tuple[Fleet, str] = (Fleet(), "")
        self._known: dict[JobKey, tuple[Manifest, DesiredJob]] = {}
        self._reader = IncrementalLoader()
        self._whole: tuple[Arguments, Tree] | None = None

    def renew(self) -> None:
        """Forget everything that was read."""
        self._reader = IncrementalLoader()
        self._known.clear()

    def read(self, stale: Iterable[str] = ()) -> DesiredState:
        """Return the desired state of this shard, or in it why it cannot be read.

        ``stale`` are the tops of work trees with a stale git lock: there only files that equal HEAD
        count.
        """
        # Equal states before and after the read show that nothing changed in between.
        before = self._shared.get_states()
        try:
            wanted = parse_arguments(self._paths, self._given)
            check_file_names(wanted.paths)
            wrong = filter_errors(wanted.problems)
            if wrong and not self._shared.track_missing(before).is_all:
                places = (f"{problem.source}: {problem.code}" for problem in wrong)
                return DesiredState(broken=f"its fleet's file has problems: {', '.join(places)}")
            tree = self._reader.read(wanted.paths, wanted.fleet)
            self.files = _list_files(tree)
            held = self._find_held(before, stale)
        except click.UsageError as error:
            return DesiredState(broken=error.message)
        except (PathMissingError, GitError, OSError) as error:
            return DesiredState(broken=str(error))
        if held is None:
            return DesiredState(
                unsettled="a file that manifests depend on changed during the read",
                reread_after=RETRY_SECONDS,
            )
        if held.is_all:
            return self._repeat_last(held)
        self._whole, self._last = (wanted, tree), self._build_intake(wanted, tree, held)
        return self._last

    def _find_held(self, before: FileStates, stale: Iterable[str]) -> UnsettledFiles | None:
        """Return the files that keep their meaning; None if the files changed during the read."""
        after = self._shared.get_states()
        if after != before:
            return None
        gone = self._shared.track_missing(after).files
        self._shared.note(self.files)
        asked_of = self.files.union(self._shared.paths)
        return UnsettledFiles(
            gone.union(*(find_changed_since_head(top, asked_of) for top in stale))
        )

    def _repeat_last(self, held: UnsettledFiles) -> DesiredState:
        """Return the desired state from before the rules were removed."""
        again = self._shared.get_remaining()
        if self._last is not None:
            return replace(self._last, coverage=_get_unknown_coverage, reread_after=again)
        rules = ", ".join(sorted(held.files))
        return DesiredState(
            unsettled=f"the fleet's rules are not as committed: {rules}", reread_after=again
        )

    @property
    def is_narrow(self) -> bool:
        """Whether the daemon handles less than the whole folders of its paths."""
        return self._whole is not None and is_narrow(self._whole[0])

    def read_others(self) -> TreeManifests:
        """Return every manifest of the whole tree, also those of other shards and labels."""
        return read_other_manifests(*self._whole) if self._whole is not None else TreeManifests()

    def list_watched_paths(self) -> tuple[Path, ...]:
        """Return the paths to watch: manifests, and the files that apply to them.

        Some of these need not exist yet.
        """
        wanted = parse_arguments(self._paths, self._given)
        found = dict.fromkeys(wanted.paths)
        for path in wanted.paths:
            folder = path if path.is_dir() else path.parent
            ground = locate_path(path)
            found |= dict.fromkeys(map(Path, find_binding_paths(str(folder), ground.bounds)))
            found[self._given["config"] or Path(ground.bounds.top) / FLEET_FILE] = None
        return tuple(found)

    def _build_intake(self, wanted: Arguments, tree: Tree, held: UnsettledFiles) -> DesiredState:
        fleet = set_max_submits(wanted.fleet, self._given.get("max_submits"))
        top = str(wanted.top.absolute()) if fleet.stamp_tags else ""
        # Owner, target and tags of the fleet are part of every desired job.
        if (fleet, top) != self._rules:
            self._known.clear()
            self._rules = fleet, top
        known, self._known = self._known, {}
        chosen = [one for one in tree.manifests if wanted.selector.is_match(one.labels)]
        for manifest in chosen:
            last = known.get(manifest.key)
            # A file that it depends on is missing for the moment: the job keeps its meaning.
            if held.files and held.is_affected(manifest.source.path):
                if last is not None:
                    self._known[manifest.key] = last
                continue
            same = last is not None and last[0] is manifest
            # Deriving a job hashes its spec, of which unchanged manifests have no need.
            job = last[1] if last and same else derive_desired(manifest, fleet, top)
            self._known[manifest.key] = (manifest, job)
        left_out = {one.key for one in tree.manifests} - self._known.keys()
        is_whole = not self._shard.index and not held.files
        return DesiredState(
            fleet,
            {
                key: job
                for key, (_, job) in self._known.items()
                if self._shard.has_target(job.target)
            },
            tuple(one for one in tree.problems if one.key not in left_out),
            # Jobs without a manifest are in no shard, so the first one handles them.
            coverage=partial(compute_coverage, wanted, tree) if is_whole else _get_unknown_coverage,
            reread_after=self._shared.get_remaining(),
        )


def _list_files(tree: Tree) -> frozenset[str]:
    manifests = (one.source.path for one in tree.manifests)
    return frozenset(manifests).union(one.source.path for one in tree.problems)


def _get_unknown_coverage() -> Coverage | None:
    return None
