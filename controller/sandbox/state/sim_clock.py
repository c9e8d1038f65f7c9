"""Simulated time; moments are integer milliseconds since 1970, in UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# With a fast clock, months of real time would exceed the last year of a datetime.
_MAX_SECONDS = 253_000_000_000.0


def format_moment(moment: int) -> str:
    """Return a moment in the service's format: ISO 8601 with milliseconds, ending in Z."""
    stamp = _EPOCH + timedelta(milliseconds=moment)
    return stamp.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_moment(text: str) -> int:
    """Return the moment of an ISO 8601 text; without an offset it is UTC.

    Raises ValueError if the text is not such a time.
    """
    stamp = datetime.fromisoformat(text)
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=UTC)
    return (stamp - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class SimClock:
    """A clock that runs ``speed`` times as fast as wall time, from one known pair of times.

    ``wall`` and ``simulated`` are seconds since 1970.
    """

    wall: float
    simulated: float
    speed: float

    def get_seconds(self, wall: float) -> float:
        """Return the simulated time in seconds at a wall time, at most in the year 9987."""
        return min(self.simulated + self.speed * (wall - self.wall), _MAX_SECONDS)

    def get_moment(self, wall: float) -> int:
        """Return the simulated moment at a wall time."""
        return int(self.get_seconds(wall) * 1000)

    def change_speed(self, wall: float, speed: float) -> SimClock:
        """Return a clock with the same time now that continues at another speed."""
        return SimClock(wall, self.get_seconds(wall), speed)

    def advance(self, seconds: float) -> SimClock:
        """Return the clock advanced by simulated seconds."""
        return replace(self, simulated=self.simulated + seconds)
