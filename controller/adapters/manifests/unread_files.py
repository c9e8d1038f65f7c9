"""The manifests that exist although passes do not read them: in git, or under other names."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from controller.adapters.git.command import OFFLINE, READING, Git, GitError
from controller.adapters.git.objects import contents, is_blob, tree_of
from controller.adapters.host.tree_bounds import bounds_of
from controller.adapters.host.tree_files import (
    FileUnreadableError,
    Kind,
    Listed,
    NotRegularError,
    OutsideTreeError,
    TooLargeError,
    TreeRoot,
)
from controller.adapters.manifests.discovery import LARGEST
from controller.adapters.manifests.documents import Documents
from controller.core.documents.file_names import (
    SIDECAR,
    is_binding,
    is_json,
    is_manifest,
    is_sidecar,
    stem,
)
from controller.core.fleet import Fleet
from controller.core.model import API_VERSION, JobKey

_REPOSITORY = ".git"
# What a manifest says somewhere, whatever its name ends with.
_MARK = API_VERSION.split("/")[0].encode()
# The lines of a text without a document, comments apart.
_NOTHING = {b"", b"---", b"..."}
_NO_REPOSITORY = "not a git repository"


@dataclass(frozen=True, slots=True)
class Held:
    """Jobs by their ``keys``, and all of some sidecars or folders, ``unknown``: not gone."""

    keys: frozenset[JobKey] = frozenset()
    unknown: frozenset[str] = frozenset()

    def plus(self, other: Held) -> Held:
        """Return these and those of another answer."""
        return Held(self.keys | other.keys, self.unknown | other.unknown)


def held(folders: Iterable[Path], fleet: Fleet) -> Held:
    """Return which jobs have a manifest in the fleet of some folders that no pass reads.

    The index or HEAD holds it, whatever the work tree shows; or its file has a name, or lies in a
    hidden folder, that passes leave out; or its file says nothing, as one that is being written.
    Where git does not answer nothing in a folder counts as gone.
    """
    found = Held()
    named = dict.fromkeys(os.path.realpath(one) for one in folders)
    for folder in named:
        found = found.plus(_below(folder, fleet, any_name=True))
    for top in sorted({bounds_of(folder).top for folder in named} - {os.sep, *named}):
        # A file may have been moved there. What else lies there is no manifest.
        found = found.plus(replace(_below(top, fleet, any_name=False), unknown=frozenset()))
    return found


def _below(folder: str, fleet: Fleet, *, any_name: bool) -> Held:
    """Return the jobs of the manifests below one folder that no pass reads.

    With ``any_name`` they count whatever their names end with; that takes reading every file.
    """
    found, repositories = Held(), [folder]
    documents = Documents(fleet, specs=False)
    root = TreeRoot(folder)
    try:
        for place, entry in _entries(root):
            if entry.name == _REPOSITORY and place != folder:
                repositories.append(place)
            elif entry.kind != Kind.FILE or not (any_name or stem(entry.name)):
                continue
            elif _is_left_out(root, place, entry.name):
                found = found.plus(_left_out(root, f"{place}/{entry.name}", documents))
            elif is_manifest(entry.name):
                found = found.plus(_silent(root, f"{place}/{entry.name}"))
        for repository in repositories:
            found = found.plus(_in_git(repository, fleet))
    except (FileUnreadableError, GitError):
        return found.plus(Held(unknown=frozenset({folder})))
    return found


def _entries(root: TreeRoot) -> Iterator[tuple[str, Listed]]:
    """Yield all below a folder, each with its own; raises FileUnreadableError."""
    unlisted: list[FileUnreadableError] = []
    for place, entries in root.walk(root.path, unlisted.append, hidden=()):
        for entry in entries:
            yield place, entry
    if unlisted:
        raise unlisted[0]


def _is_left_out(root: TreeRoot, folder: str, name: str) -> bool:
    """Whether a file of this name here may hold a manifest that no pass reads.

    A JSON file may: passes ignore it once its version or kind is not one of ours any more.
    """
    if is_binding(name) or is_sidecar(name):
        return False
    return not is_manifest(name) or is_json(name) or f"{os.sep}." in folder.removeprefix(root.path)


def _left_out(root: TreeRoot, path: str, documents: Documents) -> Held:
    """Return the jobs of a file that passes leave out; one that nobody can read may be any."""
    own = stem(os.path.basename(path))
    try:
        data = root.read(path, LARGEST) or b""
    except (FileUnreadableError, OutsideTreeError):
        return _beside(path, own)
    if own is None and _MARK not in data:
        return Held()
    return _read(documents, data, path, own)


def _silent(root: TreeRoot, path: str) -> Held:
    """Return the sidecar of a file that says nothing: cut off, its jobs may have been in it."""
    try:
        data = root.read(path, LARGEST) or b""
    except (FileUnreadableError, OutsideTreeError):
        return Held()  # reported where it is read
    lines = (line.strip() for line in data.removeprefix(BOM_UTF8).splitlines())
    says_something = any(line not in _NOTHING and line[:1] != b"#" for line in lines)
    return Held() if says_something else _beside(path, stem(os.path.basename(path)))


def _read(documents: Documents, data: bytes, path: str, own: str | None) -> Held:
    read = documents.text(data, path, bounds_of(path))
    found = Held(frozenset(entry.key for entry in read.entries))
    broken = any(problem.key is None for problem in read.problems)
    return found.plus(_beside(path, own)) if broken else found


def _beside(path: str, own: str | None) -> Held:
    """Return the sidecars whose jobs a file may hold: those of its name, hidden or not."""
    if own is None:
        return Held()
    folder = os.path.realpath(os.path.dirname(path))
    names = {own, own.lstrip("._")}
    return Held(unknown=frozenset(f"{folder}/{one}{SIDECAR}" for one in names))


def _in_git(folder: str, fleet: Fleet) -> Held:
    """Return what the repository around a folder holds there; raises GitError."""
    git = Git(Path(folder), settings=READING, environment=OFFLINE)
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
        if _may_hold(path.rpartition("/")[2]) and not _is_on_disk(root, path, identity)
    }
    return _keys(missing, contents(git, (identity for _, identity in missing)), top, fleet)


def _index(git: Git, folder: str) -> Iterator[tuple[str, str]]:
    where = ["--", f":(literal){folder}"] if folder else []
    for line in git.read("ls-files", "-s", "-z", *where).split(b"\0")[:-1]:
        described, _, path = line.partition(b"\t")
        mode, identity, _ = described.decode().split(" ")
        if mode.startswith("100"):
            yield os.fsdecode(path), identity


def _may_hold(name: str) -> bool:
    is_other = is_binding(name) or is_sidecar(name)
    return stem(name) is not None and not is_other


def _is_on_disk(root: TreeRoot, path: str, identity: str) -> bool:
    """Whether the work tree's file is the one that git holds: then it has been read."""
    try:
        data = root.read(f"{root.path}/{path}")
    except (OutsideTreeError, NotRegularError):
        return False
    except TooLargeError:
        return True  # no manifest
    return data is not None and is_blob(data, identity)


def _keys(
    missing: Iterable[tuple[str, str]], texts: Mapping[str, bytes], top: str, fleet: Fleet
) -> Held:
    """Return the jobs of manifests that are only in git; one that nobody can read may be any."""
    documents = Documents(fleet, specs=False)
    found = Held()
    for path, identity in missing:
        place = f"{top}/{path}"
        own = stem(os.path.basename(place))
        if len(texts[identity]) > LARGEST:
            found = found.plus(_beside(place, own))
        else:
            found = found.plus(_read(documents, texts[identity], place, own))
    return found
