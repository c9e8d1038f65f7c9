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
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


_BY_PRECEDENCE = (
    ExitCode.FAILED,
    ExitCode.UNSAFE,
    ExitCode.INVALID,
    ExitCode.TIMED_OUT,
    ExitCode.UNHEALTHY,
    ExitCode.CHANGES_PENDING,
)


def select_exit_code(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the most severe of several exit codes, or OK if there is none."""
    met = set(codes)
    return next((code for code in _BY_PRECEDENCE if code in met), ExitCode.FINE)
