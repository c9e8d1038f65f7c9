"""Simulated time: moments are whole milliseconds since 1970, in UTC."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A fast clock reaches the last year that a date can show within months of real time.
_LAST = 253_000_000_000.0


def format_moment(moment: int) -> str:
    """Return a moment as the service writes it: ISO 8601 with milliseconds, ending in Z."""
    stamp = _EPOCH + timedelta(milliseconds=moment)
    return stamp.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_moment(text: str) -> int:
    """Return the moment that an ISO 8601 text names; without an offset it means UTC.

    Raises ValueError when the text is no such time.
    """
    stamp = datetime.fromisoformat(text)
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=UTC)
    return (stamp - _EPOCH) // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class SimClock:
    """Simulated time runs ``speed`` times as fast as wall time, from one known pair of times.

    ``wall`` and ``simulated`` are seconds since 1970.
    """

    wall: float
    simulated: float
    speed: float

    def get_seconds(self, wall: float) -> float:
        """Return the simulated time, in seconds, at a wall time; it never passes year 9987."""
        return min(self.simulated + self.speed * (wall - self.wall), _LAST)

    def get_moment(self, wall: float) -> int:
        """Return the simulated moment at a wall time."""
        return int(self.get_seconds(wall) * 1000)

    def change_speed(self, wall: float, speed: float) -> SimClock:
        """Return a clock that shows the same time now and runs at another speed from here."""
        return SimClock(wall, self.get_seconds(wall), speed)

    def advance(self, seconds: float) -> SimClock:
        """Return the clock moved forward by so many simulated seconds."""
        return replace(self, simulated=self.simulated + seconds)
