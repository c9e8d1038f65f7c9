"""Read files of a tree, contained in its root; a file is absent only if the disk says so.

A tree is untrusted input: a link in it may lead to another place inside the root, never out of it.
Every query has three answers: present, absent, or unknown, which raises an exception. Writing is in
``tree_writes``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
ABSENT: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_REPOSITORY: Final = ".git"


class FileUnreadableError(OSError):
    """Whether a file exists, or its content, is unknown: never treat it as absent.

    ``path`` names it, ``text`` says why; ``errno`` and ``strerror`` are the system's.
    """

    def __init__(self, path: str, text: str, number: int = errno.EIO) -> None:
        super().__init__(number, text, path)
        self.path, self.text = path, text


class NotRegularError(FileUnreadableError):
    """The path leads to a folder, a pipe or a device, never read as a file."""


class TooLargeError(FileUnreadableError):
    """The file is larger than its reader accepts."""


class OutsideTreeError(OSError):
    """A symbolic link leads out of the tree, or nowhere; nothing was read or written there.

    It is an OSError, so that code that reports a failed write reports this as well.
    """

    def __init__(self, path: str, text: str = "the symbolic link leads out of the tree") -> None:
        super().__init__(errno.ELOOP, text, path)
        self.path, self.text = path, text


class EntryType:
    """The type of a folder's entry; links are not followed."""

    FILE: Final = "file"
    FOLDER: Final = "folder"
    LINK: Final = "link"
    OTHER: Final = "other"


class FolderEntry(NamedTuple):
    """An entry of a folder; ``kind`` is one of ``Kind``."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class TreeRoot:
    """A tree, given by its resolved root folder.

    Folders are resolved once in the life of an instance: create one for each pass.
    """

    path: str
    _known: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def locate(cls, folder: str | Path) -> TreeRoot:
        """Return the tree at a folder, whose own path is trusted; a missing one is empty."""
        text = os.fspath(folder)
        return cls(resolve_path(text) or os.path.realpath(text))

    def contains(self, real: str) -> bool:
        """Return whether a resolved path is the root or below it."""
        return real == self.path or real.startswith(os.path.join(self.path, ""))

    def resolve(self, path: str) -> str | None:
        """Return where a path leads, or None where nothing exists.

        Raises OutsideTreeError, also for a link that leads nowhere, and FileUnreadableError.
        """
        placed = self.resolve_parent(path)
        if placed is None:
            return None
        found = _lstat(placed)
        if found is None or not stat.S_ISLNK(found.st_mode):
            return placed if found is not None else None
        return self._resolve_link(placed, path)

    def resolve_folder(self, path: str) -> str | None:
        """Return where a folder's path leads, resolved once; None if it is absent."""
        known = self._known.get(path)
        if known is None:
            known = self._check_inside(resolve_path(path or "."), path)
            if known is not None:
                self._known[path] = known
        return known

    def resolve_parent(self, path: str) -> str | None:
        """Return a path with its folder resolved and inside; the last part may be a link."""
        folder, name = os.path.split(path)
        if name in {"", ".", ".."}:
            return self.resolve_folder(path)
        try:
            real = self.resolve_folder(folder)
        except OutsideTreeError:
            # The path that an operator typed may reach the root through a link.
            if (whole := resolve_path(path)) is None or not self.contains(whole):
                raise
            return whole
        return None if real is None else f"{real.rstrip('/')}/{name}"

    def exists(self, path: str) -> bool:
        """Return whether a path exists, even if only as a link."""
        return self.lstat(path) is not None

    def lstat(self, path: str) -> os.stat_result | None:
        """Return the status of a path, for a link its own; None if it is absent."""
        placed = self.resolve_parent(path)
        return None if placed is None else _lstat(placed)

    def stat(self, path: str) -> os.stat_result | None:
        """Return the status of the file that a path leads to; None if it is absent."""
        real = self.resolve(path)
        return None if real is None else _lstat(real)

    def is_file(self, path: str) -> bool:
        """Return whether a path leads to a regular file of the tree."""
        found = self.stat(path)
        return found is not None and stat.S_ISREG(found.st_mode)

    def is_folder(self, path: str) -> bool:
        """Return whether a path leads to a folder of the tree."""
        found = self.stat(path)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def read(self, path: str, largest: int = MAX_FILE_BYTES) -> bytes | None:
        """Return the bytes of a regular file; None if it is absent.

        Raises OutsideTreeError; NotRegularError, TooLargeError or else FileUnreadableError.
        """
        placed = self.resolve_parent(path)
        if placed is None:
            return None
        try:
            return _read_file(placed, path, largest)
        except FileUnreadableError as error:
            if error.errno != errno.ELOOP:
                raise
        return _read_file(self._resolve_link(placed, path), path, largest)

    def list_folder(self, path: str) -> list[FolderEntry] | None:
        """Return a folder's entries sorted by name; None if it is absent."""
        real = self.resolve_folder(path)
        try:
            return None if real is None else _list_entries(real)
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise _make_unreadable_error(path, error) from error

    def walk(
        self,
        path: str,
        unreadable: Callable[[FileUnreadableError], object],
        hidden: tuple[str, ...] = (".",),
    ) -> Iterator[tuple[str, list[FolderEntry]]]:
        """Yield a folder and all folders below it with their entries, without links and ``.git``.

        Names that begin with ``hidden`` are skipped. ``unreadable`` receives the error of each
        folder that cannot be listed.
        """
        pending = [path]
        while pending:
            folder = pending.pop()
            try:
                entries = self.list_folder(folder)
            except FileUnreadableError as error:
                unreadable(error)
                continue
            inner = [
                os.path.join(folder, one.name)
                for one in entries or ()
                if one.kind == EntryType.FOLDER
                and one.name != _REPOSITORY
                and not one.name.startswith(hidden)
            ]
            if entries is not None:
                yield folder, entries
            pending.extend(reversed(inner))

    def _resolve_link(self, placed: str, path: str) -> str:
        """Return where a link leads, which must be inside the tree."""
        real = self._check_inside(resolve_path(placed), path)
        if real is None:
            raise OutsideTreeError(path, "the symbolic link leads nowhere")
        return real

    def _check_inside(self, real: str | None, path: str) -> str | None:
        if real is None:
            return None
        if not self.contains(real):
            raise OutsideTreeError(path)
        below = real[len(self.path) :].lower().split("/")
        # Git's own folder may hold credentials, and no commit can hold a file there.
        if _REPOSITORY in below and _REPOSITORY not in path.lower().split("/"):
            raise OutsideTreeError(path, "the symbolic link leads into a .git folder")
        return real


