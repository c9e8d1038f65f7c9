"""Compare the sidecars here with those of a remote branch: what has to be committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.adapters.git.command import Git
from controller.adapters.git.objects import (
    Blob,
    Tree,
    find_filtered,
    find_ignored,
    find_sparse,
    is_blob,
    read_blobs,
    read_tree,
)
from controller.adapters.git.remote import BaseCommits
from controller.adapters.git.repository import Repository
from controller.adapters.host.tree_files import EntryType as FileKind
from controller.adapters.host.tree_files import FolderEntry, TreeRoot
from controller.adapters.sidecars.document import get_name, parse_entries, render_sidecar
from controller.adapters.sidecars.paths import SUFFIX
from controller.core.documents.file_names import SPELLINGS
from controller.core.kinds.kind import Kind
from controller.core.status.merge import ManifestFileState, SidecarVersions, merge_entries


@dataclass(frozen=True, slots=True)
class LocalStatuses:
    """The sidecars here that differ from the commit that is checked out.

    ``files`` maps paths to bytes, None for a deleted file; ``filtered`` names those that one of the
    user's filters applies to. ``head`` is that commit, ``tree`` its files below the repository's
    folders, and ``before`` its bytes of the same paths. ``nested`` are folders with sidecars that
    are repositories of their own.
    """

    head: str
    tree: Tree
    files: Mapping[str, bytes | None]
    filtered: frozenset[str]
    before: Mapping[str, bytes]
    nested: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SidecarChange:
    """The new content of one sidecar; ``after`` is None for one that is deleted.

    ``jobs`` lists each job whose entry changes with its phase before and after; empty means none.
    """

    path: str
    after: bytes | None
    jobs: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class PendingChanges:
    """The changes to commit, and the paths that cannot be committed, by reason."""

    made: tuple[SidecarChange, ...]
    left_out: Mapping[str, tuple[str, ...]]


NO_MANIFEST = "no manifest beside it on the branch"
IGNORED = "kept out by a .gitignore"
NOT_PLAIN = "no plain file on the branch"


def find_local_statuses(repository: Repository) -> LocalStatuses:
    """Return what passes recorded here since the checkout; does not contact the remote."""
    head = repository.get_head()
    tree = read_tree(repository.git, head, repository.folders)
    nested: list[Path] = []
    found = dict(_read_sidecars(repository, nested))
    known = {path: blob for path, blob in tree.items() if path.endswith(SUFFIX)}
    suspects: dict[str, bytes | None] = {
        path: content
        for path, content in found.items()
        if path not in known or not is_blob(content, known[path].identity)
    }
    suspects |= dict.fromkeys(_find_deleted(repository, known.keys() - found.keys()))
    through = find_filtered(repository.git, suspects)
    there = {path: known[path] for path in suspects if path in known}
    read = read_commit_files(repository.git, head, there, through)
    files = {path: one for path, one in suspects.items() if _is_changed(path, one, read)}
    told = [one.relative_to(repository.top).as_posix() for one in nested if _has_sidecars(one)]
    return LocalStatuses(head, tree, files, through & files.keys(), read, tuple(told))


def _find_deleted(repository: Repository, missing: Set[str]) -> list[str]:
    """Return the paths whose files were deleted, not just skipped by passes or sparse checkout."""
    gone = [path for path in sorted(missing) if _is_deleted(repository, path)]
    absent = find_sparse(repository.git, repository.folders) if gone else frozenset()
    return [path for path in gone if path not in absent]


def _is_deleted(repository: Repository, path: str) -> bool:
    """Return whether a sidecar is really absent from the folder that git has it in."""
    inner = (path.removeprefix(f"{folder}/") for folder in repository.folders)
    if all(one.startswith(".") or "/." in one for one in inner):
        return False  # passes skip hidden folders
    root, place = TreeRoot.locate(repository.top), repository.top / path
    try:
        folder = root.resolve_folder(str(place.parent))
        # A folder may have become a link: then git's path is no longer this place.
        return folder is None or (folder == str(place.parent) and not root.exists(str(place)))
    except OSError:
        return False


def _is_changed(path: str, content: bytes | None, read: Mapping[str, bytes]) -> bool:
    """Return whether a sidecar's entries differ from the commit's, or it was deleted."""
    return content is None or parse_entries(content) != parse_entries(read.get(path, b""))


def _read_sidecars(repository: Repository, nested: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of every sidecar on disk, except those in nested repositories."""
    root = TreeRoot.locate(repository.top)
    for inner in repository.folders:
        top, others = str(repository.top / inner), list[str]()
        for folder, entries in _walk_folders(root, repository.top / inner):
            if any(folder.startswith(f"{one}/") for one in others):
                continue
            if folder != top and any(one.name == ".git" for one in entries):
                others.append(folder)
                continue
            for name, kind in entries:
                if name.endswith(SUFFIX) and not name.startswith("."):
                    path = Path(folder, name)
                    # Links are not followed: git would commit the link and not the file.
                    said = _read_bytes(root, path) if kind == FileKind.FILE else b""
                    yield path.relative_to(repository.top).as_posix(), said
        nested += map(Path, others)


