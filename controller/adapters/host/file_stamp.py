"""What tells one state of a file from the next, without reading it."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Final, NamedTuple


class Signature(NamedTuple):
    """One state of one file; ``written`` and ``changed`` are in nanoseconds since 1970.

    ``written`` can be set by anybody; ``changed``, the last change of anything at all, cannot.
    """

    device: int
    inode: int
    size: int
    written: int
    changed: int


UNKNOWN: Final = Signature(-1, -1, -1, sys.maxsize, sys.maxsize)
"""The state of a file that the system tells nothing of: what rests on it is read each time."""

# File systems stamp by the kernel's tick, of ten milliseconds at most; old ones by seconds, two
# at most, and so have stamps without a fraction.
_YOUNG, _YOUNG_BY_SECONDS = 100_000_000, 3_000_000_000
_MILLISECOND = 1_000_000


def signature(path: str) -> Signature | None:
    """Return the state of what a path leads to, or of a link that leads nowhere.

    None where nothing exists; UNKNOWN, which never settles, where that cannot be found out.
    """
    try:
        return signature_of(os.stat(path))
    except (OSError, ValueError):
        return _own_signature(path)


def _own_signature(path: str) -> Signature | None:
    try:
        return signature_of(os.lstat(path))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError:
        return UNKNOWN


def signature_of(found: os.stat_result) -> Signature:
    """Return the state that a call to the system told."""
    return Signature(
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
    )


def is_settled(state: Signature, now: int) -> bool:
    """Whether a change from ``now`` on, in nanoseconds since 1970, gives another signature.

    A file that has just been written can be written again within one tick of its clock, and then
    nothing but its bytes tells the two apart.
    """
    fine = state.changed % _MILLISECOND
    return now - max(state.written, state.changed) > (_YOUNG if fine else _YOUNG_BY_SECONDS)


def moment_of(nanoseconds: int) -> datetime | None:
    """Return a file's time; some file systems keep years that no calendar here has."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