def find_tree_root(path: str | Path) -> TreeRoot:
    """Return the tree that a path is in: the outermost git work tree, else the path's folder.

    The path as typed comes first, so that ``jobs`` in a work tree cannot lead out of it; then its
    real path, for links such as git-sync's ``current``. Raises FileUnreadableError.
    """
    typed = os.path.abspath(path)
    folder = typed if _is_folder(typed) else os.path.dirname(typed)
    real = resolve_path(folder) or os.path.realpath(folder)
    for own in (folder, real):
        tops = [one for one in walk_up(own) if _lstat(f"{one}/{_REPOSITORY}") is not None]
        if tops:
            return TreeRoot.locate(tops[-1])
    return TreeRoot(real)


def resolve_path(path: str) -> str | None:
    """Return where a path leads, free of links; None if nothing exists.

    Nothing is checked: only for paths that an operator typed. Raises FileUnreadableError.
    """
    try:
        return os.path.realpath(path, strict=True)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise _make_unreadable_error(path, error) from error


def is_stream(path: str) -> bool:
    """Return whether a path that an operator typed is a pipe or a character device."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        if error.errno in ABSENT:
            return False
        raise _make_unreadable_error(path, error) from error
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def read_open(descriptor: int, path: str, largest: int) -> bytes:
    """Return a regular file's bytes up to its present end; raises OSError."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        if stat.S_ISDIR(found.st_mode):
            raise NotRegularError(path, os.strerror(errno.EISDIR), errno.EISDIR)
        raise NotRegularError(path, "this is not a regular file", errno.EINVAL)
    if found.st_size > largest:
        raise _make_too_large_error(path, largest)
    # Asking for one byte more than the size shows the end of the file with a single call.
    data = os.read(descriptor, found.st_size + 1)
    return data if len(data) == found.st_size else _read_rest(descriptor, data, path, largest)


def _is_folder(path: str) -> bool:
    real = resolve_path(path)
    found = None if real is None else _lstat(real)
    return found is not None and stat.S_ISDIR(found.st_mode)


def walk_up(folder: str) -> Iterator[str]:
    """Yield a folder and all folders above it."""
    yield folder
    while (above := os.path.dirname(folder)) != folder:
        folder = above
        yield folder


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise _make_unreadable_error(path, error) from error


def _list_entries(real: str) -> list[FolderEntry]:
    with os.scandir(real) as entries:
        found = [FolderEntry(entry.name, _get_type(entry)) for entry in entries]
    return sorted(found, key=attrgetter("name"))


def _get_type(entry: os.DirEntry[str]) -> str:
    if entry.is_file(follow_symlinks=False):
        return EntryType.FILE
    if entry.is_symlink():
        return EntryType.LINK
    return EntryType.FOLDER if entry.is_dir(follow_symlinks=False) else EntryType.OTHER


def _read_file(real: str, path: str, largest: int) -> bytes | None:
    """Read a file without following a link, which raises FileUnreadableError with ELOOP."""
    try:
        descriptor = os.open(real, _READ)
    except OSError as error:
        if error.errno in ABSENT:
            return None
        raise _make_unreadable_error(path, error) from error
    try:
        return read_open(descriptor, path, largest)
    except FileUnreadableError:
        raise
    except OSError as error:
        raise _make_unreadable_error(path, error) from error
    finally:
        os.close(descriptor)


def _read_rest(descriptor: int, data: bytes, path: str, largest: int) -> bytes:
    """Read on after a short read, or in a growing file, until its end."""
    while len(data) <= largest:
        more = os.read(descriptor, largest + 1 - len(data))
        if not more:
            return data
        data += more
    raise _make_too_large_error(path, largest)


def _make_too_large_error(path: str, largest: int) -> TooLargeError:
    return TooLargeError(path, f"the file is larger than {largest} bytes", errno.EFBIG)


def _make_unreadable_error(path: str, error: OSError) -> FileUnreadableError:
    return FileUnreadableError(path, error.strerror or str(error), error.errno or errno.EIO)
