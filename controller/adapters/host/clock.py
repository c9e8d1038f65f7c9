"""The machine's own clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The Clock port over the machine's time."""

    def now(self) -> datetime:
        """Return the present, in UTC."""
        return datetime.now(tz=UTC)

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        time.sleep(seconds)


def steady() -> float:
    """Return seconds that only ever grow, also in a machine's sleep, whatever its clock says."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
