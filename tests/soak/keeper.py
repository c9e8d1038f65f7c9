"""A daemon in this process that lives, dies and begins again; time passes as it is told to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from controller.adapters.metrics.metered_ports import MeteredCloud, MeteredLedger
from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.watch.tree_reader import ManifestReader
from controller.core.kinds.registry import KINDS
from controller.core.planning.rules_removed import CleanupOptions
from controller.core.scheduling import PollIntervals
from controller.core.sharding import Shard
from controller.daemon.loop import Daemon, DaemonContext
from controller.daemon.work_queue import WorkQueue
from controller.engine.apply import PassContext
from controller.engine.rate_limit import limit_rate
from controller.ports import Cloud
from tests.daemon.world import Counts, Inline
from tests.machine.mortal import CrashError, Fate, MortalCloud, MortalLedger
from tests.machine.service import Service

RHYTHM = PollIntervals()
SOON = 1000.0
"""Seconds after which the longest backoff has ended."""
NEXT_RESYNC = 1.25 * RHYTHM.resync
MOST_ROUNDS = 1000
"""So often at most does the loop go round in one and the same moment."""
_GIVEN: Mapping[str, Any] = {"selector": (), "config": None, "max_submits": None}


class RestlessError(AssertionError):
    """The loop goes round and round, and time does not pass."""


@dataclass
class Lives:
    """How the daemons so far ended, and how often their loops went round."""

    killed: int = 0
    left: int = 0
    rounds: int = 0


@dataclass
class Keeper:
    """Keeps the jobs of a project; at any moment there is one daemon, or none.

    ``now`` is the clock that never goes back, in seconds; ``skew`` is how far the machine's other
    clock is from the service's.
    """

    service: Service
    cloud: Cloud
    jobs: Path
    random: Random
    cleaning: CleanupOptions = field(default_factory=CleanupOptions)
    now: float = 1000.0
    skew: float = 0.0
    counts: Counts = field(default_factory=Counts)
    lives: Lives = field(default_factory=Lives)
    fate: Fate = field(default_factory=Fate)
    daemon: Daemon | None = None
    said: list[str] = field(default_factory=list)
    _begins: float = 0.0
    _downtime: float = 0.0

    def begin(self) -> Daemon:
        """Begin a daemon, wired as the verb wires it."""
        self.service.cloud.forget_identity()
        fate = self.fate = Fate()
        reading = ManifestReader([self.jobs], dict(_GIVEN), Shard())
        ledger = MeteredLedger(MortalLedger(SidecarLedger([self.jobs], KINDS), fate), self.counts)
        measured = MeteredCloud(MortalCloud(self.cloud, fate), self.counts)
        cloud = limit_rate(measured, lambda: self.now, self.wait)
        # One thread at a time: one seed is one life.
        outside = PassContext(KINDS, cloud, ledger, WallClock(self), width=1)
        world = DaemonContext(
            read_tree=reading.read,
            build_pass_context=lambda: outside,
            reload=reading.renew,
            forget_place=self.service.cloud.forget,
            now=lambda: self.now,
            executor=Inline(),
            meter=self.counts,
            cleaning=self.cleaning,
        )
        self.daemon = Daemon(world, WorkQueue(KINDS, RHYTHM, self.random.random))
        return self.daemon

    def wait(self, seconds: float) -> None:
        """Let time pass, for everybody."""
        if seconds > 0:
            self.service.advance(seconds)
            self.now += seconds

    def after(self, seconds: float) -> None:
        """Let time pass, and the daemon go round as it would meanwhile."""
        end = self.now + seconds
        rounds = Counter[float]()
        while self.now < end:
            rounds[self.now] += 1
            if rounds[self.now] > MOST_ROUNDS:
                raise RestlessError(f"the loop goes round without end at {self.now}")
            self.wait(min(self._round(), end) - self.now)

    def end(self, downtime: float) -> None:
        """Let the daemon leave, if there is one, and another one begin later."""
        if self.daemon is not None:
            self.daemon.stop()
            self._leave()
        self._begins = self.now + downtime

    def doom(self, fate: Fate, downtime: float) -> None:
        """Let the daemon die by itself as a fate says; the next one begins as much later."""
        self.fate.steps, self.fate.after = fate.steps, fate.after
        self.fate.meanwhile = fate.meanwhile
        self._downtime = downtime

    def spare(self) -> None:
        """Let the daemon live on, and there be one."""
        self.doom(Fate(), 0.0)
        self._begins = self.now

    def reconcile(self, _jobs: Path, /) -> None:
        """Let the daemon go on until it must have noticed everything.

        It looks at what is settled, whose sidecars may be lost, only as seldom as it resyncs.
        """
        lost = not any(self.jobs.rglob("*.status.json"))
        self.after(NEXT_RESYNC if lost else SOON)

    def _round(self) -> float:
        """Let the loop go round once, and return when to come again at the latest."""
        if self.daemon is None:
            if self.now < self._begins:
                return self._begins
            self.begin()
        assert self.daemon is not None
        self.lives.rounds += 1
        try:
            due = self.daemon.run_once()
        except CrashError:
            self.lives.killed += 1
            self.daemon = None
            self._begins = self.now + self._downtime
            return self._begins
        if self.daemon.is_stopping():
            self._leave()
            self._begins = self.now + self._downtime
            return self._begins
        return due

    def _leave(self) -> None:
        assert self.daemon is not None
        assert self.daemon.run(), "a daemon that was asked to end did not"
        self.lives.left += 1
        self.daemon = None


@dataclass(frozen=True, slots=True)
class WallClock:
    """The machine's clock that tells the time of day, which anybody may set."""

    keeper: Keeper

    def now(self) -> datetime:
        """Return what it shows."""
        shown = datetime.fromtimestamp(self.keeper.service.now(), tz=UTC)
        return shown + timedelta(seconds=self.keeper.skew)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.keeper.wait(seconds)
