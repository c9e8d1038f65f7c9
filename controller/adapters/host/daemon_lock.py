"""One daemon for each tree and shard: a lock that ends with the process that holds it.

Two daemons on one tree do no harm, because the token of a submission arbitrates; they only pay
for each look twice. So where a file system has no locks the daemon goes on without.
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

from controller.adapters.host.tree_files import OutsideTreeError, root_of
from controller.adapters.host.tree_writes import create, make_folder, open_in_place, refuse_link
from controller.core.sharding import Shard

_log = logging.getLogger(__name__)

FOLDER = ".bedrock-jobs"
_IGNORED = b"*\n"
_BUSY = {errno.EAGAIN, errno.EACCES}


def lock_path(root: Path, shard: Shard) -> Path:
    """Return the lock's path in the folder of a tree, or in the one that a link to it lies in.

    A link may lead elsewhere tomorrow, and both trees are the same one to who watches it.
    """
    is_tree = root.is_dir() and not root.is_symlink()
    folder = root if is_tree else root.absolute().parent
    return folder / FOLDER / f"watch-{shard.index}-of-{shard.count}.lock"


@contextlib.contextmanager
def only_one(
    path: Path, leaves: Callable[[], bool], pause: Callable[[float], object]
) -> Iterator[bool]:
    """While the context lasts no other process has this lock; yields whether it was got.

    It is waited for, and that is told once. ``leaves`` ends the wait, and ``pause`` lets so many
    seconds pass in it. Raises OutsideTreeError where a link would have it write elsewhere.
    """
    try:
        descriptor = _opened(path)
    except OutsideTreeError:
        raise
    except OSError as error:
        told = {"lock": str(path), "error": error.strerror}
        _log.warning("no lock can be had here: nothing keeps a second daemon out", extra=told)
        yield True
        return
    try:
        yield _acquired(descriptor, path, leaves, pause)
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    root = root_of(path.parent.parent)
    make_folder(root, str(path.parent))
    ignored = str(path.parent / ".gitignore")
    refuse_link(root, ignored)
    if not root.exists(ignored):
        create(root, ignored, _IGNORED)
    return open_in_place(root, str(path))


def _acquired(
    descriptor: int, path: Path, leaves: Callable[[], bool], pause: Callable[[float], object]
) -> bool:
    told = False
    while not leaves():
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _BUSY:
                extra = {"lock": str(path), "error": error.strerror}
                _log.warning("locks do not work here: none keeps a second daemon out", extra=extra)
                return True
            if not told:
                told = True
                by = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
                waits = "another daemon watches this tree and shard: waiting for its end"
                _log.warning(waits, extra={"lock": str(path), "holder": by})
            pause(1.0)
        else:
            # Who has it is for people to read: on a full disk the lock is one all the same.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} on {socket.gethostname()}\n".encode(), 0)
            return True
    return False
