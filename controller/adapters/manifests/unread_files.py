"""The manifests that exist although passes do not read them: in git, or under other names."""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from controller.adapters.git.command import OFFLINE_VARIABLES, READ_ONLY_SETTINGS, Git, GitError
from controller.adapters.git.objects import is_blob, read_blobs, read_tree
from controller.adapters.host.tree_bounds import find_bounds
from controller.adapters.host.tree_files import (
    EntryType,
    FileUnreadableError,
    FolderEntry,
    NotRegularError,
    OutsideTreeError,
    TooLargeError,
    TreeRoot,
)
from controller.adapters.manifests.discovery import MAX_MANIFEST_BYTES
from controller.adapters.manifests.documents import DocumentReader
from controller.core.documents.file_names import (
    SIDECAR,
    get_stem,
    is_binding,
    is_json,
    is_manifest,
    is_sidecar,
)
from controller.core.fleet import Fleet
from controller.core.model import API_VERSION, JobKey

_REPOSITORY = ".git"
# What a manifest says somewhere, whatever its name ends with.
_MARK = API_VERSION.split("/")[0].encode()
# The lines of a text without a document, comments apart.
_EMPTY_LINES = {b"", b"---", b"..."}
_NO_REPOSITORY = "not a git repository"


@dataclass(frozen=True, slots=True)
class UnreadManifests:
    """Jobs by their ``keys``, and all of some sidecars or folders, ``unknown``: not gone."""

    keys: frozenset[JobKey] = frozenset()
    unknown: frozenset[str] = frozenset()

    def merge(self, other: UnreadManifests) -> UnreadManifests:
        """Return these and those of another answer."""
        return UnreadManifests(self.keys | other.keys, self.unknown | other.unknown)


def find_unread(folders: Iterable[Path], fleet: Fleet) -> UnreadManifests:
    """Return which jobs have a manifest in the fleet of some folders that no pass reads.

    The index or HEAD holds it, whatever the work tree shows; or its file has a name, or lies in a
    hidden folder, that passes leave out; or its file says nothing, as one that is being written.
    Where git does not answer nothing in a folder counts as gone.
    """
    found = UnreadManifests()
    named = dict.fromkeys(os.path.realpath(one) for one in folders)
    for folder in named:
        found = found.merge(_search_folder(folder, fleet, any_name=True))
    for top in sorted({find_bounds(folder).top for folder in named} - {os.sep, *named}):
        # A file may have been moved there. What else lies there is no manifest.
        found = found.merge(
            replace(_search_folder(top, fleet, any_name=False), unknown=frozenset())
        )
    return found


def _search_folder(folder: str, fleet: Fleet, *, any_name: bool) -> UnreadManifests:
    """Return the jobs of the manifests below one folder that no pass reads.

    With ``any_name`` they count whatever their names end with; that takes reading every file.
    """
    found, repositories = UnreadManifests(), [folder]
    documents = DocumentReader(fleet, specs=False)
    root = TreeRoot(folder)
    try:
        for place, entry in _walk_entries(root):
            if entry.name == _REPOSITORY and place != folder:
                repositories.append(place)
            elif entry.kind != EntryType.FILE or not (any_name or get_stem(entry.name)):
                continue
            elif _is_skipped(root, place, entry.name):
                found = found.merge(_read_skipped(root, f"{place}/{entry.name}", documents))
            elif is_manifest(entry.name):
                found = found.merge(_check_empty(root, f"{place}/{entry.name}"))
        for repository in repositories:
            found = found.merge(_search_git(repository, fleet))
    except (FileUnreadableError, GitError):
        return found.merge(UnreadManifests(unknown=frozenset({folder})))
    return found


def _walk_entries(root: TreeRoot) -> Iterator[tuple[str, FolderEntry]]:
    """Yield all below a folder, each with its own; raises FileUnreadableError."""
    unlisted: list[FileUnreadableError] = []
    for place, entries in root.walk(root.path, unlisted.append, hidden=()):
        for entry in entries:
            yield place, entry
    if unlisted:
        raise unlisted[0]


def _is_skipped(root: TreeRoot, folder: str, name: str) -> bool:
    """Whether a file of this name here may hold a manifest that no pass reads.

    A JSON file may: passes ignore it once its version or kind is not one of ours any more.
    """
    if is_binding(name) or is_sidecar(name):
        return False
    return not is_manifest(name) or is_json(name) or f"{os.sep}." in folder.removeprefix(root.path)


