"""The repository that manifests are in: where it is, and which branch to write to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.git.command import COMMAND_SECONDS, Git, GitError
from controller.adapters.sidecars.paths import get_folder
from controller.core.urls import mask_urls

BRANCH_PREFIX = "refs/heads/"
_URL = re.compile(r"^\w+://|^[^/]+:|^/|^\.")


class UnsuitableCheckoutError(GitError):
    """The request cannot work in this checkout; the text says what to request instead."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout: ``git`` runs in its ``top`` folder, ``shared`` is git's common folder.

    ``folders`` are the sidecars' folders relative to the top, with slashes; empty is the top
    itself.
    """

    git: Git
    top: Path
    shared: Path
    folders: tuple[str, ...]

    def get_head(self) -> str:
        """Return the commit that is checked out; empty if there is none yet."""
        return self.resolve_commit("HEAD")

    def resolve_commit(self, name: str) -> str:
        """Return the commit that a name refers to; empty if there is none."""
        code, out, _ = self.git.run_unchecked("rev-parse", "-q", "--verify", f"{name}^{{commit}}")
        return out.decode().strip() if code == 0 else ""

    def get_branch(self) -> str:
        """Return the checked out branch, even without commits; empty if HEAD is detached."""
        code, out, _ = self.git.run_unchecked("symbolic-ref", "-q", "HEAD")
        name = os.fsdecode(out).strip()
        return (
            name.removeprefix(BRANCH_PREFIX) if code == 0 and name.startswith(BRANCH_PREFIX) else ""
        )

    def has_path(self, path: str) -> bool:
        """Return whether a path relative to the top is in one of the folders."""
        return any(not folder or path.startswith(f"{folder}/") for folder in self.folders)


@dataclass(frozen=True, slots=True)
class PushTarget:
    """The branch to write to, and its remote; an empty remote means this repository.

    Manifests count as in ``source``, a branch of the same remote. A branch named by the user may be
    created (``can_create``).
    """

    branch: str
    remote: str
    source: str
    can_create: bool = False

    def __str__(self) -> str:
        return mask_urls(f"{self.remote}/{self.branch}") if self.remote else self.branch


def find_repository(
    paths: Iterable[Path],
    seconds: float = COMMAND_SECONDS,
    environment: Mapping[str, str] | None = None,
) -> Repository:
    """Return the repository that contains all of some paths; raises GitError if there is none.

    ``environment`` is added to the environment of its git commands.
    """
    folders = list(
        dict.fromkeys(_find_existing_folder(get_folder(path).resolve()) for path in paths)
    )
    places = {folder: _locate_checkout(folder, seconds) for folder in folders}
    if len(set(places.values())) > 1:
        raise UnsuitableCheckoutError(
            "these paths lie in different repositories: run once for each"
        )
    top, shared = next(iter(places.values()))
    inner = sorted(folder.relative_to(top).as_posix() for folder in folders)
    chosen = _select_outermost("" if one == "." else one for one in inner)
    git = Git(top, seconds=seconds, environment=environment)
    return Repository(git, top, shared, chosen)


def _find_existing_folder(folder: Path) -> Path:
    """Return the nearest folder above a path that exists."""
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def _locate_checkout(folder: Path, seconds: float) -> tuple[Path, Path]:
    """Return the top folder of a folder's checkout, and git's common folder."""
    git = Git(folder, seconds=seconds)
    try:
        found = git.run("rev-parse", "--show-toplevel", "--git-common-dir")
    except GitError as error:
        if "not a git repository" not in str(error):
            raise
        text = f"{folder} is not in a git repository: run `git init` there, or write files alone"
        raise UnsuitableCheckoutError(text) from error
    top, shared = found.rsplit("\n", 1)
    return Path(top), (folder / shared).resolve()


def _select_outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """Return the sorted folders without those that lie below another one."""
    chosen: list[str] = []
    for folder in folders:
        if not any(not one or folder.startswith(f"{one}/") for one in chosen):
            chosen.append(folder)
    return tuple(chosen)


def resolve_push_target(
    repository: Repository, wanted: str, remote: str, environment: Mapping[str, str]
) -> PushTarget:
    """Return where to write to: the ``wanted`` branch, or the one that is checked out.

    For a detached checkout it is the branch that GitHub Actions or GitLab CI reports. Raises
    UnsuitableCheckoutError if no branch is known, or if the name or the remote is invalid.
    """
    if wanted and not _is_branch_name(repository.git, wanted):
        raise UnsuitableCheckoutError(f"{wanted!r} is not a valid branch name")
    current = repository.get_branch() or _get_ci_branch(repository, environment)
    branch = wanted or current
    if not branch:
        raise UnsuitableCheckoutError(
            "no branch is checked out here (detached HEAD): name the one to write to, "
            "--write-back branch:NAME"
        )
    source = current or branch
    return PushTarget(
        branch, _choose_remote(repository.git, remote, source), source, can_create=bool(wanted)
    )


def is_local_url(url: str, folder: Path) -> bool:
    """Return whether a URL, as git in a folder reads it, is a repository on this machine."""
    return url.startswith("file://") or (folder / url).exists()


def list_push_urls(git: Git, remote: str) -> tuple[str, ...]:
    """Return where a push to a remote goes; a remote without a name is its own URL."""
    code, out, _ = git.run_unchecked("remote", "get-url", "--push", "--all", remote)
    return tuple(os.fsdecode(out).split("\n")[:-1]) if code == 0 else (remote,)


def _is_branch_name(git: Git, name: str) -> bool:
    """Return whether git accepts a name for a branch."""
    return not name.startswith("-") and git.is_success("check-ref-format", f"{BRANCH_PREFIX}{name}")


def _get_ci_branch(repository: Repository, environment: Mapping[str, str]) -> str:
    """Return the branch that a CI's detached checkout is for; none for a pull request."""
    if repository.git.run("rev-parse", "--show-superproject-working-tree"):
        return ""  # the variables describe the repository around this submodule
    # GitHub checks out a merge commit for a pull request, which is on no branch.
    if environment.get("GITHUB_ACTIONS") == "true" and not environment.get("GITHUB_HEAD_REF"):
        name = environment.get("GITHUB_REF", "")
        return name.removeprefix(BRANCH_PREFIX) if name.startswith(BRANCH_PREFIX) else ""
    return environment.get("CI_COMMIT_BRANCH", "") if environment.get("GITLAB_CI") else ""


def _choose_remote(git: Git, wanted: str, branch: str) -> str:
    """Return the remote to push to: the branch's own, else origin, else the only one."""
    known = git.run("remote").splitlines()
    if wanted:
        if wanted not in known and not _URL.search(wanted):
            raise UnsuitableCheckoutError(
                f"there is no remote {wanted!r} here: {_format_remotes(known)}"
            )
        return wanted
    own = os.fsdecode(git.run_unchecked("config", "--get", f"branch.{branch}.remote")[1]).strip()
    candidates = [one for one in (own, "origin") if one in known] or known
    if len(candidates) > 1 and candidates == known:
        raise UnsuitableCheckoutError(
            "which remote to push to is not clear: "
            f"name it with --remote ({_format_remotes(known)})"
        )
    return candidates[0] if candidates else ""


def _format_remotes(remotes: Sequence[str]) -> str:
    return f"it has {', '.join(remotes)}" if remotes else "it has none"
