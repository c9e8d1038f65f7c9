"""The tree that a path is in: its root, and the fleet file that applies to it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from controller.adapters.host.tree_files import (
    FileUnreadableError,
    OutsideTreeError,
    TreeRoot,
    find_tree_root,
    resolve_path,
)
from controller.core.documents.file_names import FLEET_FILE, FLEET_FILES, is_fleet_file
from controller.core.model import Problem, Source
from controller.core.problems import Code

_CONFIG = "name the file that counts with --config"
_TOO_LONG = os.strerror(errno.ENAMETOOLONG)
_OF_THE_FLEET = frozenset({Code.NESTED_FLEET.code, Code.FLEET_NAME.code})


@dataclass(frozen=True)
class TreeBounds:
    """Which files are read together with a manifest.

    Defaults count up to the folder ``top``, and nothing outside ``root`` is read. ``named`` means
    that --config set the fleet file: no other one counts.
    """

    top: str
    root: TreeRoot
    named: bool = False

    @cached_property
    def _is_whole(self) -> bool:
        return self.root.contains(os.path.realpath(self.top))

    def find_root(self, folder: str) -> TreeRoot:
        """Return the tree for a folder; outside git it may lie above the tree of the given path.

        Raises FileUnreadableError.
        """
        try:
            self.root.resolve_folder(folder)
        except OutsideTreeError:
            return self.root if self._is_whole else TreeRoot.locate(folder)
        return self.root


@dataclass(frozen=True, slots=True)
class PathLocation:
    """Where a path is.

    ``path`` leads there; it differs from the given path only if the fleet file is found through
    this one alone. ``fleet`` is the fleet file. If there are ``problems``, it is unknown which
    rules apply, and nothing may be done below the path.
    """

    path: str
    bounds: TreeBounds
    fleet: str | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def fleet_folder(self) -> str | None:
        """The fleet file's folder without links, which identifies the fleet."""
        return None if self.fleet is None else os.path.realpath(os.path.dirname(self.fleet))


def locate_path(path: str | Path, *, named: bool = False) -> PathLocation:
    """Return the tree that a path is in, with the outermost fleet file on the way to its root.

    The root is the outermost git work tree: a nested repository, such as a submodule, does not end
    the search. Outside git the search ends at the working directory; if there is none there, the
    nearest file above counts. ``named`` means that --config set the file.
    """
    typed = os.fspath(path)
    try:
        found = _locate(typed)
    except FileUnreadableError as error:
        folder = os.path.dirname(os.path.abspath(typed))
        bounds = TreeBounds(folder, TreeRoot(folder))
        found = PathLocation(
            typed, bounds, None, (make_unreadable_problem(error.path, error.text),)
        )
    if not named:
        return found
    kept = tuple(problem for problem in found.problems if problem.code not in _OF_THE_FLEET)
    return replace(found, bounds=replace(found.bounds, named=True), problems=kept)


def find_bounds(path: str | Path) -> TreeBounds:
    """Return which files are read together with a manifest below a path."""
    return locate_path(path).bounds


def get_filesystem_root() -> TreeRoot:
    """Return the whole file system as a tree, for a file that an operator named."""
    # A new one each time, because it caches where folders lead.
    return TreeRoot("/")


def walk_up(folder: str) -> Iterator[str]:
    """Yield an absolute folder and its parents, the nearest first."""
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def make_unreadable_problem(path: str, why: str) -> Problem:
    """Return the problem for a path that may or may not exist."""
    message = f"the file or folder cannot be read: {why}"
    hint = "shorten its path" if why == _TOO_LONG else "check its permissions"
    return Problem(Code.NOT_READABLE.code, message, Source(path), hint)


def make_nested_problem(path: str, governing: str) -> Problem:
    """Return the problem for a second fleet file below the fleet's folder.

    ``governing`` is the topmost folder whose files count.
    """
    if os.path.basename(path) != FLEET_FILE:
        return _make_misspelled_problem(path)
    outer = f"{governing.rstrip('/')}/{FLEET_FILE}"
    if os.path.lexists(outer):
        message = f"a second {FLEET_FILE} below {format_path(outer)}, which alone counts here"
        hint = "delete this file, and write its rules into the outer one"
    else:
        message = "this folder is a fleet of its own, and was given together with others"
        hint = f"run once for this folder alone, or {_CONFIG}"
    return Problem(Code.NESTED_FLEET.code, message, Source(path), hint)


