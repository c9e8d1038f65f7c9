"""Exit codes, the same for every command."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the process."""

    FINE = 0
    FAILED = 1
    CHANGES_PENDING = 2
    UNHEALTHY = 3
    INVALID = 4
    UNSAFE = 5
    TIMED_OUT = 6
    # EX_USAGE of sysexits.h.
    USAGE = 64
    # 128 plus the number of the signal, as shells report it.
    INTERRUPTED = 130
    TERMINATED = 143


# What a failed or unsafe command found out about jobs may be incomplete, so its code wins.
_BY_PRECEDENCE = (
    ExitCode.FAILED,
    ExitCode.UNSAFE,
    ExitCode.INVALID,
    ExitCode.TIMED_OUT,
    ExitCode.UNHEALTHY,
    ExitCode.CHANGES_PENDING,
)


def select_exit_code(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the exit code that takes precedence, or FINE if there is none."""
    met = set(codes)
    return next((code for code in _BY_PRECEDENCE if code in met), ExitCode.FINE)
