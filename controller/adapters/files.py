"""Files read without waiting, and replaced whole, by one writer at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".tmp"
_LARGEST = 16 * 1024 * 1024
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def plain_bytes(path: str) -> bytes:
    """Return a plain file's bytes, nothing where there is none; never wait on a pipe."""
    try:
        descriptor = os.open(path, _LOOK)
    except FileNotFoundError:
        return b""
    except OSError as error:
        if error.errno == errno.ELOOP:
            return b""
        raise
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return _read(descriptor, found.st_size) if stat.S_ISREG(found.st_mode) else b""
    finally:
        os.close(descriptor)


def _read(descriptor: int, size: int) -> bytes:
    """Read to the end, wherever that is by now; one step for a file of the size that was told."""
    parts: list[bytes] = []
    step = min(size, _LARGEST) + 1
    left = _LARGEST
    while left > 0:
        # A room of the largest size for each of many thousand files would cost more than they do.
        part = os.read(descriptor, min(left, step))
        parts.append(part)
        left -= len(part)
        if len(part) < step:
            break
    return b"".join(parts)


def replace(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write beside the file, flush to disk, then take its place in one step.

    ``mode`` gives the new file's permissions; without it they are those of any new file.
    """
    with _beside(path, content, mode) as temporary:
        temporary.replace(path)
    _sync_folder(path.parent)


def create(path: Path, content: bytes) -> bool:
    """Put a file where there is none; False, and nothing is changed, where there is something.

    What is slow happens outside the folder's lock, so that new files in one folder wait for each
    other only as long as their renames take.
    """
    with _beside(path, content) as temporary, locked(str(path)):
        is_first = not os.path.lexists(path)
        if is_first:
            temporary.replace(path)
        else:
            temporary.unlink()
    if is_first:
        _sync_folder(path.parent)
    return is_first


@contextlib.contextmanager
def _beside(path: Path, content: bytes, mode: int | None = None) -> Iterator[Path]:
    """Yield a file that has the content on disk, to be put in place; it goes if that fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}{TEMPORARY}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield temporary
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; some file systems cannot, and then there is nothing to do."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """While the context lasts no other thread or process that asks here has the file.

    The lock is on the file, or on its folder while there is no file, so none is left behind. A
    file system without locks grants it to everybody.
    """
    while True:
        descriptor = _lockable(path)
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_current(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)


def _lockable(path: str) -> int:
    with contextlib.suppress(OSError):
        descriptor = os.open(path, _LOOK)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    return os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _is_current(descriptor: int, path: str) -> bool:
    """Whether what was locked is still what a writer would lock: files here are replaced."""
    held = os.fstat(descriptor)
    try:
        found = os.lstat(path)
    except OSError:
        return stat.S_ISDIR(held.st_mode)
    if stat.S_ISREG(found.st_mode):
        return os.path.samestat(held, found)
    return stat.S_ISDIR(held.st_mode)
