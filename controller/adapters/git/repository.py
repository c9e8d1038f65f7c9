"""The repository that manifests are in: where it is, and which branch to write to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.git.command import PATIENCE, Git, GitError
from controller.adapters.sidecars.paths import folder_of
from controller.core.urls import masked

HEADS = "refs/heads/"
_URL = re.compile(r"^\w+://|^[^/]+:|^/|^\.")


class UnfitError(GitError):
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

    def head(self) -> str:
        """Return the commit that is checked out; empty if there is none yet."""
        return self.commit("HEAD")

    def commit(self, name: str) -> str:
        """Return the commit that a name refers to; empty if there is none."""
        code, out, _ = self.git.ask("rev-parse", "-q", "--verify", f"{name}^{{commit}}")
        return out.decode().strip() if code == 0 else ""

    def branch(self) -> str:
        """Return the checked out branch, even without commits; empty if HEAD is detached."""
        code, out, _ = self.git.ask("symbolic-ref", "-q", "HEAD")
        name = os.fsdecode(out).strip()
        return name.removeprefix(HEADS) if code == 0 and name.startswith(HEADS) else ""

    def holds(self, path: str) -> bool:
        """Return whether a path relative to the top is in one of the folders."""
        return any(not folder or path.startswith(f"{folder}/") for folder in self.folders)


@dataclass(frozen=True, slots=True)
class Aim:
    """The branch to write to, and its remote; an empty remote means this repository.

    Manifests count as in ``source``, a branch of the same remote. A branch named by the user may be
    created (``can_create``).
    """

    branch: str
    remote: str
    source: str
    made: bool = False

    def __str__(self) -> str:
        return masked(f"{self.remote}/{self.branch}") if self.remote else self.branch


def repository_of(
    paths: Iterable[Path], seconds: float = PATIENCE, environment: Mapping[str, str] | None = None
) -> Repository:
    """Return the repository that contains all of some paths; raises GitError if there is none.

    ``environment`` is added to the environment of its git commands.
    """
    folders = list(dict.fromkeys(_existing(folder_of(path).resolve()) for path in paths))
    places = {folder: _place(folder, seconds) for folder in folders}
    if len(set(places.values())) > 1:
        raise UnfitError("these paths lie in different repositories: run once for each")
    top, shared = next(iter(places.values()))
    inner = sorted(folder.relative_to(top).as_posix() for folder in folders)
    chosen = _outermost("" if one == "." else one for one in inner)
    git = Git(top, seconds=seconds, environment=environment)
    return Repository(git, top, shared, chosen)


def _existing(folder: Path) -> Path:
    """Return the nearest folder above a path that exists."""
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def _place(folder: Path, seconds: float) -> tuple[Path, Path]:
    """Return the top folder of a folder's checkout, and git's common folder."""
    git = Git(folder, seconds=seconds)
    try:
        found = git.run("rev-parse", "--show-toplevel", "--git-common-dir")
    except GitError as error:
        if "not a git repository" not in str(error):
            raise
        text = f"{folder} is not in a git repository: run `git init` there, or write files alone"
        raise UnfitError(text) from error
    top, shared = found.rsplit("\n", 1)
    return Path(top), (folder / shared).resolve()


def _outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """Return the sorted folders without those that lie below another one."""
    chosen: list[str] = []
    for folder in folders:
        if not any(not one or folder.startswith(f"{one}/") for one in chosen):
            chosen.append(folder)
    return tuple(chosen)


def aim_of(repository: Repository, wanted: str, remote: str, environment: Mapping[str, str]) -> Aim:
    """Return where to write to: the ``wanted`` branch, or the one that is checked out.

    For a detached checkout it is the branch that GitHub Actions or GitLab CI reports. Raises
    UnsuitableCheckoutError if no branch is known, or if the name or the remote is invalid.
    """
    if wanted and not _is_branch_name(repository.git, wanted):
        raise UnfitError(f"{wanted!r} is not a valid branch name")
    current = repository.branch() or _built_branch(repository, environment)
    branch = wanted or current
    if not branch:
        raise UnfitError(
            "no branch is checked out here (detached HEAD): name the one to write to, "
            "--write-back branch:NAME"
        )
    source = current or branch
    return Aim(branch, _remote(repository.git, remote, source), source, made=bool(wanted))


def is_on_this_disk(url: str, folder: Path) -> bool:
    """Return whether a URL, as git in a folder reads it, is a repository on this machine."""
    return url.startswith("file://") or (folder / url).exists()


def urls_of(git: Git, remote: str) -> tuple[str, ...]:
    """Return where a push to a remote goes; a remote without a name is its own URL."""
    code, out, _ = git.ask("remote", "get-url", "--push", "--all", remote)
    return tuple(os.fsdecode(out).split("\n")[:-1]) if code == 0 else (remote,)


def _is_branch_name(git: Git, name: str) -> bool:
    """Return whether git accepts a name for a branch."""
    return not name.startswith("-") and git.holds("check-ref-format", f"{HEADS}{name}")


def _built_branch(repository: Repository, environment: Mapping[str, str]) -> str:
    """Return the branch that a CI's detached checkout is for; none for a pull request."""
    if repository.git.run("rev-parse", "--show-superproject-working-tree"):
        return ""  # the variables describe the repository around this submodule
    # GitHub checks out a merge commit for a pull request, which is on no branch.
    if environment.get("GITHUB_ACTIONS") == "true" and not environment.get("GITHUB_HEAD_REF"):
        name = environment.get("GITHUB_REF", "")
        return name.removeprefix(HEADS) if name.startswith(HEADS) else ""
    return environment.get("CI_COMMIT_BRANCH", "") if environment.get("GITLAB_CI") else ""


def _remote(git: Git, wanted: str, branch: str) -> str:
    """Return the remote to push to: the branch's own, else origin, else the only one."""
    known = git.run("remote").splitlines()
    if wanted:
        if wanted not in known and not _URL.search(wanted):
            raise UnfitError(f"there is no remote {wanted!r} here: {_listed(known)}")
        return wanted
    own = os.fsdecode(git.ask("config", "--get", f"branch.{branch}.remote")[1]).strip()
    candidates = [one for one in (own, "origin") if one in known] or known
    if len(candidates) > 1 and candidates == known:
        text = f"which remote to push to is not clear: name it with --remote ({_listed(known)})"
        raise UnfitError(text)
    return candidates[0] if candidates else ""


def _listed(remotes: Sequence[str]) -> str:
    return f"it has {', '.join(remotes)}" if remotes else "it has none"
