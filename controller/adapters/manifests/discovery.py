"""The files that are manifests, found under the given paths and read within bounds."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.adapters.host.tree_bounds import Bounds, Ground, ground_of, unknown
from controller.adapters.host.tree_files import (
    FileUnreadableError,
    Kind,
    Listed,
    NotRegularError,
    OutsideTreeError,
    TooLargeError,
    TreeRoot,
)
from controller.core.documents.file_names import is_json, is_manifest, is_sidecar
from controller.core.model import Problem, Source
from controller.core.problems import Code

LARGEST = 1 << 20
# A file of this size may still hold so many values that reading it takes a second.
_LARGE = 200_000
_MOST_PARTS = 100_000
# No name of a file is longer than 255 bytes, and a sidecar is written under one that is longer.
_LONGEST_NAME = 200
_LINK_HINT = "put the file itself in the tree, or delete the link"


class PathMissingError(Exception):
    """A path that was given by name does not exist; a mistake in the command, not in a manifest."""

    def __init__(self, path: str, what: str = "file or folder") -> None:
        super().__init__(f"{path}: no such {what}")
        self.path = Path(path)


class UnfitFileError(Exception):
    """A file that cannot be read, or is too large to be a manifest."""

    def __init__(self, code: Code, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint

    def problem(self, path: str) -> Problem:
        """Return the problem of the file as a whole."""
        return Problem(self.code.code, self.message, Source(path), self.hint)


@dataclass(frozen=True, slots=True)
class Found:
    """The manifests' files in a fixed order, and what of the tree cannot be one.

    ``bounds`` gives for each file how far the files reach that it is read with.
    """

    files: tuple[str, ...] = ()
    bounds: tuple[Bounds, ...] = ()
    problems: tuple[Problem, ...] = ()


def discover(paths: Iterable[Path], *, named: bool = False) -> Found:
    """Every manifest's file under the paths is found once, in the order of the paths' names.

    A path given by name is taken whatever it is called. ``named`` says that --config names the
    fleet's file. Raises PathMissingError for a path that does not exist.
    """
    search = _Search(named=named)
    for path in paths:
        search.add(os.fspath(path))
    files = dict(search.files)
    return Found(tuple(files), tuple(files.values()), tuple(search.problems))


class _Search:
    """One discovery: each real file counts once, by whichever name it is met first."""

    def __init__(self, *, named: bool) -> None:
        self.files: dict[str, Bounds] = {}
        self.problems: list[Problem] = []
        self._named = named
        self._met: set[str] = set()
        self._links: list[tuple[str, str]] = []

    def add(self, path: str) -> None:
        """Take in what a path leads to; raises PathMissingError where it leads nowhere."""
        ground = ground_of(path, named=self._named)
        root = ground.bounds.root
        try:
            real = _present(path, root)
            found = root.stat(path)
        except (FileUnreadableError, OutsideTreeError) as error:
            self.problems.append(_unfit(error).problem(path))
            return
        if found is not None and stat.S_ISDIR(found.st_mode):
            self._folder(path, real, ground.bounds)
        else:
            self._file(path, real, ground.bounds)
        self._follow(ground)

    def _file(self, path: str, real: str, bounds: Bounds) -> None:
        if len(os.fsencode(os.path.basename(path))) > _LONGEST_NAME:
            # Its sidecar could not even be looked for, and would count as an unread record.
            message = f"the file's name is longer than {_LONGEST_NAME} bytes"
            hint = "rename it: its status is written beside it under a longer name"
            self.problems.append(Problem(Code.NOT_READABLE.code, message, Source(path), hint))
        elif real not in self._met:
            self._met.add(real)
            self.files[path] = bounds

    def _folder(self, path: str, real: str, bounds: Bounds) -> None:
        """Take in a folder and all below it; links wait until everything real is known."""
        pending = [(path, real)]
        while pending:
            folder, real_folder = pending.pop()
            if real_folder in self._met:
                continue
            self._met.add(real_folder)
            inner = []
            start = os.path.join(folder, "")
            for name, kind in self._entries(folder, bounds.root):
                if name[0] == ".":
                    continue
                inside = start + name
                if kind == Kind.LINK:
                    self._links.append((inside, name))
                elif kind == Kind.FOLDER:
                    inner.append((inside, f"{real_folder}/{name}"))
                elif is_manifest(name) and (kind == Kind.FILE or not is_json(name)):
                    self._file(inside, f"{real_folder}/{name}", bounds)
            pending.extend(reversed(inner))

    def _entries(self, folder: str, root: TreeRoot) -> Sequence[Listed]:
        """Return what a folder holds, by name; what cannot be listed is a problem."""
        try:
            return root.list_folder(folder) or ()
        except (FileUnreadableError, OutsideTreeError) as error:
            self.problems.append(unknown(folder, error.text))
            return ()

    def _follow(self, ground: Ground) -> None:
        """Take in what the links lead to, as long as that is in the tree."""
        while self._links:
            path, name = self._links.pop(0)
            folder = os.path.isdir(path)
            if not (folder or is_manifest(name) or is_sidecar(name)):
                continue
            try:
                real = ground.bounds.root.resolve(path)
            except (FileUnreadableError, OutsideTreeError) as error:
                self.problems.append(_unfit(error).problem(path))
                continue
            # A sidecar is not read here, but one that leads out holds jobs: that is said at once.
            is_wanted = folder or is_manifest(name)
            if real is not None and is_wanted and self._is_of(ground, path, real):
                take = self._folder if folder else self._file
                take(path, real, ground.bounds)

    def _is_of(self, ground: Ground, path: str, real: str) -> bool:
        """Whether a link stays in its fleet: what another one governs is another one's to run."""
        other = ground_of(real, named=self._named)
        if self._named or other.seat in {ground.seat, None}:
            return True
        message = "the symbolic link leads to the manifests of another fleet"
        self.problems.append(
            Problem(Code.NESTED_FLEET.code, message, Source(path), "delete the link")
        )
        return False


