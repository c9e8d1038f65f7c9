"""Keeping a tree and its remote together, in a thread of its own that holds up no pass.

A branch is pulled in its turn, and at once when a hook says so; what passes recorded is written
back once they have ended. Hints, failures and what came meanwhile all lead to the same: it is
looked at again.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from queue import Empty, SimpleQueue

from controller.adapters.git.command import GitError

_log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
_MOST_TOLD = 5
_PARTING = 0.5
_RANDOM = random.SystemRandom()


class Errand(StrEnum):
    """What is done with the remote."""

    PULL = "pull"
    WRITE_BACK = "write-back"


class SyncResult(StrEnum):
    """How an errand went."""

    CHANGED = "changed"
    """Something was new, or was committed."""
    UNCHANGED = "unchanged"
    PARTIAL = "partial"
    """Something could not be taken yet, such as a status whose manifest is not pushed."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Remote:
    """How the remote is spoken to; None for an errand that is not run at all.

    Both return how it went, and raise GitError. ``end`` ends what git does, from another thread.
    """

    pull: Callable[[], SyncResult] | None
    write_back: Callable[[], SyncResult] | None
    end: Callable[[], None]


@dataclass(slots=True)
class _Turn:
    """When an errand is run next, by a clock that never goes back, and how it fares.

    ``owed`` tells that it was asked for and has not been done since.
    """

    errand: Errand
    run: Callable[[], SyncResult]
    every: float
    due: float = 0.0
    owed: bool = True
    failures: int = 0
    failing: bool = False
    told: set[str] = field(default_factory=set)


class Syncing:
    """The thread. ``hurry`` and ``recorded`` may be called from anywhere, signal handlers too.

    ``every`` is the seconds between pulls, and between looks at what could not be written back
    although nothing failed. ``pulled`` is called after each pull that brought something new,
    ``told`` after each errand. After a failure the next try waits for ``pause`` seconds, and twice
    as long each time, up to five minutes; a hook that tells of a branch is heeded at once.
    """

    def __init__(
        self,
        remote: Remote,
        every: float,
        pulled: Callable[[], None],
        told: Callable[[Errand, SyncResult], None] = lambda _errand, _result: None,
        *,
        pause: float = FIRST_PAUSE,
    ) -> None:
        self._pulled = pulled
        self._told = told
        self._pause = pause
        self._end = remote.end
        runs = (Errand.PULL, remote.pull), (Errand.WRITE_BACK, remote.write_back)
        self._turns = {errand: _Turn(errand, run, every) for errand, run in runs if run is not None}
        # A SimpleQueue may be put to from a signal handler.
        self._inbox: SimpleQueue[Errand | None] = SimpleQueue()
        self._doing: Errand | None = None
        self._leaving = self._late = False
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._run, name="syncing", daemon=True)

    def start(self) -> None:
        """Begin with a pull, and with what an earlier daemon could not write back."""
        self._thread.start()

    def begun(self, seconds: float) -> bool:
        """Wait so long at most for the first pull to end, and return whether it has."""
        return self._idle.wait(seconds)

    def hurry(self) -> None:
        """The branch may have moved."""
        self._inbox.put(Errand.PULL)

    def recorded(self) -> None:
        """There is something to write back."""
        self._inbox.put(Errand.WRITE_BACK)

    def close(self, seconds: float) -> bool:
        """End within so many seconds; return whether nothing is left to write back.

        What was recorded and is not written back yet gets one more try.
        """
        self._leaving = True
        self._inbox.put(None)
        if not self._thread.ident:
            return True
        if self._doing is Errand.PULL:
            self._end()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._late = True
            self._end()
            self._thread.join(_PARTING)
        last = self._turns.get(Errand.WRITE_BACK)
        return not self._thread.is_alive() and (last is None or not last.owed)

    def _run(self) -> None:
        while not self._leaving:
            turn = min(self._turns.values(), key=lambda one: one.due)
            wait = turn.due - time.monotonic()
            if wait <= 0:
                self._do(turn)
                self._idle.set()
            self._listen(max(0.0, wait))
        self._idle.set()
        self._listen(0.0)
        last = self._turns.get(Errand.WRITE_BACK)
        if last is not None and last.owed and not self._late:
            self._do(last)

    def _listen(self, seconds: float) -> None:
        """Take in what was asked for, however often it was; wait for it so long at most."""
        asked = set()
        with suppress(Empty):
            # No lock waits for ever, so the longest of waits comes to an end too.
            asked.add(self._inbox.get(timeout=min(seconds, threading.TIMEOUT_MAX)))
            while True:
                asked.add(self._inbox.get_nowait())
        now = time.monotonic()
        for turn in self._turns.values():
            is_put_off = turn.failing and turn.errand is Errand.WRITE_BACK
            if turn.errand in asked:
                turn.owed = True
                turn.due = turn.due if is_put_off else min(turn.due, now)

    def _do(self, turn: _Turn) -> None:
        # What is recorded from here on is written back the next time.
        self._doing, turn.owed, result = turn.errand, False, SyncResult.FAILED
        try:
            result = turn.run()
        except GitError as error:
            self._failed(turn, str(error))
        except Exception:
            # Whatever it is, the passes go on, and it is tried again.
            _log.exception("a defect", extra={"errand": turn.errand})
            self._failed(turn, "a defect")
        else:
            self._went_well(turn, result)
        self._doing = None
        self._told(turn.errand, result)
        if result is SyncResult.CHANGED and turn.errand is Errand.PULL:
            self._pulled()

    def _failed(self, turn: _Turn, why: str) -> None:
        turn.failing = turn.owed = True
        pause = min(self._pause * 2**turn.failures, LONGEST_PAUSE)
        turn.due = time.monotonic() + pause * _RANDOM.uniform(0.8, 1.2)
        # No further than the longest pause needs.
        turn.failures = min(turn.failures + 1, 30)
        if self._leaving and turn.errand is Errand.PULL:
            return
        level = logging.DEBUG if why in turn.told or len(turn.told) >= _MOST_TOLD else logging.ERROR
        turn.told.add(why)
        _log.log(level, f"{turn.errand} failed", extra={"why": why, "again": "it is tried again"})

    def _went_well(self, turn: _Turn, result: SyncResult) -> None:
        if turn.failing:
            _log.info(f"{turn.errand} works again")
        turn.failing, turn.failures = False, 0
        turn.told.clear()
        comes_again = turn.errand is Errand.PULL or result is SyncResult.PARTIAL
        turn.due = time.monotonic() + turn.every if comes_again else math.inf
