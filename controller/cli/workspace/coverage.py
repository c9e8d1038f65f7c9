"""Coverage: how much of the tree a command sees, and so which manifests are known to be gone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from controller.adapters.host.tree_bounds import find_bounds
from controller.adapters.manifests.discovery import discover_files
from controller.adapters.manifests.loader import read_files, scan
from controller.adapters.manifests.unread_files import find_unread
from controller.adapters.sidecars.paths import get_sidecar_path
from controller.cli.workspace.arguments import Arguments
from controller.cli.workspace.whole_tree import find_topmost_folder
from controller.core.documents.file_names import is_defaults, is_manifest
from controller.core.fleet import Fleet
from controller.core.kinds.registry import KINDS
from controller.core.model import JobKey, Manifest, Problem, Tree
from controller.core.planning.orphaned_entries import ManifestIndex
from controller.core.planning.rules_removed import CleanupOptions
from controller.core.severity import filter_errors
from controller.engine.garbage import Coverage

_WHOLE_FOLDER_OPTIONS = {"prune": "--prune", "gc": "--gc", "orphans": "--orphans"}


def compute_coverage(wanted: Arguments, tree: Tree) -> Coverage | None:
    """Return the coverage of a tree, or None if it does not show which manifests are gone.

    A selector and paths of single files cover a part of the manifests, and with a broken fleet file
    it is unknown what applies.
    """
    folders = [path for path in wanted.paths if path.is_dir()]
    if filter_errors(wanted.problems) or wanted.selector.requirements or not folders:
        return None
    names = ((one.key, _get_job_name(one)) for one in tree.manifests)
    here = _build_census(folders, names, tree.problems)
    around = sorted({find_topmost_folder(folder, wanted.top) for folder in folders})
    # If the arguments are the topmost folders, everything was already read.
    known = here if set(around) == set(here.folders) else None
    return Coverage(here, partial(_read_around, known, [Path(path) for path in around], wanted))


def check_whole_folders(wanted: Arguments, given: dict[str, Any]) -> None:
    """Raise a usage error for options that need whole folders if only parts are read."""
    asked = next(
        (option for name, option in _WHOLE_FOLDER_OPTIONS.items() if given.get(name)), None
    )
    if given.get("force") and not given.get("prune"):
        raise click.UsageError("--force needs --prune: add that too, or remove --force")
    if asked is None:
        return
    if wanted.selector.requirements:
        raise click.UsageError(
            f"{asked} cannot be combined with -l: the labels of removed manifests are unknown. "
            "Remove one of them"
        )
    single = next((path for path in wanted.paths if not path.is_dir()), None)
    if single is not None:
        raise click.UsageError(
            f"{asked} needs whole folders, and {single} is one file: name its folder"
        )


def check_file_names(paths: Iterable[Path]) -> None:
    """Raise a usage error for a file that a pass over its folder would not read.

    To that pass its job would have no manifest.
    """
    for path in paths:
        if path.is_file() and not is_manifest(path.name) and not is_defaults(path.name):
            raise click.UsageError(
                f"{path} is not a name that a pass over its folder reads: manifests end in .yaml, "
                ".yml or .json and do not begin with . or _. Rename the file"
            )


def parse_cleanup_options(given: dict[str, Any]) -> CleanupOptions:
    """Return what a pass may do about jobs whose manifest is gone."""
    names = ("prune", "force", "gc")
    return CleanupOptions(*(bool(given.get(name)) for name in names))


def _read_around(
    known: ManifestIndex | None, paths: Sequence[Path], wanted: Arguments
) -> ManifestIndex:
    """Return the manifests of whole folders, if not known yet, and those that exist elsewhere.

    The latter lie outside the folders, exist only in git, or have names that passes ignore.
    """
    census = known or _scan_folders(paths, wanted.fleet)
    # Without an owner nothing is pruned, so the folder need not be searched.
    if not wanted.fleet.owner:
        return census
    exists = find_unread(paths, wanted.fleet)
    troubled = census.unreadable_paths | exists.unknown
    beside = _find_keys_around(paths, wanted.fleet) | exists.keys
    return replace(census, keys_elsewhere=beside, unreadable_paths=troubled)


def _find_keys_around(paths: Sequence[Path], fleet: Fleet) -> frozenset[JobKey]:
    """Return the keys of the manifests around some folders, in the fleet's or the repository's.

    A file may have been moved there. Other files there are no manifests, and their problems do not
    matter.
    """
    # Outside a repository the bound is the root of the disk, which is not searched.
    tops = sorted({find_bounds(path).top for path in paths} - {os.sep})
    found = discover_files(map(Path, tops), named=fleet.named)
    # With the separator, so that jobs does not contain jobs-old.
    inside = tuple(f"{path.resolve()}{os.sep}" for path in paths)
    others = [
        position
        for position, path in enumerate(found.files)
        if not os.path.realpath(path).startswith(inside)
    ]
    reads = read_files(found, others, fleet, specs=False)
    return frozenset(entry.key for read in reads for entry in read.entries)


def _scan_folders(paths: Sequence[Path], fleet: Fleet) -> ManifestIndex:
    found = scan(paths, fleet, specs=False)
    names = ((entry.key, entry.job_name) for entry in found.entries)
    return _build_census(paths, names, found.problems)


def _get_job_name(manifest: Manifest) -> str:
    member = KINDS[manifest.key.kind].name_member
    # A spec may omit the job's name, which then is the manifest's.
    return str((manifest.spec or {}).get(member, manifest.key.name))


def _build_census(
    folders: Iterable[Path], names: Iterable[tuple[JobKey, str]], problems: Sequence[Problem]
) -> ManifestIndex:
    """Return what was found, with the real paths that have errors.

    Each counts both as a folder and as a manifest, by its sidecar: it may be unknown which it is.
    """
    wrong = filter_errors(problems)
    troubled = {os.path.realpath(problem.source.path) for problem in wrong}
    found = dict(names)
    return ManifestIndex(
        tuple(sorted(os.path.realpath(folder) for folder in folders)),
        frozenset(found),
        frozenset((key.kind, name) for key, name in found.items()),
        frozenset(troubled).union(map(get_sidecar_path, troubled)),
        len(wrong),
    )