def _walk_folders(root: TreeRoot, folder: Path) -> Iterator[tuple[str, list[FolderEntry]]]:
    """Yield the folders that can be listed; sidecars in the others do not count as deleted."""
    return root.walk(str(folder), lambda _: None)


def _has_sidecars(folder: Path) -> bool:
    found = _walk_folders(TreeRoot.locate(folder), folder)
    return any(one.name.endswith(SUFFIX) for _, entries in found for one in entries)


def _read_bytes(root: TreeRoot, path: Path) -> bytes:
    try:
        return root.read(str(path)) or b""
    except OSError:
        # The pass reported it already; one unreadable file must not block the others.
        return b""


def read_commit_files(
    git: Git, commit: str, blobs: Mapping[str, Blob], through: Set[str]
) -> dict[str, bytes]:
    """Return the bytes of a commit's files as a checkout would have them."""
    plain = {path: blob for path, blob in blobs.items() if blob.plain}
    bare = read_blobs(git, (blob.identity for path, blob in plain.items() if path not in through))
    made = {path: bare[one.identity] for path, one in plain.items() if path not in through}
    for path in through & plain.keys():
        made[path] = git.read_output("cat-file", "--filters", f"{commit}:{path}")
    return made


def find_pending(
    kinds: Mapping[str, Kind], repository: Repository, here: LocalStatuses, heads: BaseCommits
) -> PendingChanges:
    """Return the changes that bring the branch up to date with the statuses here.

    Only what changed here since the checkout is compared, entry by entry: the later one wins.
    """
    git, onto = repository.git, heads.onto
    theirs = here.tree if onto == here.head else read_tree(git, onto, repository.folders)
    compared = _compare_sides(kinds, repository, here, heads, theirs)
    made: list[SidecarChange] = []
    left_out: dict[str, list[str]] = {}
    for path in here.files:
        found = compared.find_change(path)
        if isinstance(found, str):
            left_out.setdefault(found, []).append(path)
        elif found is not None:
            made.append(found)
    kept_out = find_ignored(git, (one.path for one in made if one.path not in theirs))
    if kept_out:
        left_out[IGNORED] = sorted(kept_out)
    kept = tuple(one for one in made if one.path not in kept_out)
    told = {why: tuple(paths) for why, paths in left_out.items()}
    return PendingChanges(kept, told)


def _compare_sides(
    kinds: Mapping[str, Kind],
    repository: Repository,
    here: LocalStatuses,
    heads: BaseCommits,
    theirs: Tree,
) -> _Comparison:
    """Read all three sides, with as few git commands as there are commits."""
    git, folders = repository.git, repository.folders
    source = theirs if heads.source == heads.onto else read_tree(git, heads.source, folders)
    base = _find_base(repository, here, heads)

    def read(commit: str, tree: Tree) -> Mapping[str, bytes]:
        if commit == here.head:
            return here.before
        return read_commit_files(git, commit, _select_paths(tree, here.files), here.filtered)

    return _Comparison(
        kinds,
        repository,
        here,
        theirs,
        source if heads.source else None,
        read(base, here.tree if base == here.head else read_tree(git, base, folders)),
        read(heads.onto, theirs),
        frozenset(_find_sidecar_folders(theirs)),
        TreeRoot.locate(repository.top),
    )


