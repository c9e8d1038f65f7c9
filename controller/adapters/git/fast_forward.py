"""Fast-forward the user's branch to a commit of statuses, if that touches nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.git.command import Git, GitError
from controller.adapters.git.objects import Blob, find_filtered, is_blob
from controller.adapters.git.pending_statuses import LocalStatuses, read_commit_files
from controller.adapters.git.remote import BaseCommits
from controller.adapters.git.repository import BRANCH_PREFIX, PushTarget, Repository
from controller.adapters.host.tree_files import OutsideTreeError, TreeRoot
from controller.adapters.host.tree_writes import lock_file, make_folder, remove, replace
from controller.adapters.sidecars.paths import SUFFIX

_ABSENT_MODE = "000000"
# `git pull` overwrites a changed sidecar only if it is staged with the incoming bytes.
_PULL_COMMAND = f"git add '*{SUFFIX}' && git pull"


@dataclass(frozen=True, slots=True)
class _FileDiff:
    """A file that differs between two commits, with mode and blob before and after."""

    path: str
    before: tuple[str, str]
    after: tuple[str, str]


def advance_branch(
    repository: Repository, aim: PushTarget, heads: BaseCommits, here: LocalStatuses, commit: str
) -> str:
    """Fast-forward the checked out branch to a commit; return why not if that is impossible.

    It is done only if nothing but sidecars differs. A sidecar that was written since, or that the
    user changed, stays as it is; so does everything that is staged.
    """
    branch = repository.get_branch()
    if branch != aim.branch or here.head == commit:
        return ""
    git = repository.git
    if not _is_behind(git, here.head, heads, commit):
        return (
            f"your branch {branch} and {aim} have diverged: "
            f"run `{_PULL_COMMAND} --rebase --autostash`"
        )
    moves = _diff_commits(git, here.head, commit)
    if not all(one.path.endswith(SUFFIX) and repository.has_path(one.path) for one in moves):
        return f"your branch {branch} is behind {aim}: run `{_PULL_COMMAND}`"
    try:
        return _advance(repository, aim, heads, here, commit, moves)
    except (GitError, OSError) as error:
        return f"your branch {branch} was left where it is: {error}"


def _advance(
    repository: Repository,
    aim: PushTarget,
    heads: BaseCommits,
    here: LocalStatuses,
    commit: str,
    moves: list[_FileDiff],
) -> str:
    """Update index, files and branch, in this order; return why not if something is staged."""
    git, branch = repository.git, aim.branch
    staged = _find_staged(git, here.head, moves)
    if staged:
        told = "has the commit" if heads.is_local else "was left where it is"
        return f"your branch {branch} {told}, and your index what it had: {min(staged)} is staged"
    blobs = {one.path: Blob(one.after[1], one.after[0] != _ABSENT_MODE) for one in moves}
    through = here.filtered | find_filtered(git, blobs.keys() - here.files.keys())
    contents = read_commit_files(git, commit, blobs, through)
    _update_index(git, {one.path: one.after for one in moves})
    has_moved = heads.is_local
    try:
        # Files before the branch: with a newer HEAD an old file would count as a new status.
        for one in moves:
            _write_sidecar(
                TreeRoot.locate(repository.top), repository.top / one.path, one, here, contents
            )
        moved = ("-m", "bedrock-jobs: follow", f"{BRANCH_PREFIX}{branch}", commit, here.head)
        has_moved = has_moved or git.is_success("update-ref", *moved)
    finally:
        # The branch moved meanwhile, or a file could not be written: restore the index.
        if not has_moved:
            _update_index(git, {one.path: one.before for one in moves})
    return "" if has_moved else f"your branch {branch} moved meanwhile: run `{_PULL_COMMAND}`"


def _is_behind(git: Git, head: str, heads: BaseCommits, commit: str) -> bool:
    """Return whether a commit contains the user's head."""
    if head in ("", heads.onto):
        return True
    return git.is_success("merge-base", "--is-ancestor", head, commit)


def _diff_commits(git: Git, before: str, after: str) -> list[_FileDiff]:
    """Return the files that differ; without a commit before, all files are new."""
    compared = (before, after) if before else (_create_empty_tree(git), after)
    return _parse_diff(git.read_output("diff-tree", "-r", "-z", "--raw", "--no-renames", *compared))


def _parse_diff(output: bytes) -> list[_FileDiff]:
    """Parse the output of ``diff-tree --raw -z``."""
    parts = output.split(b"\0")
    return [_parse_diff_line(raw, path) for raw, path in zip(parts[::2], parts[1::2], strict=False)]


def _parse_diff_line(raw: bytes, path: bytes) -> _FileDiff:
    modes = raw.decode().lstrip(":").split(" ")
    return _FileDiff(os.fsdecode(path), (modes[0], modes[2]), (modes[1], modes[3]))


def _find_staged(git: Git, head: str, moves: Iterable[_FileDiff]) -> list[str]:
    """Return the sidecars whose entry in the user's index matches neither commit."""
    asked = ("diff-index", "--cached", "-z", "--raw", "--no-renames")
    after = {one.path: one.after for one in moves}
    found = _parse_diff(git.read_output(*asked, head or _create_empty_tree(git)))
    # A process that was killed here left the index already updated.
    return [one.path for one in found if after.get(one.path, one.after) != one.after]


def _create_empty_tree(git: Git) -> str:
    return git.run("mktree")


def _update_index(git: Git, files: Mapping[str, tuple[str, str]]) -> None:
    """Set the index entries of sidecars to those of a commit."""
    info = b"".join(
        f"{'0' if mode == _ABSENT_MODE else mode} {identity}\t".encode() + os.fsencode(path) + b"\0"
        for path, (mode, identity) in files.items()
    )
    git.run("update-index", "-z", "--index-info", content=info)


def _write_sidecar(
    root: TreeRoot, place: Path, move: _FileDiff, here: LocalStatuses, contents: Mapping[str, bytes]
) -> None:
    """Write a sidecar's new bytes, unless somebody changed the file meanwhile."""
    after, folder, path = contents.get(move.path), str(place.parent), str(place)
    try:
        if root.resolve_folder(folder) not in {None, folder}:
            return  # the user linked this folder elsewhere; nothing of ours belongs there
    except OutsideTreeError:
        return
    make_folder(root, folder)
    with lock_file(root, path):
        found = _read_sidecar(root, path)
        if found == after or not _is_unchanged(found, move, here):
            return
        if after is None:
            remove(root, path)
        else:
            replace(root, path, after)


def _read_sidecar(root: TreeRoot, path: str) -> bytes | None:
    """Return a sidecar's bytes, empty if something other than a file has its name."""
    found = root.lstat(path)
    if found is None:
        return None
    return root.read(path) if stat.S_ISREG(found.st_mode) else b""


def _is_unchanged(found: bytes | None, move: _FileDiff, here: LocalStatuses) -> bool:
    """Return whether a sidecar still has the bytes that were read or are in HEAD."""
    if move.path in here.files:
        return found == here.files[move.path]
    if move.before[0] == _ABSENT_MODE:
        return found is None
    return found is not None and is_blob(found, move.before[1])
