"""The whole tree around the manifests that a verb acts on: all that one fleet's file governs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from controller.adapters.host.tree_bounds import bounds_of
from controller.adapters.manifests.discovery import discover
from controller.adapters.manifests.loader import read_files
from controller.adapters.sidecars.store import Sidecars
from controller.cli.workspace.arguments import Asked
from controller.core.documents.entries import manifest
from controller.core.identity.desired import desire
from controller.core.kinds.registry import KINDS
from controller.core.model import Desired, JobKey, Manifest, Recorded, Tree
from controller.core.planning.claims import Others


def is_narrow(wanted: Asked) -> bool:
    """Whether a verb acts on less than the folders of manifests that its paths lie in."""
    folders = {os.path.realpath(path) for path in wanted.paths}
    return bool(wanted.selector.requirements) or not folders >= set(topmost(wanted))


def topmost(wanted: Asked) -> tuple[str, ...]:
    """Return the folders of manifests that paths lie in, each the topmost below the fleet's."""
    return tuple(sorted({topmost_of(path, wanted.top) for path in wanted.paths}))


def topmost_of(path: Path, top: Path) -> str:
    """Return the topmost folder below the fleet's in which a path lies, or its own folder."""
    folder = path if path.is_dir() else path.parent
    own, above = folder.resolve(), top.resolve()
    if _is_tree_of_its_own(folder, above):
        return str(own)
    inside = own.relative_to(above).parts if own.is_relative_to(above) else ()
    return str(above / inside[0]) if inside else str(own)


def _is_tree_of_its_own(folder: Path, top: Path) -> bool:
    """Whether a link leads to a folder that neither git nor a fleet's file makes a part of more.

    git-sync keeps several copies side by side, and a link to the present one.
    """
    if top.is_relative_to(bounds_of(folder).root.path):
        return False
    above = (folder, *folder.parents)
    return any(one.is_symlink() and one.parent.resolve().is_relative_to(top) for one in above)


def ledger_roots(wanted: Asked) -> tuple[Path, ...]:
    """Return the folders in which an entry of a job may be: its manifest may have been moved.

    Each is spelled as a path is, where that lies below it.
    """
    return tuple(dict.fromkeys(_spelled(path, wanted.top) for path in wanted.paths))


def others_of(wanted: Asked, tree: Tree) -> Others:
    """Return every manifest of the whole tree, of which ``tree`` was read already.

    What cannot be read counts only in the folders of manifests: elsewhere it is none.
    """
    wide = topmost(wanted)
    tops = sorted({bounds_of(path).top for path in wanted.paths} - {os.sep})
    around = [Path(one) for one in dict.fromkeys((*wide, *tops)) if Path(one).exists()]
    found = discover(around, named=wanted.fleet.named)
    known = {os.path.realpath(one.source.path) for one in tree.manifests}
    rest = [at for at, path in enumerate(found.files) if os.path.realpath(path) not in known]
    reads = read_files(found, rest, wanted.fleet)
    further = [manifest(entry) for read in reads for entry in read.entries]
    problems = (*tree.problems, *found.problems, *(one for read in reads for one in read.problems))
    nameless = {one.source.path for one in problems if one.key is None}
    manifests = (*tree.manifests, *further)
    return Others(
        tuple(_desired(manifests, wanted)),
        _recorded(further),
        tuple(sorted(path for path in nameless if _lies_in(path, wide))),
        frozenset(path for path in {one.source.path for one in manifests} if _lies_in(path, wide)),
    )


def _desired(manifests: Iterable[Manifest], wanted: Asked) -> Iterable[Desired]:
    fleet = wanted.fleet
    return (desire(one, KINDS[one.key.kind], fleet.owner, fleet.target) for one in manifests)


def _recorded(manifests: Sequence[Manifest]) -> dict[JobKey, Recorded]:
    sources = {one.key: one.source for one in manifests}
    entries = Sidecars((), KINDS).read(sources) if sources else {}
    return {key: entry for key, entry in entries.items() if key in sources}


def _spelled(path: Path, top: Path) -> Path:
    topmost = topmost_of(path, top)
    return next((one for one in (path, *path.parents) if str(one.resolve()) == topmost), path)


def _lies_in(path: str, folders: Iterable[str]) -> bool:
    real = os.path.realpath(path)
    return any(real == folder or real.startswith(f"{folder}{os.sep}") for folder in folders)
