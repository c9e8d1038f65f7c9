"""Files that count for a folder's manifests, which git holds and the work tree lacks.

Checking out a part of a repository, or moving a file away for a moment, is no decision that its
rules and defaults no longer count. What rests on such a file is invalid until it is back, or until
its removal is committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from controller.adapters.git import OFFLINE, READING, Git, GitError
from controller.adapters.grounds import shown
from controller.adapters.tree_files import FileUnreadableError, OutsideTreeError, TreeRoot
from controller.core.entries import Entry
from controller.core.file_names import BINDING, is_fleet_file
from controller.core.model import Problem, Source
from controller.core.problems import Code

_REPOSITORY = ".git"
_PATTERNS = tuple(f":(top,icase,glob)**/{name}" for name in sorted(BINDING))


def lost_files(roots: Iterable[TreeRoot]) -> tuple[str, ...]:
    """Return the paths of lost files below the roots of git work trees, without links, sorted.

    The index and HEAD are asked by one git process for each root. Where git does not answer, what
    is on disk counts: a checkout that belongs to another user must not bar everybody.
    """
    tops = {root.path for root in roots}
    return tuple(sorted(path for top in tops for path in _lost_below(TreeRoot(top))))


def problems_of_lost(
    entries: Iterable[Entry], lost: Iterable[str], *, named: bool
) -> Mapping[int, tuple[Problem, ...]]:
    """Return, by the positions of the entries that rest on lost files, the problems of these.

    With ``named`` the fleet's file was named with --config, and no other one counts.
    """
    counting = [path for path in lost if not (named and is_fleet_file(Path(path).name))]
    if not counting:
        return {}
    found = {}
    for index, entry in enumerate(entries):
        folder = Path(entry.path).parent.resolve()
        above = [path for path in counting if folder.is_relative_to(Path(path).parent)]
        if above:
            found[index] = tuple(map(_problem, above))
    return found


def _lost_below(root: TreeRoot) -> Iterator[str]:
    for name in _held_by_git(root):
        path = f"{root.path}/{name}"
        try:
            is_there = root.exists(path)
        except (FileUnreadableError, OutsideTreeError):
            continue  # reported where it is read
        if not is_there:
            yield path


def _held_by_git(root: TreeRoot) -> list[str]:
    try:
        if not root.exists(f"{root.path}/{_REPOSITORY}"):
            return []
    except FileUnreadableError:
        return []
    git = Git(Path(root.path), settings=READING, environment=OFFLINE)
    for source in (("--with-tree=HEAD",), ()):
        try:
            listed = git.read("ls-files", *source, "-z", "--", *_PATTERNS)
        except GitError:
            continue  # there may be no commit yet
        return sorted({os.fsdecode(one) for one in listed.split(b"\0") if one})
    return []


def _problem(path: str) -> Problem:
    message = "git holds this file, and it is not on disk: what it says would not count"
    hint = f"restore it (git restore {shown(path)}), or commit its removal"
    return Problem(Code.NOT_ON_DISK.code, message, Source(shown(path)), hint)
