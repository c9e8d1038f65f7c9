"""One daemon for each tree and shard: a lock that the kernel releases when its process ends.

Two daemons on one tree do no harm, because the submission token decides which Create counts; they
only make every call twice. So on a file system without locks the daemon runs without one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from controller.adapters.host.tree_files import OutsideTreeError, find_tree_root
from controller.adapters.host.tree_writes import create, make_folder, open_in_place, refuse_link
from controller.core.sharding import Shard

_log = logging.getLogger(__name__)

LOCK_FOLDER = ".bedrock-jobs"
_IGNORED = b"*\n"
_BUSY = {errno.EAGAIN, errno.EACCES}


def get_lock_path(root: Path, shard: Shard) -> Path:
    """Return the path of a tree's lock: in its folder, or beside the link that leads to it.

    A link may point to another folder tomorrow, but to a daemon that watches it, both are one tree.
    """
    is_tree = root.is_dir() and not root.is_symlink()
    folder = root if is_tree else root.absolute().parent
    return folder / LOCK_FOLDER / f"watch-{shard.index}-of-{shard.count}.lock"


@contextlib.contextmanager
def hold_lock(
    path: Path, leaves: Callable[[], bool], pause: Callable[[float], object]
) -> Iterator[bool]:
    """Hold the lock while the context lasts; yields whether it was taken.

    It is waited for, and that is logged once. ``leaves`` returns True to stop waiting, ``pause``
    sleeps meanwhile. Raises OutsideTreeError if a link would make it write outside the tree.
    """
    try:
        descriptor = _open_lock(path)
    except OutsideTreeError:
        raise
    except OSError as error:
        told = {"lock": str(path), "error": error.strerror}
        _log.warning("the lock file cannot be opened: nothing prevents a second daemon", extra=told)
        yield True
        return
    try:
        yield _wait_for_lock(descriptor, path, leaves, pause)
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    """Create the lock's folder and file and return the file's descriptor."""
    root = find_tree_root(path.parent.parent)
    make_folder(root, str(path.parent))
    ignored = str(path.parent / ".gitignore")
    refuse_link(root, ignored)
    if not root.exists(ignored):
        # Otherwise the user's git would list the lock as untracked.
        create(root, ignored, _IGNORED)
    return open_in_place(root, str(path))


def _wait_for_lock(
    descriptor: int, path: Path, leaves: Callable[[], bool], pause: Callable[[float], object]
) -> bool:
    """Wait for the lock; return False if the daemon was stopped first."""
    told = False
    while not leaves():
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _BUSY:
                extra = {"lock": str(path), "error": error.strerror}
                _log.warning(
                    "file locks do not work here: nothing prevents a second daemon", extra=extra
                )
                return True
            if not told:
                told = True
                by = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
                waits = "another daemon watches this tree and shard: waiting for it to end"
                _log.warning(waits, extra={"lock": str(path), "holder": by})
            pause(1.0)
        else:
            # The holder's name is only informative: on a full disk the lock still counts.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} on {socket.gethostname()}\n".encode(), 0)
            return True
    return False
