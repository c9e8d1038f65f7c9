"""The machine's own clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The Clock port over the machine's time."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(tz=UTC)

    def sleep(self, seconds: float) -> None:
        """Block for so many seconds."""
        time.sleep(seconds)


def get_monotonic_time() -> float:
    """Return a clock in seconds that never goes back and keeps running during suspend."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