def format_path(path: str) -> str:
    """Return the shorter of a path's absolute and relative form."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(path) else path


def _make_misspelled_problem(path: str) -> Problem:
    message = f"the fleet's file is called {FLEET_FILE}, in exactly these letters"
    return Problem(Code.FLEET_NAME.code, message, Source(path), "rename this file, or delete it")


def _locate(typed: str) -> PathLocation:
    """Locate a path by the name it was given and, if that has links, by its real path."""
    own = os.path.abspath(typed)
    base = "" if os.path.isdir(own) else os.path.basename(own)
    own = os.path.dirname(own) if base else own
    root, real = find_tree_root(typed), resolve_path(own) or os.path.realpath(own)
    found = _search_upward(typed, own, root)
    if not root.contains(real):
        return replace(found, problems=(*found.problems, _make_outside_problem(typed, root)))
    if real == own:
        return found
    other = _search_upward(os.path.join(real, base) if base else real, real, root)
    tops = {os.path.realpath(one.bounds.top) for one in (found, other)}
    if found.fleet is None and len(tops) > 1:
        return other
    if found.fleet is None or other.fleet_folder in {found.fleet_folder, None}:
        return found
    message = f"the path leads through links below {format_path(other.fleet or '')} as well"
    two = Problem(Code.NESTED_FLEET.code, message, Source(found.fleet), f"or {_CONFIG}")
    return replace(found, problems=(*found.problems, two))


def _make_outside_problem(typed: str, root: TreeRoot) -> Problem:
    message = f"a symbolic link in the path leads out of the repository {format_path(root.path)}"
    hint = "give the path of the folder itself, or delete the link"
    return Problem(Code.OUTSIDE_TREE.code, message, Source(typed), hint)


def _search_upward(path: str, own: str, root: TreeRoot) -> PathLocation:
    """Locate a path in the folder ``own``, following these exact names upward."""
    levels, disk = list(walk_up(own)), get_filesystem_root()
    tops = [level for level in levels if disk.exists(f"{level}/.git")]
    end = tops[-1] if tops else _select_end(levels)
    near = levels[: levels.index(end) + 1]
    files = [one for level in near for one in _list_fleet_files(level)]
    if not tops and not _select_well_named(files):
        # Outside git only the nearest file counts: those further up may belong to other projects.
        for level in levels[len(near) :]:
            files += _list_fleet_files(level)
            if _select_well_named(files):
                break
    right = _select_well_named(files)
    wrong = tuple(_make_misspelled_problem(one) for one in files if one not in right)
    fleet = right[-1] if right else None
    top = os.path.dirname(fleet) if fleet else (end if tops else own)
    return PathLocation(path, TreeBounds(top, root), fleet, wrong)


def _select_end(levels: list[str]) -> str:
    """Return the working directory if it is one of the levels, else the outermost level."""
    here = os.getcwd()
    return here if here in levels else levels[-1]


def _select_well_named(files: Iterable[str]) -> list[str]:
    """Return the files that have exactly the fleet file's name."""
    return [one for one in files if os.path.basename(one) == FLEET_FILE]


def _list_fleet_files(folder: str) -> list[str]:
    """Return a folder's files named like the fleet file, in upper or lower case."""
    start = folder.rstrip("/")
    try:
        names = [entry.name for entry in get_filesystem_root().list_folder(folder) or ()]
    except FileUnreadableError as error:
        if error.errno not in {errno.EACCES, errno.EPERM}:
            raise
        # A parent may be searchable but not listable (mode x without r).
        names = [
            name for name in sorted(FLEET_FILES) if get_filesystem_root().exists(f"{start}/{name}")
        ]
    return [f"{start}/{name}" for name in names if is_fleet_file(name)]
