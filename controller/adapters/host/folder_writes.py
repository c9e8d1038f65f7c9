"""Files of one open folder: each written whole or not at all, one writer at a time.

Nothing here follows a link in a name. What a folder's new names are to last through a power
failure is flushed by ``OpenFolder.flush``, once for all of them.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
LOCK_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO})
"""Errors of opening a name that does not exist, or is a link or a socket."""
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Errors of flushing a folder on a file system that does not support it."""


@dataclass(slots=True)
class OpenFolder:
    """An open folder; ``has_changed`` says whether a name was set since the last flush."""

    descriptor: int
    has_changed: bool = False
    _status: os.stat_result = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._status = os.fstat(self.descriptor)

    def is_at(self, path: str) -> bool:
        """Return whether a path leads to this folder; False also where that is unknown."""
        try:
            return os.path.samestat(self._status, Path(path).stat())
        except OSError:
            return False

    def close(self) -> None:
        """Close the folder."""
        os.close(self.descriptor)

    def exists(self, name: str) -> bool:
        """Return whether something has a name, if only a link."""
        return self._stat_entry(name) is not None

    def replace(self, name: str, content: bytes, mode: int | None = None) -> None:
        """Write beside a file, flush to disk, then take its place in one step.

        ``mode`` gives the new file's permissions; without it they are those of any new file.
        """
        temporary = self.prepare(name, content, mode)
        with self._remove_on_error(temporary):
            self._rename(temporary, name)

    def prepare(self, name: str, content: bytes, mode: int | None = None) -> str:
        """Return the name of a temporary file that has the content on disk."""
        temporary = f".{name}.{os.getpid()}.{threading.get_ident()}{TEMPORARY_SUFFIX}"
        with self._remove_on_error(temporary):
            descriptor = self._open_new(temporary)
            try:
                _write_all(descriptor, content)
                if mode is not None:
                    os.fchmod(descriptor, mode)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return temporary

    def create(self, name: str, content: bytes) -> bool:
        """Create a file; return False, and change nothing, where something has its name."""
        temporary = self.prepare(name, content)
        (became,) = self.put_new([(temporary, name)])
        if isinstance(became, OSError):
            raise became
        return became

    def put_new(self, files: Sequence[tuple[str, str]]) -> Sequence[bool | OSError]:
        """Give prepared files their names, but none that exists; return what became of each.

        The folder is locked once for all of them: a writer of a file that does not exist yet has
        locked the folder.
        """
        with _hold_lock(self._reopen()):
            return [self._put_new(temporary, name) for temporary, name in files]

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[int | None]:
        """While the context lasts no other thread or process that locks here has the file.

        Yields the file's descriptor, at its beginning. Where there is no file its folder is locked,
        so that no lock file is left behind, and None is yielded.
        """
        while True:
            descriptor, status = self._open_lockable(name)
            with _hold_lock(descriptor):
                found = self._stat_entry(name)
                if found is None or not stat.S_ISREG(found.st_mode):
                    is_current = status is None
                else:
                    # Files here are replaced: this one may have been, while we waited.
                    is_current = status is not None and os.path.samestat(status, found)
                if is_current:
                    yield descriptor if status is not None else None
                    return

    def delete_file(self, name: str) -> None:
        """Remove a file or a link, never what a link leads to."""
        os.unlink(name, dir_fd=self.descriptor)

    def flush(self) -> None:
        """Make the names last; some file systems cannot flush a folder, and nothing can be done.

        Any other error means that a name may be lost: nothing may rest on it.
        """
        try:
            os.fsync(self.descriptor)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
        self.has_changed = False

    def _put_new(self, temporary: str, name: str) -> bool | OSError:
        try:
            with self._remove_on_error(temporary):
                if self.exists(name):
                    self.delete_file(temporary)
                    return False
                self._rename(temporary, name)
        except OSError as error:
            return error
        return True

    def _rename(self, temporary: str, name: str) -> None:
        folder = self.descriptor
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        self.has_changed = True

    @contextlib.contextmanager
    def _remove_on_error(self, temporary: str) -> Iterator[None]:
        """Remove a temporary file when the context fails."""
        try:
            yield
        except OSError:
            with contextlib.suppress(OSError):
                self.delete_file(temporary)
            raise

    def _open_new(self, name: str) -> int:
        try:
            return os.open(name, _NEW, 0o666, dir_fd=self.descriptor)
        except FileExistsError:
            # A process that was killed had our number, as the first one of every container has.
            self.delete_file(name)
            return os.open(name, _NEW, 0o666, dir_fd=self.descriptor)

    def _open_lockable(self, name: str) -> tuple[int, os.stat_result | None]:
        """Return a regular file's descriptor and status, or another one of the folder's."""
        try:
            descriptor = os.open(name, LOCK_FLAGS, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno not in _NO_FILE:
                raise
        else:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                return descriptor, status
            os.close(descriptor)
        return self._reopen(), None

    def _reopen(self) -> int:
        # Locks of one description would not exclude each other.
        return os.open(".", FOLDER_FLAGS, dir_fd=self.descriptor)

    def _stat_entry(self, name: str) -> os.stat_result | None:
        try:
            return os.lstat(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            return None


@contextlib.contextmanager
def _hold_lock(descriptor: int) -> Iterator[None]:
    """Lock a descriptor, and close it at the end."""
    try:
        # A file system without locks grants them to every caller.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    """Write bytes to the last one: a system call may take only some of them."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
