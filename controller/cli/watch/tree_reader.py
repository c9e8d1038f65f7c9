"""What a tree asks for, read again and again by the daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from controller.adapters.git.command import GitError
from controller.adapters.git.work_trees import changed_since_head
from controller.adapters.host.clock import steady
from controller.adapters.host.tree_bounds import ground_of
from controller.adapters.manifests.defaults import bound_by
from controller.adapters.manifests.discovery import PathMissingError
from controller.adapters.manifests.incremental_loader import TreeReader
from controller.adapters.watch.shared_files import Held, SharedFiles, States
from controller.cli.workspace.arguments import Asked, asked
from controller.cli.workspace.coverage import check_read, coverage_of
from controller.cli.workspace.loading import desired_by, limited
from controller.cli.workspace.whole_tree import is_narrow, others_of
from controller.core.documents.file_names import FLEET_FILE
from controller.core.fleet import Fleet
from controller.core.model import Desired, JobKey, Manifest, Tree
from controller.core.planning.claims import Others
from controller.core.severity import errors
from controller.core.sharding import Shard
from controller.daemon.work_queue import Intake
from controller.engine.garbage import Coverage

SOON = 0.05
"""Seconds after which a tree that changed while it was read is read again."""


class Reading:
    """Reads the manifests under some paths, and their fleet's file, for one thread at a time.

    What stays as it was stays the same object. A file that manifests rest on counts as gone after
    ``interval`` seconds, measured by ``now``; until then these manifests mean what they meant.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        given: dict[str, Any],
        shard: Shard,
        interval: float = 0.0,
        now: Callable[[], float] = steady,
    ) -> None:
        self._paths = tuple(paths)
        self._given = given
        self._shard = shard
        self._shared = SharedFiles(interval, now)
        self._last: Intake | None = None
        self.files: frozenset[str] = frozenset()
        self._rules: tuple[Fleet, str] = (Fleet(), "")
        self._known: dict[JobKey, tuple[Manifest, Desired]] = {}
        self._reader = TreeReader()
        self._whole: tuple[Asked, Tree] | None = None

    def renew(self) -> None:
        """Know nothing any more."""
        self._reader = TreeReader()
        self._known.clear()

    def read(self, stale: Iterable[str] = ()) -> Intake:
        """Return what the tree asks of this shard now; what hinders that is told in the answer.

        ``stale`` are the tops of work trees in which git left its lock behind: of these counts
        what equals their HEAD.
        """
        before = self._shared.states()
        try:
            wanted = asked(self._paths, self._given)
            check_read(wanted.paths)
            wrong = errors(wanted.problems)
            if wrong and not self._shared.gone(before).is_all:
                told = (f"{problem.source}: {problem.code}" for problem in wrong)
                return Intake(broken=f"its fleet's file has problems: {', '.join(told)}")
            tree = self._reader.read(wanted.paths, wanted.fleet)
            self.files = _files_of(tree)
            held = self._held(before, stale)
        except click.UsageError as error:
            return Intake(broken=error.message)
        except (PathMissingError, GitError, OSError) as error:
            return Intake(broken=str(error))
        if held is None:
            return Intake(unsettled="a file that manifests rest on changed meanwhile", again=SOON)
        if held.is_all:
            return self._still(held)
        self._whole, self._last = (wanted, tree), self._intake(wanted, tree, held)
        return self._last

    def _held(self, before: States, stale: Iterable[str]) -> Held | None:
        """Return what keeps its meaning; None where the files were read between two states."""
        after = self._shared.states()
        if after != before:
            return None
        gone = self._shared.gone(after).files
        self._shared.note(self.files)
        asked_of = self.files.union(self._shared.paths)
        return Held(gone.union(*(changed_since_head(top, asked_of) for top in stale)))

    def _still(self, held: Held) -> Intake:
        """Return what was wanted before the rules went away."""
        again = self._shared.remaining()
        if self._last is not None:
            return replace(self._last, coverage=_unknown, again=again)
        rules = ", ".join(sorted(held.files))
        return Intake(unsettled=f"the fleet's rules are not as committed: {rules}", again=again)

    @property
    def is_narrow(self) -> bool:
        """Whether the daemon works on less than the folders of manifests that its paths lie in."""
        return self._whole is not None and is_narrow(self._whole[0])

    def others(self) -> Others:
        """Return every manifest of the whole tree, also those of other shards and labels."""
        return others_of(*self._whole) if self._whole is not None else Others()

    def watched(self) -> tuple[Path, ...]:
        """Return the paths that matter: the manifests', and the files beside them that bind them.

        Some of these need not exist yet.
        """
        wanted = asked(self._paths, self._given)
        found = dict.fromkeys(wanted.paths)
        for path in wanted.paths:
            folder = path if path.is_dir() else path.parent
            ground = ground_of(path)
            found |= dict.fromkeys(map(Path, bound_by(str(folder), ground.bounds)))
            found[self._given["config"] or Path(ground.bounds.top) / FLEET_FILE] = None
        return tuple(found)

    def _intake(self, wanted: Asked, tree: Tree, held: Held) -> Intake:
        fleet = limited(wanted.fleet, self._given.get("max_submits"))
        top = str(wanted.top.absolute()) if fleet.stamp_tags else ""
        if (fleet, top) != self._rules:
            self._known.clear()
            self._rules = fleet, top
        known, self._known = self._known, {}
        chosen = [one for one in tree.manifests if wanted.selector.selects(one.labels)]
        for manifest in chosen:
            last = known.get(manifest.key)
            if held.files and held.holds(manifest.source.path):
                if last is not None:
                    self._known[manifest.key] = last
                continue
            same = last is not None and last[0] is manifest
            job = last[1] if last and same else desired_by(manifest, fleet, top)
            self._known[manifest.key] = (manifest, job)
        left_out = {one.key for one in tree.manifests} - self._known.keys()
        is_whole = not self._shard.index and not held.files
        return Intake(
            fleet,
            {key: job for key, (_, job) in self._known.items() if self._shard.holds(job.target)},
            tuple(one for one in tree.problems if one.key not in left_out),
            # Jobs without a manifest are in no shard, and the first one sees to them.
            coverage=partial(coverage_of, wanted, tree) if is_whole else _unknown,
            again=self._shared.remaining(),
        )


def _files_of(tree: Tree) -> frozenset[str]:
    manifests = (one.source.path for one in tree.manifests)
    return frozenset(manifests).union(one.source.path for one in tree.problems)


def _unknown() -> Coverage | None:
    return None
