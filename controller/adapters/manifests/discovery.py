"""The files that are manifests, found under the given paths and read within bounds."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.host.tree_bounds import (
    PathLocation,
    TreeBounds,
    locate_path,
    make_unreadable_problem,
)
from controller.adapters.host.tree_files import (
    EntryType,
    FileUnreadableError,
    FolderEntry,
    NotRegularError,
    OutsideTreeError,
    TooLargeError,
    TreeRoot,
)
from controller.core.documents.file_names import is_json, is_manifest, is_sidecar
from controller.core.model import Problem, Source
from controller.core.problems import Code

MAX_MANIFEST_BYTES = 1 << 20
# A file of this size may still hold so many values that reading it takes a second.
_LARGE_BYTES = 200_000
_MAX_PARTS = 100_000
# No name of a file is longer than 255 bytes, and a sidecar is written under one that is longer.
_MAX_NAME_BYTES = 200
_LINK_HINT = "put the file itself in the tree, or delete the link"


class PathMissingError(Exception):
    """A path that was given by name does not exist; a mistake in the command, not in a manifest."""

    def __init__(self, path: str, what: str = "file or folder") -> None:
        super().__init__(f"{path}: no such {what}")
        self.path = Path(path)


class UnusableFileError(Exception):
    """A file that cannot be read, or is too large to be a manifest."""

    def __init__(self, code: Code, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint

    def make_problem(self, path: str) -> Problem:
        """Return the problem of the file as a whole."""
        return Problem(self.code.code, self.message, Source(path), self.hint)


@dataclass(frozen=True, slots=True)
class DiscoveredFiles:
    """The manifests' files in a fixed order, and what of the tree cannot be one.

    ``bounds`` gives for each file how far the files reach that it is read with.
    """

    files: tuple[str, ...] = ()
    bounds: tuple[TreeBounds, ...] = ()
    problems: tuple[Problem, ...] = ()


def discover_files(paths: Iterable[Path], *, named: bool = False) -> DiscoveredFiles:
    """Every manifest's file under the paths is found once, in the order of the paths' names.

    A path given by name is taken whatever it is called. ``named`` says that --config names the
    fleet's file. Raises PathMissingError for a path that does not exist.
    """
    search = _Search(named=named)
    for path in paths:
        search.add(os.fspath(path))
    files = dict(search.files)
    return DiscoveredFiles(tuple(files), tuple(files.values()), tuple(search.problems))


class _Search:
    """One discovery: each real file counts once, by whichever name it is met first."""

    def __init__(self, *, named: bool) -> None:
        self.files: dict[str, TreeBounds] = {}
        self.problems: list[Problem] = []
        self._named = named
        self._met: set[str] = set()
        self._links: list[tuple[str, str]] = []

    def add(self, path: str) -> None:
        """Take in what a path leads to; raises PathMissingError where it leads nowhere."""
        ground = locate_path(path, named=self._named)
        root = ground.bounds.root
        try:
            real = _resolve_named(path, root)
            found = root.stat(path)
        except (FileUnreadableError, OutsideTreeError) as error:
            self.problems.append(_make_file_error(error).make_problem(path))
            return
        if found is not None and stat.S_ISDIR(found.st_mode):
            self._add_folder(path, real, ground.bounds)
        else:
            self._add_file(path, real, ground.bounds)
        self._follow_links(ground)

    def _add_file(self, path: str, real: str, bounds: TreeBounds) -> None:
        if len(os.fsencode(os.path.basename(path))) > _MAX_NAME_BYTES:
            # Its sidecar could not even be looked for, and would count as an unread record.
            message = f"the file's name is longer than {_MAX_NAME_BYTES} bytes"
            hint = "rename it: its status is written beside it under a longer name"
            self.problems.append(Problem(Code.NOT_READABLE.code, message, Source(path), hint))
        elif real not in self._met:
            self._met.add(real)
            self.files[path] = bounds

    def _add_folder(self, path: str, real: str, bounds: TreeBounds) -> None:
        """Take in a folder and all below it; links wait until everything real is known."""
        pending = [(path, real)]
        while pending:
            folder, real_folder = pending.pop()
            if real_folder in self._met:
                continue
            self._met.add(real_folder)
            inner = []
            start = os.path.join(folder, "")
            for name, kind in self._list_entries(folder, bounds.root):
                if name[0] == ".":
                    continue
                inside = start + name
                if kind == EntryType.LINK:
                    self._links.append((inside, name))
                elif kind == EntryType.FOLDER:
                    inner.append((inside, f"{real_folder}/{name}"))
                elif is_manifest(name) and (kind == EntryType.FILE or not is_json(name)):
                    self._add_file(inside, f"{real_folder}/{name}", bounds)
            pending.extend(reversed(inner))

    def _list_entries(self, folder: str, root: TreeRoot) -> Sequence[FolderEntry]:
        """Return what a folder holds, by name; what cannot be listed is a problem."""
        try:
            return root.list_folder(folder) or ()
        except (FileUnreadableError, OutsideTreeError) as error:
            self.problems.append(make_unreadable_problem(folder, error.text))
            return ()

    def _follow_links(self, ground: PathLocation) -> None:
        """Take in what the links lead to, as long as that is in the tree."""
        while self._links:
            path, name = self._links.pop(0)
            folder = os.path.isdir(path)
            if not (folder or is_manifest(name) or is_sidecar(name)):
                continue
            try:
                real = ground.bounds.root.resolve(path)
            except (FileUnreadableError, OutsideTreeError) as error:
                self.problems.append(_make_file_error(error).make_problem(path))
                continue
            # A sidecar is not read here, but one that leads out holds jobs: that is said at once.
            is_wanted = folder or is_manifest(name)
            if real is not None and is_wanted and self._is_in_fleet(ground, path, real):
                take = self._add_folder if folder else self._add_file
                take(path, real, ground.bounds)

    def _is_in_fleet(self, ground: PathLocation, path: str, real: str) -> bool:
        """Whether a link stays in its fleet: what another one governs is another one's to run."""
        other = locate_path(real, named=self._named)
        if self._named or other.fleet_folder in {ground.fleet_folder, None}:
            return True
        message = "the symbolic link leads to the manifests of another fleet"
        self.problems.append(
            Problem(Code.NESTED_FLEET.code, message, Source(path), "delete the link")
        )
        return False


