"""Fast-forward the user's branch to a commit of statuses, if that touches nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.git.command import Git, GitError
from controller.adapters.git.objects import Blob, filtered, is_blob
from controller.adapters.git.pending_statuses import Local, bytes_of
from controller.adapters.git.remote import Heads
from controller.adapters.git.repository import HEADS, Aim, Repository
from controller.adapters.host.tree_files import OutsideTreeError, TreeRoot
from controller.adapters.host.tree_writes import locked, make_folder, remove, replace
from controller.adapters.sidecars.paths import SUFFIX

_GONE = "000000"
# `git pull` overwrites a changed sidecar only if it is staged with the incoming bytes.
_TAKE = f"git add '*{SUFFIX}' && git pull"


@dataclass(frozen=True, slots=True)
class _Move:
    """A file that differs between two commits, with mode and blob before and after."""

    path: str
    before: tuple[str, str]
    after: tuple[str, str]


def follow(repository: Repository, aim: Aim, heads: Heads, here: Local, commit: str) -> str:
    """Fast-forward the checked out branch to a commit; return why not if that is impossible.

    It is done only if nothing but sidecars differs. A sidecar that was written since, or that the
    user changed, stays as it is; so does everything that is staged.
    """
    branch = repository.branch()
    if branch != aim.branch or here.head == commit:
        return ""
    git = repository.git
    if not _is_behind(git, here.head, heads, commit):
        return f"your branch {branch} and {aim} have diverged: run `{_TAKE} --rebase --autostash`"
    moves = _moves(git, here.head, commit)
    if not all(one.path.endswith(SUFFIX) and repository.holds(one.path) for one in moves):
        return f"your branch {branch} is behind {aim}: run `{_TAKE}`"
    try:
        return _follow(repository, aim, heads, here, commit, moves)
    except (GitError, OSError) as error:
        return f"your branch {branch} was left where it is: {error}"


def _follow(
    repository: Repository,
    aim: Aim,
    heads: Heads,
    here: Local,
    commit: str,
    moves: list[_Move],
) -> str:
    """Update index, files and branch, in this order; return why not if something is staged."""
    git, branch = repository.git, aim.branch
    staged = _staged(git, here.head, moves)
    if staged:
        told = "has the commit" if heads.here else "was left where it is"
        return f"your branch {branch} {told}, and your index what it had: {min(staged)} is staged"
    blobs = {one.path: Blob(one.after[1], one.after[0] != _GONE) for one in moves}
    through = here.filtered | filtered(git, blobs.keys() - here.files.keys())
    contents = bytes_of(git, commit, blobs, through)
    _index(git, {one.path: one.after for one in moves})
    has_moved = heads.here
    try:
        # Files before the branch: with a newer HEAD an old file would count as a new status.
        for one in moves:
            _write(TreeRoot.of(repository.top), repository.top / one.path, one, here, contents)
        moved = ("-m", "bedrock-jobs: follow", f"{HEADS}{branch}", commit, here.head)
        has_moved = has_moved or git.holds("update-ref", *moved)
    finally:
        # The branch moved meanwhile, or a file could not be written: restore the index.
        if not has_moved:
            _index(git, {one.path: one.before for one in moves})
    return "" if has_moved else f"your branch {branch} moved meanwhile: run `{_TAKE}`"


def _is_behind(git: Git, head: str, heads: Heads, commit: str) -> bool:
    """Return whether a commit contains the user's head."""
    if head in ("", heads.onto):
        return True
    return git.holds("merge-base", "--is-ancestor", head, commit)


def _moves(git: Git, before: str, after: str) -> list[_Move]:
    """Return the files that differ; without a commit before, all files are new."""
    compared = (before, after) if before else (_nothing(git), after)
    return _raw(git.read("diff-tree", "-r", "-z", "--raw", "--no-renames", *compared))


def _raw(output: bytes) -> list[_Move]:
    """Parse the output of ``diff-tree --raw -z``."""
    parts = output.split(b"\0")
    return [_move(raw, path) for raw, path in zip(parts[::2], parts[1::2], strict=False)]


def _move(raw: bytes, path: bytes) -> _Move:
    modes = raw.decode().lstrip(":").split(" ")
    return _Move(os.fsdecode(path), (modes[0], modes[2]), (modes[1], modes[3]))


def _staged(git: Git, head: str, moves: Iterable[_Move]) -> list[str]:
    """Return the sidecars whose entry in the user's index matches neither commit."""
    asked = ("diff-index", "--cached", "-z", "--raw", "--no-renames")
    after = {one.path: one.after for one in moves}
    found = _raw(git.read(*asked, head or _nothing(git)))
    # A process that was killed here left the index already updated.
    return [one.path for one in found if after.get(one.path, one.after) != one.after]


def _nothing(git: Git) -> str:
    return git.run("mktree")


def _index(git: Git, files: Mapping[str, tuple[str, str]]) -> None:
    """Set the index entries of sidecars to those of a commit."""
    info = b"".join(
        f"{'0' if mode == _GONE else mode} {identity}\t".encode() + os.fsencode(path) + b"\0"
        for path, (mode, identity) in files.items()
    )
    git.run("update-index", "-z", "--index-info", content=info)


def _write(
    root: TreeRoot, place: Path, move: _Move, here: Local, contents: Mapping[str, bytes]
) -> None:
    """Write a sidecar's new bytes, unless somebody changed the file meanwhile."""
    after, folder, path = contents.get(move.path), str(place.parent), str(place)
    try:
        if root.folder(folder) not in {None, folder}:
            return  # the user linked this folder elsewhere; nothing of ours belongs there
    except OutsideTreeError:
        return
    make_folder(root, folder)
    with locked(root, path):
        found = _found(root, path)
        if found == after or not _is_as_known(found, move, here):
            return
        if after is None:
            remove(root, path)
        else:
            replace(root, path, after)


def _found(root: TreeRoot, path: str) -> bytes | None:
    """Return a sidecar's bytes, empty if something other than a file has its name."""
    found = root.lstat(path)
    if found is None:
        return None
    return root.read(path) if stat.S_ISREG(found.st_mode) else b""


def _is_as_known(found: bytes | None, move: _Move, here: Local) -> bool:
    """Return whether a sidecar still has the bytes that were read or are in HEAD."""
    if move.path in here.files:
        return found == here.files[move.path]
    if move.before[0] == _GONE:
        return found is None
    return found is not None and is_blob(found, move.before[1])
