"""Files that count for a folder's manifests, which git holds and the work tree lacks.

Checking out a part of a repository, or moving a file away for a moment, is no decision that its
rules and defaults no longer count. What rests on such a file is invalid until it is back, or until
its removal is committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controller.adapters.git.command import (
    OFFLINE_VARIABLES,
    READ_ONLY_SETTINGS,
    Git,
    GitError,
    NoAnswerError,
    explain_output,
)
from controller.adapters.host.tree_bounds import format_path
from controller.adapters.host.tree_files import FileUnreadableError, OutsideTreeError, TreeRoot
from controller.core.documents.entries import ManifestDocument
from controller.core.documents.file_names import BINDING, is_fleet_file
from controller.core.model import Problem, Source
from controller.core.problems import Code

_REPOSITORY = ".git"
_PATTERNS = tuple(f":(top,icase,glob)**/{name}" for name in sorted(BINDING))
_UNUSABLE_REPOSITORY = re.compile(
    "not a git repository|dubious ownership|must be run in a work tree|cannot use bare repository"
    "|unknown repository extension|expected git repo version",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class MissingFiles:
    """What git holds of the files that manifests rest on, and the work tree lacks.

    ``files`` are paths without links, sorted. ``unanswered`` has, by the top folder of a work tree
    about which git did not answer, why.
    """

    files: tuple[str, ...] = ()
    unanswered: Mapping[str, str] = field(default_factory=dict)


def find_missing_files(roots: Iterable[TreeRoot]) -> MissingFiles:
    """Return what is lost below the roots of git work trees.

    The index and HEAD are asked by one git process for each root. Where there is no git, or its
    repository is none for us, what is on disk counts: a checkout that belongs to another user must
    not bar everybody.
    """
    files: list[str] = []
    unanswered = {}
    for top in {root.path for root in roots}:
        try:
            files += _find_missing_below(TreeRoot(top))
        except GitError as error:
            unanswered[top] = str(error)
    return MissingFiles(tuple(sorted(files)), unanswered)


def find_missing_problems(
    entries: Iterable[ManifestDocument], lost: MissingFiles, *, named: bool
) -> Mapping[int, tuple[Problem, ...]]:
    """Return, by the positions of the entries that rest on lost files, the problems of these.

    With ``named`` the fleet's file was named with --config, and no other one counts.
    """
    files = [path for path in lost.files if not (named and is_fleet_file(Path(path).name))]
    counting = [
        *((Path(path).parent, _make_missing_problem(path)) for path in files),
        *(
            (Path(top), _make_unknown_problem(top, why))
            for top, why in sorted(lost.unanswered.items())
        ),
    ]
    if not counting:
        return {}
    found = {}
    for index, entry in enumerate(entries):
        folder = Path(entry.path).parent.resolve()
        above = [problem for place, problem in counting if folder.is_relative_to(place)]
        if above:
            found[index] = tuple(above)
    return found


def _find_missing_below(root: TreeRoot) -> Iterator[str]:
    for name in _list_git_files(root):
        path = f"{root.path}/{name}"
        try:
            is_there = root.exists(path)
        except (FileUnreadableError, OutsideTreeError):
            continue  # reported where it is read
        if not is_there:
            yield path


def _list_git_files(root: TreeRoot) -> list[str]:
    try:
        if not root.exists(f"{root.path}/{_REPOSITORY}"):
            return []
    except FileUnreadableError:
        return []
    git = Git(Path(root.path), settings=READ_ONLY_SETTINGS, environment=OFFLINE_VARIABLES)
    said = b""
    for source in (("--with-tree=HEAD",), ()):
        try:
            code, listed, said = git.run_unchecked("ls-files", *source, "-z", "--", *_PATTERNS)
        except NoAnswerError:
            raise
        except GitError:
            return []  # there is no git here
        if code == 0:
            return sorted({os.fsdecode(one) for one in listed.split(b"\0") if one})
        # There may be no commit yet: then the index alone counts.
    if _UNUSABLE_REPOSITORY.search(os.fsdecode(said)):
        return []
    raise GitError(explain_output(said))


def _make_missing_problem(path: str) -> Problem:
    message = "git holds this file, and it is not on disk: what it says would not count"
    hint = f"restore it (git restore {format_path(path)}), or commit its removal"
    return Problem(Code.NOT_ON_DISK.code, message, Source(format_path(path)), hint)


def _make_unknown_problem(top: str, why: str) -> Problem:
    message = f"git does not say whether rules or defaults are missing here: {why}"
    hint = f"see what `git -C {format_path(top)} ls-files` says, and run this again"
    return Problem(
        Code.NOT_READABLE.code, message, Source(format_path(f"{top}/{_REPOSITORY}")), hint
    )
