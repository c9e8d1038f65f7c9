"""When a burst of changes is over, and the world may be told; pure, the time comes in."""

from __future__ import annotations

from dataclasses import dataclass, field

DEBOUNCE_SECONDS = 0.02
"""Seconds of quiet after which a burst is over, unless it looks like more than one save."""
_MAX_SAVE_FILES = 8
"""Files that one save may touch; more at once are a checkout or a copy, which has pauses."""
_PATIENCE_FACTOR = 12.5
_MAX_FACTOR = 250.0


@dataclass(frozen=True, slots=True)
class Burst:
    """Changes that belong together: what they touched, and when in seconds they began."""

    paths: frozenset[str]
    since: float


@dataclass(slots=True)
class Debouncer:
    """Gathers changes until it has been quiet for ``debounce`` seconds.

    It waits 12.5 times as long while a file is made but not closed, or gone and perhaps to come
    back, and when many files change; and never longer than 250 times from the first change on, so
    that endless writing starves nobody.
    """

    debounce: float
    _paths: set[str] = field(default_factory=set)
    _unfinished: set[str] = field(default_factory=set)
    _since: float = 0.0
    _last: float = 0.0

    def note(self, path: str, now: float, *, whole: bool) -> None:
        """Take in a change; one that is not ``whole`` waits for what makes it so."""
        if not self._paths:
            self._since = now
        self._last = now
        self._paths.add(path)
        if whole:
            self._unfinished.discard(path)
        else:
            self._unfinished.add(path)

    def get_due(self) -> float | None:
        """Return the time at which the burst counts as over; None while there is none."""
        if not self._paths:
            return None
        hasty = not self._unfinished and len(self._paths) <= _MAX_SAVE_FILES
        quiet = self.debounce if hasty else self.debounce * _PATIENCE_FACTOR
        return min(self._last + quiet, self._since + self.debounce * _MAX_FACTOR)

    def take(self) -> Burst:
        """Return the burst and forget it."""
        burst = Burst(frozenset(self._paths), self._since)
        self._paths.clear()
        self._unfinished.clear()
        return burst

    def put_back(self, burst: Burst, now: float) -> bool:
        """Let a burst go on that turned out not to be over; False when it has lasted too long."""
        if now - burst.since >= self.debounce * _MAX_FACTOR:
            return False
        since = min(burst.since, self._since) if self._paths else burst.since
        self._paths |= burst.paths
        self._unfinished |= burst.paths
        self._since, self._last = since, now
        return True