def _read_skipped(root: TreeRoot, path: str, documents: DocumentReader) -> UnreadManifests:
    """Return the jobs of a file that passes leave out; one that nobody can read may be any."""
    own = get_stem(os.path.basename(path))
    try:
        data = root.read(path, MAX_MANIFEST_BYTES) or b""
    except (FileUnreadableError, OutsideTreeError):
        return _list_sidecars(path, own)
    if own is None and _MARK not in data:
        return UnreadManifests()
    return _read_jobs(documents, data, path, own)


def _check_empty(root: TreeRoot, path: str) -> UnreadManifests:
    """Return the sidecar of a file that says nothing: cut off, its jobs may have been in it."""
    try:
        data = root.read(path, MAX_MANIFEST_BYTES) or b""
    except (FileUnreadableError, OutsideTreeError):
        return UnreadManifests()  # reported where it is read
    lines = (line.strip() for line in data.removeprefix(BOM_UTF8).splitlines())
    says_something = any(line not in _EMPTY_LINES and line[:1] != b"#" for line in lines)
    return (
        UnreadManifests()
        if says_something
        else _list_sidecars(path, get_stem(os.path.basename(path)))
    )


def _read_jobs(
    documents: DocumentReader, data: bytes, path: str, own: str | None
) -> UnreadManifests:
    read = documents.parse_text(data, path, find_bounds(path))
    found = UnreadManifests(frozenset(entry.key for entry in read.entries))
    broken = any(problem.key is None for problem in read.problems)
    return found.merge(_list_sidecars(path, own)) if broken else found


def _list_sidecars(path: str, own: str | None) -> UnreadManifests:
    """Return the sidecars whose jobs a file may hold: those of its name, hidden or not."""
    if own is None:
        return UnreadManifests()
    folder = os.path.realpath(os.path.dirname(path))
    names = {own, own.lstrip("._")}
    return UnreadManifests(unknown=frozenset(f"{folder}/{one}{SIDECAR}" for one in names))


def _search_git(folder: str, fleet: Fleet) -> UnreadManifests:
    """Return what the repository around a folder holds there; raises GitError."""
    git = Git(Path(folder), settings=READ_ONLY_SETTINGS, environment=OFFLINE_VARIABLES)
    try:
        top = git.run("rev-parse", "--show-toplevel")
    except GitError as error:
        if _NO_REPOSITORY in str(error):
            return UnreadManifests()
        raise
    git = git.copy_for(Path(top))
    inner = Path(folder).relative_to(Path(top).resolve()).as_posix()
    wanted = "" if inner == "." else inner
    has_commit = git.is_success("rev-parse", "-q", "--verify", "HEAD^{commit}")
    commit = read_tree(git, "HEAD", [wanted]) if has_commit else {}
    known = [(path, blob.identity) for path, blob in commit.items()]
    known += _list_index(git, wanted)
    root = TreeRoot.locate(top)
    missing = {
        (path, identity)
        for path, identity in known
        if _can_hold_manifest(path.rpartition("/")[2]) and not _is_on_disk(root, path, identity)
    }
    return _read_missing(
        missing, read_blobs(git, (identity for _, identity in missing)), top, fleet
    )


def _list_index(git: Git, folder: str) -> Iterator[tuple[str, str]]:
    where = ["--", f":(literal){folder}"] if folder else []
    for line in git.read_output("ls-files", "-s", "-z", *where).split(b"\0")[:-1]:
        described, _, path = line.partition(b"\t")
        mode, identity, _ = described.decode().split(" ")
        if mode.startswith("100"):
            yield os.fsdecode(path), identity


def _can_hold_manifest(name: str) -> bool:
    is_other = is_binding(name) or is_sidecar(name)
    return get_stem(name) is not None and not is_other


def _is_on_disk(root: TreeRoot, path: str, identity: str) -> bool:
    """Whether the work tree's file is the one that git holds: then it has been read."""
    try:
        data = root.read(f"{root.path}/{path}")
    except (OutsideTreeError, NotRegularError):
        return False
    except TooLargeError:
        return True  # no manifest
    return data is not None and is_blob(data, identity)


def _read_missing(
    missing: Iterable[tuple[str, str]], texts: Mapping[str, bytes], top: str, fleet: Fleet
) -> UnreadManifests:
    """Return the jobs of manifests that are only in git; one that nobody can read may be any."""
    documents = DocumentReader(fleet, specs=False)
    found = UnreadManifests()
    for path, identity in missing:
        place = f"{top}/{path}"
        own = get_stem(os.path.basename(place))
        if len(texts[identity]) > MAX_MANIFEST_BYTES:
            found = found.merge(_list_sidecars(place, own))
        else:
            found = found.merge(_read_jobs(documents, texts[identity], place, own))
    return found
