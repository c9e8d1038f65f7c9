"""File stamps: what distinguishes one state of a file from the next without reading it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Final, NamedTuple


class FileStamp(NamedTuple):
    """The state of a file; ``written`` (mtime) and ``changed`` (ctime) are in epoch nanoseconds.

    ``written`` can be set by any program; ``changed``, the time of the last change at all, cannot.
    """

    device: int
    inode: int
    size: int
    written: int
    changed: int


UNKNOWN_STAMP: Final = FileStamp(-1, -1, -1, sys.maxsize, sys.maxsize)
"""The stamp of a file whose state is unknown: it never settles, so the file is always read."""

# Time stamps advance with the kernel's tick, 10 ms at most; on old file systems by one or two
# seconds, recognisable by stamps without a fraction.
_YOUNG, _YOUNG_BY_SECONDS = 100_000_000, 3_000_000_000
_MILLISECOND = 1_000_000


def read_stamp(path: str) -> FileStamp | None:
    """Return the stamp of the file that a path leads to, or of a link that leads nowhere.

    None if nothing exists; UNKNOWN_STAMP, which never settles, if that cannot be determined.
    """
    try:
        return make_stamp(os.stat(path))
    except (OSError, ValueError):
        return _read_link_stamp(path)


def _read_link_stamp(path: str) -> FileStamp | None:
    try:
        return make_stamp(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError:
        return UNKNOWN_STAMP


def make_stamp(found: os.stat_result) -> FileStamp:
    """Return the stamp in a stat result."""
    return FileStamp(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )


def is_settled(state: FileStamp, now: int) -> bool:
    """Return whether any change from ``now`` on, in nanoseconds since the epoch, changes the stamp.

    A file that was just written can be written again within the same tick of the clock; then only
    its bytes distinguish the two.
    """
    fine = state.changed % _MILLISECOND
    return now - max(state.written, state.changed) > (_YOUNG if fine else _YOUNG_BY_SECONDS)


def convert_time(nanoseconds: int) -> datetime | None:
    """Return a time stamp as a datetime; None for years that Python cannot represent."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