def _find_sidecar_folders(tree: Tree) -> Iterator[str]:
    """Yield the folders in a tree that are named like sidecars."""
    for path in tree:
        before, mark, _ = path.partition(f"{SUFFIX}/")
        if mark:
            yield before + SUFFIX


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The three versions of every sidecar: here, the common base (``before``), and ``there``.

    ``source`` is the tree whose manifests count; None for the files on disk. ``folders`` are those
    of ``theirs`` that are named like sidecars.
    """

    kinds: Mapping[str, Kind]
    repository: Repository
    here: LocalStatuses
    theirs: Tree
    source: Tree | None
    before: Mapping[str, bytes]
    there: Mapping[str, bytes]
    folders: frozenset[str]
    root: TreeRoot

    def find_change(self, path: str) -> SidecarChange | str | None:
        """Return a sidecar's change, the reason why it cannot be made, or None."""
        if self._is_special(path):
            return NOT_PLAIN
        beside = self._find_beside(path)
        ours = _read_own_entries(self.here.files[path], beside)
        if ours is None:
            return None
        if path not in self.theirs and ours and not beside.exists:
            return NO_MANIFEST
        base, there = parse_entries(self.before.get(path, b"")), self.there.get(path)
        theirs = parse_entries(there or b"")
        # A broken sidecar, or one with conflict markers, counts as absent and is written again.
        is_broken = there is not None and not theirs
        versions = SidecarVersions(base, ours, base if is_broken else theirs)
        result = merge_entries(self.kinds, versions, beside)
        after = render_sidecar(result) if result else None
        return (
            None
            if after == there
            else SidecarChange(path, after, _list_changed_jobs(theirs, result))
        )

    def _is_special(self, path: str) -> bool:
        """Return whether a link or a folder has the sidecar's name on the branch."""
        found = self.theirs.get(path)
        if found is not None:
            return not found.plain
        return path in self.folders

    def _find_beside(self, path: str) -> ManifestFileState:
        """Return whether the sidecar's manifest exists, where manifests count."""
        stem = path.removesuffix(SUFFIX)
        names = [stem + suffix for suffix in SPELLINGS]
        source = self.source
        if source is None:
            there = any(self.root.is_file(str(self.repository.top / name)) for name in names)
            return ManifestFileState(there, is_current=there)
        found = [name for name in names if name in source]
        return ManifestFileState(
            bool(found), all(self._is_current(name, source[name]) for name in found)
        )

    def _is_current(self, name: str, blob: Blob) -> bool:
        """Return whether the manifest there is the version that was read here."""
        content = self.root.read(str(self.repository.top / name))
        if content is None:
            return False
        # A checkout may convert line endings, so comparing bytes alone is not enough.
        return is_blob(content, blob.identity) or self.here.tree.get(name) == blob


def _select_paths(tree: Tree, paths: Iterable[str]) -> dict[str, Blob]:
    return {path: tree[path] for path in paths if path in tree}


def _find_base(repository: Repository, here: LocalStatuses, heads: BaseCommits) -> str:
    """Return the last common commit, or the local head if a shallow clone cannot tell."""
    if not here.head or heads.onto in ("", here.head):
        return here.head
    code, out, _ = repository.git.run_unchecked("merge-base", here.head, heads.onto)
    return out.decode().split()[0] if code == 0 and out else here.head


def _read_own_entries(content: bytes | None, beside: ManifestFileState) -> Mapping[str, Any] | None:
    """Return a sidecar's entries; None if it says nothing about the desired state."""
    if content is None:
        return None if beside.exists else {}
    return parse_entries(content) or None


def _list_changed_jobs(
    was: Mapping[str, Any], is_: Mapping[str, Any]
) -> tuple[tuple[str, str, str], ...]:
    names = [name for name in {**was, **is_} if was.get(name) != is_.get(name)]
    return tuple((get_name(name), _get_phase(was, name), _get_phase(is_, name)) for name in names)


def _get_phase(entries: Mapping[str, Any], name: str) -> str:
    phase = entries.get(name, {}).get("phase")
    return phase if isinstance(phase, str) else ""
