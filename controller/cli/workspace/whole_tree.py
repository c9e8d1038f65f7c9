"""The whole tree around the selected manifests: everything that one fleet file applies to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from controller.adapters.host.tree_bounds import find_bounds
from controller.adapters.manifests.discovery import discover_files
from controller.adapters.manifests.loader import read_files
from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.workspace.arguments import Arguments
from controller.core.documents.entries import build_manifest
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.model import DesiredJob, JobKey, JobRecord, Manifest, Tree
from controller.core.planning.claims import TreeManifests


def is_narrow(wanted: Arguments) -> bool:
    """Whether a command acts on less than the whole folders of its paths."""
    folders = {os.path.realpath(path) for path in wanted.paths}
    return bool(wanted.selector.requirements) or not folders >= set(list_topmost_folders(wanted))


def list_topmost_folders(wanted: Arguments) -> tuple[str, ...]:
    """Return the topmost folders below the fleet's folder that contain the paths."""
    return tuple(sorted({find_topmost_folder(path, wanted.top) for path in wanted.paths}))


def find_topmost_folder(path: Path, top: Path) -> str:
    """Return the topmost folder below the fleet's that contains a path, or its own folder."""
    folder = path if path.is_dir() else path.parent
    own, above = folder.resolve(), top.resolve()
    if _is_separate_tree(folder, above):
        return str(own)
    inside = own.relative_to(above).parts if own.is_relative_to(above) else ()
    return str(above / inside[0]) if inside else str(own)


def _is_separate_tree(folder: Path, top: Path) -> bool:
    """Whether a link leads to a folder that belongs to no larger repository or fleet.

    git-sync keeps several copies side by side, and a link to the current one.
    """
    if top.is_relative_to(find_bounds(folder).root.path):
        return False
    above = (folder, *folder.parents)
    return any(one.is_symlink() and one.parent.resolve().is_relative_to(top) for one in above)


def list_ledger_roots(wanted: Arguments) -> tuple[Path, ...]:
    """Return the folders that may contain a job's entry: its manifest may have been moved.

    Each is spelled as the argument below it, if there is one.
    """
    return tuple(dict.fromkeys(_match_spelling(path, wanted.top) for path in wanted.paths))


def read_other_manifests(wanted: Arguments, tree: Tree) -> TreeManifests:
    """Return every manifest of the whole tree, of which ``tree`` was already read.

    An unreadable file counts only in the folders of manifests: elsewhere it is no manifest.
    """
    wide = list_topmost_folders(wanted)
    tops = sorted({find_bounds(path).top for path in wanted.paths} - {os.sep})
    around = [Path(one) for one in dict.fromkeys((*wide, *tops)) if Path(one).exists()]
    found = discover_files(around, named=wanted.fleet.named)
    known = {os.path.realpath(one.source.path) for one in tree.manifests}
    # By real path, because a link and its target are one manifest.
    rest = [at for at, path in enumerate(found.files) if os.path.realpath(path) not in known]
    reads = read_files(found, rest, wanted.fleet)
    further = [build_manifest(entry) for read in reads for entry in read.entries]
    problems = (*tree.problems, *found.problems, *(one for read in reads for one in read.problems))
    # An unreadable file may be the manifest of any job.
    nameless = {one.source.path for one in problems if one.key is None}
    manifests = (*tree.manifests, *further)
    return TreeManifests(
        tuple(_derive_all(manifests, wanted)),
        _read_recorded(further),
        tuple(sorted(path for path in nameless if _is_inside(path, wide))),
        frozenset(
            path for path in {one.source.path for one in manifests} if _is_inside(path, wide)
        ),
    )


def _derive_all(manifests: Iterable[Manifest], wanted: Arguments) -> Iterable[DesiredJob]:
    fleet = wanted.fleet
    return (build_desired(one, KINDS[one.key.kind], fleet.owner, fleet.target) for one in manifests)


def _read_recorded(manifests: Sequence[Manifest]) -> dict[JobKey, JobRecord]:
    sources = {one.key: one.source for one in manifests}
    entries = SidecarLedger((), KINDS).read(sources) if sources else {}
    # A read also returns the other entries of the same folders.
    return {key: entry for key, entry in entries.items() if key in sources}


def _match_spelling(path: Path, top: Path) -> Path:
    topmost = find_topmost_folder(path, top)
    return next((one for one in (path, *path.parents) if str(one.resolve()) == topmost), path)


def _is_inside(path: str, folders: Iterable[str]) -> bool:
    real = os.path.realpath(path)
    return any(real == folder or real.startswith(f"{folder}{os.sep}") for folder in folders)
