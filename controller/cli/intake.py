"""What a tree asks for, read again and again by the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from controller.adapters.defaults import chain
from controller.adapters.discovery import FLEET_FILE, PathMissingError, top_of
from controller.adapters.fleet_file import fleet_path
from controller.adapters.rereading import TreeReader
from controller.cli.asked import Asked, asked
from controller.cli.covering import coverage_of
from controller.cli.wiring import desired_by, limited
from controller.core.fleet import Fleet
from controller.core.model import Desired, JobKey, Manifest, Tree
from controller.core.sharding import Shard
from controller.removing import Coverage
from controller.roster import Intake


class Reading:
    """Reads the manifests under some paths, and their fleet's file, for one thread at a time.

    What stays as it was stays the same object.
    """

    def __init__(self, paths: Sequence[Path], given: dict[str, Any], shard: Shard) -> None:
        self._paths = tuple(paths)
        self._given = given
        self._shard = shard
        self._rules: tuple[Fleet, str] = (Fleet(), "")
        self._known: dict[JobKey, tuple[Manifest, Desired]] = {}
        self._reader = TreeReader()

    def renew(self) -> None:
        """Know nothing any more."""
        self._reader = TreeReader()
        self._known.clear()

    def read(self) -> Intake:
        """Return what the tree asks of this shard now; what hinders that is told in the answer."""
        try:
            wanted = asked(self._paths, self._given)
            if wanted.problems:
                told = (f"{problem.source}: {problem.code}" for problem in wanted.problems)
                return Intake(broken=f"its fleet's file has problems: {', '.join(told)}")
            tree = self._reader.read(wanted.paths, wanted.fleet)
            return self._intake(wanted, tree)
        except click.UsageError as error:
            return Intake(broken=error.message)
        except (PathMissingError, OSError) as error:
            return Intake(broken=str(error))

    def watched(self) -> tuple[Path, ...]:
        """Return the paths that matter: the manifests', and the files beside them that bind them.

        Some of these need not exist yet.
        """
        wanted = asked(self._paths, self._given)
        found = dict.fromkeys(wanted.paths)
        for path in wanted.paths:
            folder = path if path.is_dir() else path.parent
            top = top_of(str(path))
            layers = map(Path, chain(str(folder.absolute()), top))
            found |= dict.fromkeys(layer for layer in layers if layer.exists())
            own = self._given["config"] or fleet_path(path) or Path(top) / FLEET_FILE
            found[own] = None
        return tuple(found)

    def _intake(self, wanted: Asked, tree: Tree) -> Intake:
        fleet = limited(wanted.fleet, self._given.get("max_submits"))
        top = str(wanted.top.absolute()) if fleet.stamp_tags else ""
        if (fleet, top) != self._rules:
            self._known.clear()
            self._rules = fleet, top
        known, self._known = self._known, {}
        chosen = [one for one in tree.manifests if wanted.selector.selects(one.labels)]
        for manifest in chosen:
            held = known.get(manifest.key)
            same = held is not None and held[0] is manifest
            job = held[1] if held and same else desired_by(manifest, fleet, top)
            self._known[manifest.key] = (manifest, job)
        left_out = {one.key for one in tree.manifests} - self._known.keys()
        return Intake(
            fleet,
            {
                key: job
                for key, (_, job) in self._known.items()
                if self._shard.holds(job.target, key)
            },
            tuple(one for one in tree.problems if one.key not in left_out),
            # Jobs without a manifest are in no shard, and the first one sees to them.
            coverage=partial(coverage_of, wanted, tree) if not self._shard.index else _unknown,
        )


def _unknown() -> Coverage | None:
    return None
