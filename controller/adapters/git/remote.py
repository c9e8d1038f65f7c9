"""The commits that a write-back starts from, as the remote has them now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controller.adapters.git.command import Git, GitError
from controller.adapters.git.repository import (
    BRANCH_PREFIX,
    PushTarget,
    Repository,
    UnsuitableCheckoutError,
)

_TEMPORARY_REFS = "refs/bedrock-jobs/"
_GONE = "couldn't find remote ref"


@dataclass(frozen=True, slots=True)
class BaseCommits:
    """The commits to build a new commit on.

    ``onto`` is its parent, empty if the repository has no commit yet; ``at`` is the branch's head,
    empty if there is no such branch. ``source`` is the commit whose manifests count, empty for the
    files on disk. ``is_local`` means that no remote takes part.
    """

    onto: str
    at: str
    source: str
    is_local: bool


def find_base_commits(repository: Repository, aim: PushTarget) -> BaseCommits:
    """Return what to start from, after contacting the remote; raises GitError.

    A checked out branch that the remote does not have yet is the user's to push: commits stay here.
    """
    if not aim.remote:
        return _find_local_base(repository, aim)
    found = _fetch_branches(repository, aim)
    if aim.branch in found or aim.source in found:
        at = found.get(aim.branch, "")
        source = found.get(aim.source, at)
        onto = at if at and not _is_descendant(repository.git, source, at) else source
        return BaseCommits(onto, at, source, is_local=False)
    if repository.get_branch() == aim.branch:
        return _find_local_base(repository, aim)
    if "HEAD" not in found:
        raise GitError(f"{aim.remote} has no branch {aim.branch}: push it first, or name another")
    return BaseCommits(found["HEAD"], "", found["HEAD"], is_local=False)


def _is_descendant(git: Git, commit: str, other: str) -> bool:
    """Return whether a commit descends from another, as far as a shallow clone can tell."""
    return commit != other and git.is_success("merge-base", "--is-ancestor", other, commit)


def _find_local_base(repository: Repository, aim: PushTarget) -> BaseCommits:
    """Return the local branch as the base; raises UnsuitableCheckoutError if used elsewhere."""
    shown = repository.git.run(
        "for-each-ref", "--format=%(worktreepath)", f"{BRANCH_PREFIX}{aim.branch}"
    )
    # Moving a branch under another work tree would make all its files look changed.
    if shown and shown != str(repository.top):
        raise UnsuitableCheckoutError(
            f"the branch {aim.branch} is checked out in {shown}: run it there"
        )
    at = repository.resolve_commit(f"{BRANCH_PREFIX}{aim.branch}")
    return BaseCommits(at or repository.get_head(), at, "", is_local=True)


def _fetch_branches(repository: Repository, aim: PushTarget) -> dict[str, str]:
    """Fetch the branches and return the commits of those that the remote has."""
    names = tuple(dict.fromkeys((aim.branch, aim.source)))
    # One round trip is enough for branches that are expected to exist.
    if not aim.can_create:
        return _fetch_commits(repository, aim.remote, names, tolerant=True)
    shown = repository.git.run(
        "ls-remote", "--", aim.remote, "HEAD", *(BRANCH_PREFIX + one for one in names)
    )
    there = {line.split("\t", 1)[1] for line in shown.splitlines()}
    wanted = [name for name in names if BRANCH_PREFIX + name in there]
    wanted = wanted or [name for name in ("HEAD",) if name in there]
    return _fetch_commits(repository, aim.remote, wanted, tolerant=False) if wanted else {}


def _fetch_commits(
    repository: Repository, remote: str, names: Iterable[str], *, tolerant: bool
) -> dict[str, str]:
    """Fetch branches as a user's own fetch would, and return their commits."""
    kept = {name: f"{_TEMPORARY_REFS}{number}" for number, name in enumerate(names)}
    # Temporary refs keep the commits from being pruned until they are read.
    sources = {name: name if name == "HEAD" else BRANCH_PREFIX + name for name in kept}
    wanted = [f"+{sources[name]}:{kept[name]}" for name in kept]
    try:
        _run_fetch(repository.git, remote, wanted)
        return {name: repository.resolve_commit(kept[name]) for name in kept}
    except GitError as error:
        if tolerant and _GONE in str(error):
            return {}
        raise
    finally:
        for ref in kept.values():
            repository.git.run_unchecked("update-ref", "-d", ref)


def _run_fetch(git: Git, remote: str, wanted: Iterable[str]) -> None:
    quietly = ("--quiet", "--no-tags", "--no-prune", "--no-recurse-submodules")
    fetch = ("fetch", *quietly, "--no-write-fetch-head")
    try:
        # Let git update the remote-tracking branch as well: the next fetch then transfers less.
        git.run(*fetch, "--", remote, *wanted)
    except GitError as error:
        if "cannot lock ref" not in str(error):
            raise
        # The user's own fetch is updating that branch at this moment; do without it.
        git.run(*fetch, "--refmap=", "--", remote, *wanted)