def _present(path: str, root: TreeRoot) -> str:
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


def content(path: str, root: TreeRoot) -> bytes:
    """Return a file's bytes; nothing but a regular file of the tree, of bounded size, is ever read.

    Raises UnfitFileError for everything else, at once: a pipe is not waited for.
    """
    try:
        data = root.read(path, LARGEST)
    except (FileUnreadableError, OutsideTreeError) as error:
        raise _unfit(error) from error
    if data is None:
        raise UnfitFileError(*_unreadable(os.strerror(errno.ENOENT)))
    if len(data) > _LARGE and data.count(b"\n") + data.count(b",") > _MOST_PARTS:
        message = f"the file has more than {_MOST_PARTS} lines and commas"
        raise UnfitFileError(Code.TOO_LARGE, message, "split it into several files")
    return data


def _unfit(error: FileUnreadableError | OutsideTreeError) -> UnfitFileError:
    """Return what a reader of the tree found as a file that cannot be a manifest."""
    if error.errno == errno.ELOOP:
        circular = isinstance(error, FileUnreadableError)
        text = "the symbolic link leads nowhere" if circular else error.text
        return UnfitFileError(Code.OUTSIDE_TREE, text, _LINK_HINT)
    if isinstance(error, TooLargeError):
        hint = "split it into several files"
        return UnfitFileError(Code.TOO_LARGE, "the file is larger than 1 MiB", hint)
    if isinstance(error, NotRegularError):
        return UnfitFileError(Code.NOT_READABLE, "this is not a regular file")
    return UnfitFileError(*_unreadable(error.text))


def _unreadable(why: str) -> tuple[Code, str, str]:
    return (
        Code.NOT_READABLE,
        f"the file cannot be read: {why}",
        "check its type and its permissions",
    )
