"""Files of a tree, written inside its root: whole or not at all, one writer at a time.

Every write goes through the resolved folder and never follows a link in the last part of a path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator, Set

from controller.adapters.host.folder_writes import FOLDER_FLAGS, LOCK_FLAGS, OpenFolder
from controller.adapters.host.tree_files import OutsideTreeError, TreeRoot, walk_up

_STREAM = os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC
_SHARED = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def replace(root: TreeRoot, path: str, content: bytes, mode: int | None = None) -> None:
    """Write beside the file, flush to disk, then take its place in one step.

    A link is replaced itself; what it leads to stays. ``mode`` gives the new file's permissions;
    without it they are those of any new file. Raises OSError, such as OutsideTreeError.
    """
    above, name = os.path.split(path)
    with open_folder(root, above) as folder:
        folder.replace(name, content, mode)


def rewrite(root: TreeRoot, path: str, content: bytes) -> None:
    """Replace what a path leads to inside the tree; a link stays one, permissions stay the same."""
    real = root.resolve(path) or path
    found = root.stat(real)
    replace(root, real, content, None if found is None else stat.S_IMODE(found.st_mode))


def create(root: TreeRoot, path: str, content: bytes) -> bool:
    """Create a file; return False, and change nothing, where something exists already."""
    above, name = os.path.split(path)
    with open_folder(root, above) as folder:
        return folder.create(name, content)


def remove(root: TreeRoot, path: str) -> None:
    """Remove a file or a link, never what a link leads to."""
    above, name = os.path.split(path)
    with open_folder(root, above) as folder:
        folder.delete_file(name)


def remove_abandoned(root: TreeRoot, path: str, seconds: float) -> None:
    """Remove a file that nobody has written to for so long."""
    found = root.lstat(path)
    if found is not None and time.time() - found.st_mtime > seconds:
        remove(root, path)


def make_folder(root: TreeRoot, path: str, mode: int = 0o777) -> None:
    """Make a folder and those above it that are missing; one that exists is left as it is."""
    if root.resolve_folder(path) is not None:
        if not root.is_folder(path):
            raise FileExistsError(errno.EEXIST, "a file has this folder's name", path)
        return
    if os.path.realpath(path) == root.path:
        # The path of the root itself is trusted.
        os.makedirs(root.path, mode, exist_ok=True)
        return
    own = path.rstrip("/")
    make_folder(root, os.path.dirname(own), mode)
    above, name = os.path.split(own)
    with open_folder(root, above) as folder:
        try:
            os.mkdir(name, mode, dir_fd=folder.descriptor)
        except FileExistsError:
            if root.resolve_folder(own) is None:
                raise OutsideTreeError(own, "the symbolic link leads nowhere") from None
        # What is flushed inside is lost with a folder that is not on disk itself.
        folder.flush()


def flush(root: TreeRoot, path: str) -> None:
    """Flush a file that exists, and its name: its writer may have died before doing so.

    Of a link the file that it leads to is flushed. Raises OSError.
    """
    above, name = os.path.split(_require_path(root.resolve(path), path))
    with open_folder(root, above) as folder:
        descriptor = os.open(name, LOCK_FLAGS, dir_fd=folder.descriptor)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        folder.flush()


def flush_folders(root: TreeRoot, path: str, done: Set[str] = frozenset()) -> list[str]:
    """Flush a folder and those above it, each of which holds the name of the one before.

    Ends at the top of the file system, or at a folder that is ``done``, and returns the folders.
    One that this user may not open is left out.
    """
    real = _require_path(root.resolve_folder(path), path)
    device, found = os.stat(real).st_dev, list[str]()
    for folder in walk_up(real):
        if folder in done or os.stat(folder).st_dev != device:
            break
        with contextlib.suppress(PermissionError):
            _flush_at(folder)
        found.append(folder)
    return found


def open_in_place(root: TreeRoot, path: str, mode: int = 0o666) -> int:
    """Return a descriptor to read and write a regular file, created where it is missing.

    For files that stay while processes share them, such as locks. Raises OutsideTreeError for a
    link, whatever it leads to.
    """
    refuse_link(root, path)
    above, name = os.path.split(path)
    with open_folder(root, above) as folder:
        descriptor = os.open(name, _SHARED, mode, dir_fd=folder.descriptor)
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
def lock_file(root: TreeRoot, path: str) -> Iterator[None]:
    """While the context lasts no other thread or process that locks here has the file.

    The lock is on the file, or on its folder while there is no file, so none is left behind.
    """
    above, name = os.path.split(path)
    with open_folder(root, above) as folder, folder.lock(name):
        yield


@contextlib.contextmanager
def open_folder(root: TreeRoot, path: str) -> Iterator[OpenFolder]:
    """Yield a folder that is inside the root now; names set in it are flushed at the end."""
    folder = enter_folder(root, path)
    try:
        yield folder
        if folder.has_changed:
            folder.flush()
    finally:
        folder.close()


def enter_folder(root: TreeRoot, path: str) -> OpenFolder:
    """Return a folder that is inside the root now, to be closed by the caller."""
    # Resolved anew: a folder may have become a link since the pass began.
    real = _require_path(TreeRoot(root.path).resolve_folder(path), path)
    return OpenFolder(os.open(real, FOLDER_FLAGS))


def _flush_at(path: str) -> None:
    folder = OpenFolder(os.open(path, FOLDER_FLAGS))
    try:
        folder.flush()
    finally:
        folder.close()


def _require_path(real: str | None, path: str) -> str:
    if real is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return real
