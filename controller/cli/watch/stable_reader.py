"""Reading a tree only while it is not changed: a finished checkout, or files that were quiet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from controller.adapters.git.work_trees import Standings, WorkTrees
from controller.adapters.host.clock import steady
from controller.adapters.watch.snapshots import snapshot
from controller.cli.watch.tree_reader import SOON, Reading
from controller.daemon.work_queue import Intake

_SHARE, _LONGEST = 0.25, 1.0
_WHILE_STALE = 10.0


class SteadyReading:
    """Reads what ``reading`` reads, once nothing else is at work on its files.

    Beside a git work tree that is a finished checkout: git holds no lock before and after the
    reading, and has not written its index meanwhile. With ``settle`` no file may have changed for
    so many seconds, by ``now``.
    """

    def __init__(
        self,
        reading: Reading,
        trees: WorkTrees,
        watched: Sequence[Path],
        settle: float = 0.0,
        now: Callable[[], float] = steady,
    ) -> None:
        self._reading = reading
        self._trees = trees
        self._watched = tuple(watched)
        self._settle = settle
        self._now = now
        self._seen: Mapping[str, Any] | None = None
        self._quiet_since = 0.0
        self._waits_since: float | None = None

    def read(self) -> Intake:
        """Return what the tree asks for, or why that cannot be said yet and when to ask again."""
        before, wait = self._trees.standings(), self._settling()
        if why := _under_way(before):
            return self._waiting(why)
        if wait > 0:
            return Intake(unsettled="files changed a moment ago", again=wait)
        intake = self._reading.read([top for top, one in before.items() if one.stale])
        self._trees.include(self._reading.files)
        if self._trees.standings() != before or self._settling() > 0:
            return Intake(unsettled="files changed while they were read", again=SOON)
        self._waits_since = None
        locks = tuple(one.stale for one in before.values() if one.stale)
        again = min(intake.again, _WHILE_STALE) if locks else intake.again
        return replace(intake, stale=locks, again=again)

    def _waiting(self, why: str) -> Intake:
        """Ask again soon, and the less often the longer it takes."""
        now = self._now()
        self._waits_since = now if self._waits_since is None else self._waits_since
        pause = min(max(SOON, (now - self._waits_since) * _SHARE), _LONGEST)
        return Intake(unsettled=why, again=pause)

    def _settling(self) -> float:
        """Return for how many seconds the files must still stay as they are."""
        if not self._settle:
            return 0.0
        seen, now = snapshot(self._watched), self._now()
        if seen != self._seen:
            self._seen, self._quiet_since = seen, now
        return self._quiet_since + self._settle - now


def _under_way(standings: Standings) -> str:
    reasons = (one.locked or one.unfinished for one in standings.values())
    return next(filter(None, reasons), "")
