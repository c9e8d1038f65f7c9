"""The files that are manifests, found under the given paths and read within bounds."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from controller.core.model import Problem, Source
from controller.core.problems import Code

LARGEST = 1 << 20
FLEET_FILE = "bedrock-jobs.yaml"
DEFAULTS = ("_defaults.yaml", "_defaults.yml")
# A file of this size may still hold so many values that reading it takes a second.
_LARGE = 200_000
_MOST_PARTS = 100_000
_SUFFIXES = (".yaml", ".yml")
_REPOSITORY = ".git"
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


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

    ``tops`` gives for each file the folder up to which defaults are looked for.
    """

    files: tuple[str, ...] = ()
    tops: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def discover(paths: Iterable[Path]) -> Found:
    """Every manifest's file under the paths is found once, in the order of the paths' names.

    A path given by name is taken whatever it is called. Raises PathMissingError for one that does
    not exist.
    """
    search = _Search()
    for path in paths:
        search.add(os.fspath(path))
    files = dict(search.files)
    return Found(tuple(files), tuple(files.values()), tuple(search.problems))


class _Search:
    """One discovery: each real file counts once, by whichever name it is met first."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._met: set[str] = set()
        self._links: list[tuple[str, str]] = []

    def add(self, path: str) -> None:
        if not os.path.lexists(path):
            raise PathMissingError(path)
        top = top_of(path)
        if os.path.isdir(path):
            self._folder(path, os.path.realpath(path), top)
        elif os.path.exists(path):
            self._file(path, os.path.realpath(path), top)
        else:
            self._refuse(path, "the symbolic link leads nowhere")
        self._follow(os.path.realpath(path), top)

    def _file(self, path: str, real: str, top: str) -> None:
        if real not in self._met:
            self._met.add(real)
            self.files[path] = top

    def _folder(self, path: str, real: str, top: str) -> None:
        """Take in a folder and all below it; links wait until everything real is known."""
        pending = [(path, real)]
        while pending:
            folder, real_folder = pending.pop()
            if real_folder in self._met:
                continue
            self._met.add(real_folder)
            inner = []
            for entry in self._entries(folder):
                name = entry.name
                if name.endswith(_SUFFIXES) and entry.is_file(follow_symlinks=False):
                    if is_manifest(name):
                        self._file(entry.path, f"{real_folder}/{name}", top)
                elif entry.is_symlink():
                    self._links.append((entry.path, name))
                elif entry.is_dir(follow_symlinks=False):
                    inner.append((entry.path, f"{real_folder}/{name}"))
                elif is_manifest(name):
                    self._file(entry.path, f"{real_folder}/{name}", top)
            pending.extend(reversed(inner))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """Return what a folder shows, files before folders of its own, by name."""
        try:
            with os.scandir(folder) as entries:
                shown = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            message = f"the folder cannot be read: {error.strerror}"
            source, hint = Source(folder), "check its permissions"
            self.problems.append(Problem(Code.NOT_READABLE.code, message, source, hint))
            return []
        return sorted(shown, key=attrgetter("name"))

    def _follow(self, root: str, top: str) -> None:
        """Take in what the links lead to, as long as that is in the tree."""
        while self._links:
            path, name = self._links.pop(0)
            real = os.path.realpath(path)
            folder = os.path.isdir(real)
            if not folder and not is_manifest(name):
                continue
            if not os.path.exists(real):
                self._refuse(path, "the symbolic link leads nowhere")
            elif os.path.commonpath((root, real)) != root:
                self._refuse(path, "the symbolic link leads out of the tree")
            elif folder:
                self._folder(path, real, top)
            else:
                self._file(path, real, top)

    def _refuse(self, path: str, message: str) -> None:
        hint = "put the file itself in the tree, or delete the link"
        self.problems.append(Problem(Code.OUTSIDE_TREE.code, message, Source(path), hint))


def is_manifest(name: str) -> bool:
    """Whether a file of this name is a manifest: YAML, not hidden, not kept for ourselves."""
    return name.endswith(_SUFFIXES) and name[0] not in "._" and name != FLEET_FILE


def top_of(path: str) -> str:
    """Return the folder up to which a path's defaults are looked for.

    It is the fleet's folder or the repository's, whichever is nearer, so that a manifest means
    the same whatever path it is found by; outside both it is the path's own folder.
    """
    own = os.path.abspath(path)
    if not os.path.isdir(own):
        own = os.path.dirname(own)
    marks = (FLEET_FILE, _REPOSITORY)
    for folder in upward(own):
        if any(os.path.lexists(f"{folder}/{mark}") for mark in marks):
            return folder
    return own


def upward(folder: str) -> Iterator[str]:
    """Yield an absolute folder and every one above it, the nearest first."""
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def content(path: str) -> bytes:
    """Return a file's bytes; nothing but a regular file of bounded size is ever read.

    Raises UnfitFileError for everything else, at once: a pipe is not waited for.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        raise _unreadable(error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnfitFileError(Code.NOT_READABLE, "this is not a regular file")
        data = b"" if status.st_size > LARGEST else os.read(descriptor, status.st_size + 1)
        if len(data) != status.st_size:
            data = _rest(descriptor, data, status.st_size)
    except OSError as error:
        raise _unreadable(error) from error
    finally:
        os.close(descriptor)
    if status.st_size > _LARGE and data.count(b"\n") + data.count(b",") > _MOST_PARTS:
        message = f"the file has more than {_MOST_PARTS} lines and commas"
        raise UnfitFileError(Code.TOO_LARGE, message, "split it into several files")
    return data


def _rest(descriptor: int, data: bytes, size: int) -> bytes:
    """Read on where a file's size did not tell its length: short reads, and files that grow."""
    while size <= LARGEST and len(data) <= LARGEST:
        more = os.read(descriptor, LARGEST + 1 - len(data))
        if not more:
            return data
        data += more
    hint = "split it into several files"
    raise UnfitFileError(Code.TOO_LARGE, "the file is larger than 1 MiB", hint)


def _unreadable(error: OSError) -> UnfitFileError:
    message = f"the file cannot be read: {error.strerror or error}"
    return UnfitFileError(Code.NOT_READABLE, message, "check its type and its permissions")
