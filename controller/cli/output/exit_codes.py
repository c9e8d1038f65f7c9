"""Exit codes, the same for every verb."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """What the process says when it ends."""

    FINE = 0
    FAILED = 1
    CHANGES_PENDING = 2
    UNHEALTHY = 3
    INVALID = 4
    UNSAFE = 5
    TIMED_OUT = 6
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


_GRAVEST_FIRST = (
    Exit.FAILED,
    Exit.UNSAFE,
    Exit.INVALID,
    Exit.TIMED_OUT,
    Exit.UNHEALTHY,
    Exit.CHANGES_PENDING,
)


def gravest(codes: Iterable[Exit]) -> Exit:
    """Of several codes at once the gravest is the answer; of none, fine."""
    met = set(codes)
    return next((code for code in _GRAVEST_FIRST if code in met), Exit.FINE)
