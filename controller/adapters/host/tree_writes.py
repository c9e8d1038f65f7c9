"""Files of a tree, written inside its root: whole or not at all, one writer at a time.

Every write goes through the resolved folder and never follows a link in the last part of a path.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import threading
import time
from collections.abc import Iterator, Set

from controller.adapters.host.tree_files import OutsideTreeError, TreeRoot, upward

TEMPORARY = ".tmp"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCKABLE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO})
"""What opening tells where there is nothing, a link or a socket."""
_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
"""Errors of flushing a folder on a file system that does not support it."""
_STREAM = os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC
_SHARED = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def replace(root: TreeRoot, path: str, content: bytes, mode: int | None = None) -> None:
    """Write beside the file, flush to disk, then take its place in one step.

    A link is replaced itself; what it leads to stays. ``mode`` gives the new file's permissions;
    without it they are those of any new file. Raises OSError, such as OutsideTreeError.
    """
    with _folder(root, path) as (folder, name), _beside(folder, name, content, mode) as temporary:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        _sync(folder)


def rewrite(root: TreeRoot, path: str, content: bytes) -> None:
    """Replace what a path leads to inside the tree; a link stays one, permissions stay the same."""
    real = root.resolve(path) or path
    found = root.stat(real)
    replace(root, real, content, None if found is None else stat.S_IMODE(found.st_mode))


def create(root: TreeRoot, path: str, content: bytes) -> bool:
    """Create a file; return False, and change nothing, where something exists already.

    What is slow happens outside the folder's lock, so that new files in one folder wait for each
    other only as long as their renames take.
    """
    with _folder(root, path) as (folder, name), _beside(folder, name, content) as temporary:
        with _locked(folder, name):
            is_first = _lstat(folder, name) is None
            if is_first:
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            else:
                os.unlink(temporary, dir_fd=folder)
        if is_first:
            _sync(folder)
    return is_first


def remove(root: TreeRoot, path: str) -> None:
    """Remove a file or a link, never what a link leads to."""
    with _folder(root, path) as (folder, name):
        os.unlink(name, dir_fd=folder)


def remove_abandoned(root: TreeRoot, path: str, seconds: float) -> None:
    """Remove a file that nobody has written to for so long."""
    found = root.lstat(path)
    if found is not None and time.time() - found.st_mtime > seconds:
        remove(root, path)


def make_folder(root: TreeRoot, path: str, mode: int = 0o777) -> None:
    """Make a folder and those above it that are missing; one that exists is left as it is."""
    if root.folder(path) is not None:
        if not root.is_folder(path):
            raise FileExistsError(errno.EEXIST, "a file has this folder's name", path)
        return
    if os.path.realpath(path) == root.path:
        # The path of the root itself is trusted.
        os.makedirs(root.path, mode, exist_ok=True)
        return
    own = path.rstrip("/")
    make_folder(root, os.path.dirname(own), mode)
    with _folder(root, own) as (folder, name):
        try:
            os.mkdir(name, mode, dir_fd=folder)
        except FileExistsError:
            if root.folder(own) is None:
                raise OutsideTreeError(own, "the symbolic link leads nowhere") from None
        # What is flushed inside is lost with a folder that is not on disk itself.
        _sync(folder)


def flush(root: TreeRoot, path: str) -> None:
    """Flush a file that exists, and its name: its writer may have died before doing so.

    Of a link the file that it leads to is flushed. Raises OSError.
    """
    real = _present(root.resolve(path), path)
    with _folder(root, real) as (folder, name):
        descriptor = os.open(name, _LOCKABLE, dir_fd=folder)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        _sync(folder)


def flush_folders(root: TreeRoot, path: str, done: Set[str] = frozenset()) -> list[str]:
    """Flush a folder and those above it, each of which holds the name of the one before.

    Ends at the top of the file system, or at a folder that is ``done``, and returns the folders.
    One that this user may not open is left out.
    """
    real = _present(root.folder(path), path)
    device, found = os.stat(real).st_dev, list[str]()
    for folder in upward(real):
        if folder in done or os.stat(folder).st_dev != device:
            break
        with contextlib.suppress(PermissionError):
            _sync_at(folder)
        found.append(folder)
    return found


def open_in_place(root: TreeRoot, path: str, mode: int = 0o666) -> int:
    """Return a descriptor to read and write a regular file, created where it is missing.

    For files that stay while processes share them, such as locks. Raises OutsideTreeError for a
    link, whatever it leads to.
    """
    refuse_link(root, path)
    with _folder(root, path) as (folder, name):
        descriptor = os.open(name, _SHARED, mode, dir_fd=folder)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise FileExistsError(errno.EEXIST, "something other than a file has this name", path)


def refuse_link(root: TreeRoot, path: str) -> None:
    """Raise OutsideTreeError where a link has the name of a file that is written in place."""
    found = root.lstat(path)
    if found is not None and stat.S_ISLNK(found.st_mode):
        raise OutsideTreeError(path, "a symbolic link has this file's name; remove it")


def write_stream(path: str, content: bytes) -> None:
    """Write to a pipe or a device that exists, such as /dev/stdout."""
    with os.fdopen(os.open(path, _STREAM), "wb") as stream:
        stream.write(content)


@contextlib.contextmanager
def locked(root: TreeRoot, path: str) -> Iterator[None]:
    """While the context lasts no other thread or process that asks here has the file.

    The lock is on the file, or on its folder while there is no file, so none is left behind. A
    file system without locks grants it to everybody.
    """
    with _folder(root, path) as (folder, name), _locked(folder, name):
        yield


@contextlib.contextmanager
def _folder(root: TreeRoot, path: str) -> Iterator[tuple[int, str]]:
    """Yield the descriptor of a path's folder, which is inside the root now, and the last part."""
    above, name = os.path.split(path)
    # Resolved anew: a folder may have become a link since the pass began.
    real = _present(TreeRoot(root.path).folder(above), above)
    descriptor = os.open(real, _FOLDER)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _beside(folder: int, name: str, content: bytes, mode: int | None = None) -> Iterator[str]:
    """Yield a file that has the content on disk, to be put in place; it goes if that fails."""
    temporary = f".{name}.{os.getpid()}.{threading.get_ident()}{TEMPORARY}"
    try:
        with os.fdopen(_created(folder, temporary), "wb") as file:
            file.write(content)
            file.flush()
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        yield temporary
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _created(folder: int, name: str) -> int:
    try:
        return os.open(name, _NEW, 0o666, dir_fd=folder)
    except FileExistsError:
        # A process that was killed had our number, as the first one of every container has.
        os.unlink(name, dir_fd=folder)
        return os.open(name, _NEW, 0o666, dir_fd=folder)


def _sync(folder: int) -> None:
    """Make a rename last; some file systems cannot flush a folder, and then nothing can be done.

    Any other error means that the rename may be lost: nothing may rest on it.
    """
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _sync_at(folder: str) -> None:
    descriptor = os.open(folder, _FOLDER)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _present(real: str | None, path: str) -> str:
    if real is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return real


@contextlib.contextmanager
def _locked(folder: int, name: str) -> Iterator[None]:
    while True:
        descriptor = _lockable(folder, name)
        try:
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_current(descriptor, folder, name):
                yield
                return
        finally:
            os.close(descriptor)


def _lockable(folder: int, name: str) -> int:
    try:
        descriptor = os.open(name, _LOCKABLE, dir_fd=folder)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
    else:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
    # Opened anew: locks of one description do not exclude each other.
    return os.open(".", _FOLDER, dir_fd=folder)


def _is_current(descriptor: int, folder: int, name: str) -> bool:
    """Whether what was locked is still what a writer would lock: files here are replaced."""
    held = os.fstat(descriptor)
    found = _lstat(folder, name)
    if found is not None and stat.S_ISREG(found.st_mode):
        return os.path.samestat(held, found)
    return stat.S_ISDIR(held.st_mode)


def _lstat(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return None