def _resolve_named(path: str, root: TreeRoot) -> str:
    """Return where a path leads that was given by name."""
    try:
        real = root.resolve(path)
    except OutsideTreeError:
        if not os.path.lexists(path):
            raise PathMissingError(path) from None
        raise
    if real is None:
        raise PathMissingError(path)
    return real


def read_content(path: str, root: TreeRoot) -> bytes:
    """Return a file's bytes; nothing but a regular file of the tree, of bounded size, is ever read.

    Raises UnusableFileError for everything else, at once: a pipe is not waited for.
    """
    try:
        data = root.read(path, MAX_MANIFEST_BYTES)
    except (FileUnreadableError, OutsideTreeError) as error:
        raise _make_file_error(error) from error
    if data is None:
        raise UnusableFileError(*_describe_unreadable(os.strerror(errno.ENOENT)))
    if len(data) > _LARGE_BYTES and data.count(b"\n") + data.count(b",") > _MAX_PARTS:
        message = f"the file has more than {_MAX_PARTS} lines and commas"
        raise UnusableFileError(Code.TOO_LARGE, message, "split it into several files")
    return data


def _make_file_error(error: FileUnreadableError | OutsideTreeError) -> UnusableFileError:
    """Return what a reader of the tree found as a file that cannot be a manifest."""
    if error.errno == errno.ELOOP:
        circular = isinstance(error, FileUnreadableError)
        text = "the symbolic link leads nowhere" if circular else error.text
        return UnusableFileError(Code.OUTSIDE_TREE, text, _LINK_HINT)
    if isinstance(error, TooLargeError):
        hint = "split it into several files"
        return UnusableFileError(Code.TOO_LARGE, "the file is larger than 1 MiB", hint)
    if isinstance(error, NotRegularError):
        return UnusableFileError(Code.NOT_READABLE, "this is not a regular file")
    return UnusableFileError(*_describe_unreadable(error.text))


def _describe_unreadable(why: str) -> tuple[Code, str, str]:
    return (
        Code.NOT_READABLE,
        f"the file cannot be read: {why}",
        "check its type and its permissions",
    )
