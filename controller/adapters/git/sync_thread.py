"""Keep a tree in sync with its remote, in a thread of its own that delays no pass.

A branch is pulled at intervals, and at once when a webhook arrives; what passes recorded is written
back after they ended. Hints, failures and later requests all have the same effect: try again.
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

FIRST_PAUSE, MAX_PAUSE = 1.0, 300.0
_MAX_LOGGED = 5
_CLOSE_SECONDS = 0.5
_RANDOM = random.SystemRandom()


class SyncTask(StrEnum):
    """What is done with the remote."""

    PULL = "pull"
    WRITE_BACK = "write-back"


class SyncResult(StrEnum):
    """The outcome of a task."""

    CHANGED = "changed"
    """Something was pulled or committed."""
    UNCHANGED = "unchanged"
    PARTIAL = "partial"
    """Something has to wait, such as a status whose manifest is not pushed yet."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SyncActions:
    """How to reach the remote; None for a task that is never run.

    Both calls return the outcome and raise GitError. ``stop`` stops git, from another thread.
    """

    pull: Callable[[], SyncResult] | None
    write_back: Callable[[], SyncResult] | None
    stop: Callable[[], None]


@dataclass(slots=True)
class _TaskState:
    """When a task runs next, by a monotonic clock, and how it has been going.

    ``owed`` means that it was requested and has not been done since.
    """

    errand: SyncTask
    run: Callable[[], SyncResult]
    every: float
    due: float = 0.0
    owed: bool = True
    failures: int = 0
    failing: bool = False
    told: set[str] = field(default_factory=set)


class SyncThread:
    """The thread. ``request_pull`` and ``request_write_back`` are safe in signal handlers too.

    ``every`` is the interval between pulls, and between retries of what could not be written back
    although nothing failed. ``pulled`` is called after each pull that brought something new,
    ``told`` after each task. After a failure the next attempt waits for ``pause`` seconds, twice as
    long each time, up to five minutes; a webhook triggers a pull at once.
    """

    def __init__(
        self,
        remote: SyncActions,
        every: float,
        pulled: Callable[[], None],
        told: Callable[[SyncTask, SyncResult], None] = lambda _errand, _result: None,
        *,
        pause: float = FIRST_PAUSE,
    ) -> None:
        self._pulled = pulled
        self._told = told
        self._pause = pause
        self._end = remote.stop
        runs = (SyncTask.PULL, remote.pull), (SyncTask.WRITE_BACK, remote.write_back)
        self._turns = {
            errand: _TaskState(errand, run, every) for errand, run in runs if run is not None
        }
        # A SimpleQueue may be put to from a signal handler.
        # None] = SimpleQueue() | =SimpleQueue.put is reentrant, so a signal handler may call it.
        self._inbox: SimpleQueue[SyncTask | None] = SimpleQueue()
        self._doing: SyncTask | None = None
        self._leaving = self._late = False
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._run, name="syncing", daemon=True)

    def start(self) -> None:
        """Start with a pull, and with what an earlier daemon could not write back."""
        self._thread.start()

    def wait_first_pull(self, seconds: float) -> bool:
        """Wait for the first pull to end, at most so long; return whether it has."""
        return self._idle.wait(seconds)

    def request_pull(self) -> None:
        """Request a pull: the branch may have moved."""
        self._inbox.put(SyncTask.PULL)

    def request_write_back(self) -> None:
        """Request a write-back: a pass has recorded something."""
        self._inbox.put(SyncTask.WRITE_BACK)

    def close(self, seconds: float) -> bool:
        """Stop within so many seconds; return whether nothing is left to write back.

        What was recorded and not written back yet gets one more attempt.
        """
        self._leaving = True
        self._inbox.put(None)
        if not self._thread.ident:
            return True
        if self._doing is SyncTask.PULL:
            self._end()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._late = True
            self._end()
            self._thread.join(_CLOSE_SECONDS)
        last = self._turns.get(SyncTask.WRITE_BACK)
        return not self._thread.is_alive() and (last is None or not last.owed)

    def _run(self) -> None:
        while not self._leaving:
            turn = min(self._turns.values(), key=lambda one: one.due)
            wait = turn.due - time.monotonic()
            if wait <= 0:
                self._run_task(turn)
                self._idle.set()
            self._receive_requests(max(0.0, wait))
        self._idle.set()
        self._receive_requests(0.0)
        last = self._turns.get(SyncTask.WRITE_BACK)
        if last is not None and last.owed and not self._late:
            self._run_task(last)

    def _receive_requests(self, seconds: float) -> None:
        """Collect requests, merging repeated ones; wait for the first at most so long."""
        asked = set()
        with suppress(Empty):
            # Larger timeouts raise OverflowError.
            asked.add(self._inbox.get(timeout=min(seconds, threading.TIMEOUT_MAX)))
            while True:
                asked.add(self._inbox.get_nowait())
        now = time.monotonic()
        for turn in self._turns.values():
            is_put_off = turn.failing and turn.errand is SyncTask.WRITE_BACK
            if turn.errand in asked:
                turn.owed = True
                # A failing write-back keeps its backoff: every pass requests one.
                turn.due = turn.due if is_put_off else min(turn.due, now)

    def _run_task(self, turn: _TaskState) -> None:
        # Requests from here on are for the next run.
        self._doing, turn.owed, result = turn.errand, False, SyncResult.FAILED
        try:
            result = turn.run()
        except GitError as error:
            self._record_failure(turn, str(error))
        except Exception:
            # A bug must not end the thread: passes go on, and the task is tried again.
            _log.exception("a defect", extra={"errand": turn.errand})
            self._record_failure(turn, "a defect")
        else:
            self._record_success(turn, result)
        self._doing = None
        self._told(turn.errand, result)
        if result is SyncResult.CHANGED and turn.errand is SyncTask.PULL:
            self._pulled()

    def _record_failure(self, turn: _TaskState, why: str) -> None:
        turn.failing = turn.owed = True
        pause = min(self._pause * 2**turn.failures, MAX_PAUSE)
        # Jitter keeps the daemons of several shards from retrying in step.
        turn.due = time.monotonic() + pause * _RANDOM.uniform(0.8, 1.2)
        # Bounded, so that the power of two stays a small number.
        turn.failures = min(turn.failures + 1, 30)
        if self._leaving and turn.errand is SyncTask.PULL:
            return
        level = (
            logging.DEBUG if why in turn.told or len(turn.told) >= _MAX_LOGGED else logging.ERROR
        )
        turn.told.add(why)
        _log.log(level, f"{turn.errand} failed", extra={"why": why, "again": "it is tried again"})

    def _record_success(self, turn: _TaskState, result: SyncResult) -> None:
        if turn.failing:
            _log.info(f"{turn.errand} works again")
        turn.failing, turn.failures = False, 0
        turn.told.clear()
        comes_again = turn.errand is SyncTask.PULL or result is SyncResult.PARTIAL
        turn.due = time.monotonic() + turn.every if comes_again else math.inf
