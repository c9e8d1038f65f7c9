"""Reading a tree only when it is stable: after a checkout, or once files no longer change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from controller.adapters.git.work_trees import WorkTrees, WorkTreeStates
from controller.adapters.host.clock import get_monotonic_time
from controller.adapters.watch.snapshots import take_snapshot
from controller.cli.watch.tree_reader import RETRY_SECONDS, ManifestReader
from controller.daemon.work_queue import DesiredState

# Backoff: the next pause is a share of the time waited so far, up to a limit.
_SHARE, _LONGEST = 0.25, 1.0
_WHILE_STALE = 10.0


class StableReader:
    """Reads what ``reading`` reads, once no other process is changing its files.

    In a git work tree that means a finished checkout: git holds no lock before and after the read,
    and has not written its index meanwhile. With ``settle`` no file may have changed for that many
    seconds, by ``now``.
    """

    def __init__(
        self,
        reading: ManifestReader,
        trees: WorkTrees,
        watched: Sequence[Path],
        settle: float = 0.0,
        now: Callable[[], float] = get_monotonic_time,
    ) -> None:
        self._reading = reading
        self._trees = trees
        self._watched = tuple(watched)
        self._settle = settle
        self._now = now
        self._seen: Mapping[str, Any] | None = None
        self._quiet_since = 0.0
        self._waits_since: float | None = None

    def read(self) -> DesiredState:
        """Return the desired state, or why it cannot be read yet and when to try again."""
        before, wait = self._trees.get_states(), self._compute_settle_time()
        if why := _find_activity(before):
            return self._delay_read(why)
        if wait > 0:
            return DesiredState(unsettled="files changed a moment ago", reread_after=wait)
        intake = self._reading.read([top for top, one in before.items() if one.stale])
        # Manifests may lie in nested work trees, which are known only after the read.
        self._trees.include(self._reading.files)
        if self._trees.get_states() != before or self._compute_settle_time() > 0:
            return DesiredState(
                unsettled="files changed while they were read", reread_after=RETRY_SECONDS
            )
        self._waits_since = None
        locks = tuple(one.stale for one in before.values() if one.stale)
        again = min(intake.reread_after, _WHILE_STALE) if locks else intake.reread_after
        return replace(intake, stale_locks=locks, reread_after=again)

    def _delay_read(self, why: str) -> DesiredState:
        """Schedule the next try, with backoff."""
        now = self._now()
        self._waits_since = now if self._waits_since is None else self._waits_since
        pause = min(max(RETRY_SECONDS, (now - self._waits_since) * _SHARE), _LONGEST)
        return DesiredState(unsettled=why, reread_after=pause)

    def _compute_settle_time(self) -> float:
        """Return for how many more seconds the files must not change."""
        if not self._settle:
            return 0.0
        seen, now = take_snapshot(self._watched), self._now()
        if seen != self._seen:
            self._seen, self._quiet_since = seen, now
        return self._quiet_since + self._settle - now


def _find_activity(standings: WorkTreeStates) -> str:
    reasons = (one.locked or one.unfinished for one in standings.values())
    return next(filter(None, reasons), "")
