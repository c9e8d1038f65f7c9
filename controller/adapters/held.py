"""The manifests that exist although passes do not read them: in git, or under other names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.discovery import LARGEST
from controller.adapters.documents import Documents
from controller.adapters.git import Git, GitError
from controller.adapters.grounds import bounds_of
from controller.adapters.tree_files import (
    FileUnreadableError,
    NotRegularError,
    OutsideTreeError,
    TooLargeError,
    TreeRoot,
)
from controller.adapters.trees import contents, is_blob, tree_of
from controller.core.file_names import SIDECAR, is_binding, is_manifest, stem
from controller.core.fleet import Fleet
from controller.core.model import JobKey

# Nothing that a repository sets may run a program or reach a remote here.
_SETTINGS = {"core.fsmonitor": "false", "core.hooksPath": os.devnull, "protocol.allow": "never"}
_ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1"}
_NO_REPOSITORY = "not a git repository"


@dataclass(frozen=True, slots=True)
class Held:
    """Jobs by their ``keys``, and all of some sidecars or folders, ``unknown``: not gone."""

    keys: frozenset[JobKey] = frozenset()
    unknown: frozenset[str] = frozenset()


def held(folders: Iterable[Path], fleet: Fleet) -> Held:
    """Return which jobs have a manifest below some folders that no pass reads.

    The index or HEAD holds it, whatever the work tree shows; or its file has a name that passes
    leave out. Where git does not answer nothing in a folder counts as gone.
    """
    keys: set[JobKey] = set()
    unknown: set[str] = set()
    for folder in dict.fromkeys(os.path.realpath(one) for one in folders):
        repositories = [folder]
        try:
            for place, name in _files(folder):
                if name == ".git" and place != folder:
                    repositories.append(place)
                unknown.update(_unread(place, name))
            for repository in repositories:
                found = _in_git(repository, fleet)
                keys |= found.keys
                unknown |= found.unknown
        except (FileUnreadableError, GitError):
            unknown.add(folder)
    return Held(frozenset(keys), frozenset(unknown))


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Yield folder and name of all below a folder; raises FileUnreadableError."""
    unlisted: list[FileUnreadableError] = []
    for place, entries in TreeRoot(folder).walk(folder, unlisted.append):
        for entry in entries:
            yield place, entry.name
    if unlisted:
        raise unlisted[0]


def _unread(folder: str, name: str) -> Iterator[str]:
    """Yield the sidecars whose jobs a file may hold that passes leave out."""
    own = stem(name)
    if own is None or is_manifest(name) or is_binding(name) or name.lower().endswith(SIDECAR):
        return
    for one in {own, own.lstrip("._")}:
        yield f"{folder}/{one}{SIDECAR}"


def _in_git(folder: str, fleet: Fleet) -> Held:
    """Return what the repository around a folder holds there; raises GitError."""
    git = Git(Path(folder), settings=_SETTINGS, environment=_ENVIRONMENT)
    try:
        top = git.run("rev-parse", "--show-toplevel")
    except GitError as error:
        if _NO_REPOSITORY in str(error):
            return Held()
        raise
    git = git.within(Path(top))
    inner = Path(folder).relative_to(Path(top).resolve()).as_posix()
    wanted = "" if inner == "." else inner
    has_commit = git.holds("rev-parse", "-q", "--verify", "HEAD^{commit}")
    commit = tree_of(git, "HEAD", [wanted]) if has_commit else {}
    known = [(path, blob.identity) for path, blob in commit.items()]
    known += _index(git, wanted)
    root = TreeRoot.of(top)
    missing = {
        (path, identity)
        for path, identity in known
        if is_manifest(path.rpartition("/")[2]) and not _is_on_disk(root, path, identity)
    }
    return _keys(missing, contents(git, (identity for _, identity in missing)), top, fleet)


def _index(git: Git, folder: str) -> Iterator[tuple[str, str]]:
    where = ["--", f":(literal){folder}"] if folder else []
    for line in git.read("ls-files", "-s", "-z", *where).split(b"\0")[:-1]:
        described, _, path = line.partition(b"\t")
        mode, identity, _ = described.decode().split(" ")
        if mode.startswith("100"):
            yield os.fsdecode(path), identity


def _is_on_disk(root: TreeRoot, path: str, identity: str) -> bool:
    """Whether the work tree's file is the one that git holds: then a pass has read it."""
    try:
        data = root.read(f"{root.path}/{path}")
    except OutsideTreeError:
        return False
    except (NotRegularError, TooLargeError):
        return True  # no manifest
    return data is not None and is_blob(data, identity)


def _keys(
    missing: Iterable[tuple[str, str]], texts: Mapping[str, bytes], top: str, fleet: Fleet
) -> Held:
    """Return the jobs of manifests that are only in git; one that nobody can read may be any."""
    documents = Documents(fleet, specs=False)
    keys: set[JobKey] = set()
    unknown: set[str] = set()
    for path, identity in missing:
        if len(texts[identity]) > LARGEST:
            continue
        place = f"{top}/{path}"
        read = documents.text(texts[identity], place, bounds_of(place))
        keys.update(entry.key for entry in read.entries)
        if any(problem.key is None for problem in read.problems):
            own, name = os.path.split(place)
            unknown.add(f"{os.path.realpath(own)}/{stem(name)}{SIDECAR}")
    return Held(frozenset(keys), frozenset(unknown))
