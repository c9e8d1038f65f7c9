"""A daemon in this process that runs on demand, with simulated time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from controller.adapters.sidecars.store import SidecarLedger
from controller.core.documents.envelope_values import parse_policy
from controller.core.fleet import Fleet, Limits
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.model import DesiredJob, JobKey, LiveJob, Manifest, Problem, Source, Target
from controller.core.planning.orphaned_entries import ManifestIndex
from controller.core.planning.rules_removed import CleanupOptions
from controller.core.scheduling import PollIntervals
from controller.daemon.loop import GRACE_SECONDS, Daemon, DaemonContext
from controller.daemon.work_queue import Batch, DesiredState, WorkQueue
from controller.engine.apply import PassContext
from controller.engine.garbage import Coverage
from controller.ports import Cloud
from tests.contract.fake import Fake
from tests.contract.passes import StillClock
from tests.core.cases import SPEC

(KIND,) = KINDS.values()
RHYTHM = PollIntervals(60.0, 36_000.0)
P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Inline(Executor):
    """An executor that runs work at once in the caller's thread; ``sizes`` are those of passes."""

    sizes: list[int] = field(default_factory=list)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it, and return its result."""
        (batch, *_) = args
        assert isinstance(batch, Batch)
        self.sizes.append(len(batch.desired))
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass
class Counts:
    """A meter that keeps the last values."""

    passes: Counter[str] = field(default_factory=Counter)
    phases: Mapping[str, int] = field(default_factory=dict)
    manifests: tuple[int, int] = (0, 0)
    queue: tuple[int, float] = (0, 0.0)
    events: Counter[str] = field(default_factory=Counter)
    stale: int = 0

    def count_pass(self, seconds: float, result: str) -> None:
        """Count it."""
        self.passes[result] += 1

    def record_caught_up(self) -> None:
        """Count it."""
        self.passes["caught up"] += 1

    def set_job_counts(self, phases: Mapping[str, int], valid: int, invalid: int) -> None:
        """Keep them."""
        self.phases, self.manifests = dict(phases), (valid, invalid)

    def set_queue_depth(self, depth: int, oldest_seconds: float) -> None:
        """Keep it."""
        self.queue = (depth, oldest_seconds)

    def set_stale_locks(self, number: int) -> None:
        """Keep it."""
        self.stale = number

    def count_event(self, kind: str) -> None:
        """Count it."""
        self.events[kind] += 1

    def count_submits(self, number: int) -> None:
        """Ignore it."""

    def count_ambiguous(self, number: int) -> None:
        """Ignore it."""

    def count_writes(self, number: int) -> None:
        """Ignore it."""

    def count_request(self, operation: str, code: str, seconds: float) -> None:
        """Ignore it."""


@dataclass
class Kept:
    """A tree of manifests, the daemon that manages it, and the cloud with the jobs."""

    folder: Path
    cloud: Cloud
    fleet: Fleet = field(default_factory=lambda: Fleet(owner="acme-ml"))
    jobs: dict[JobKey, DesiredJob] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    broken: str = ""
    now: float = 1000.0
    counts: Counts = field(default_factory=Counts)
    executor: Executor = field(default_factory=Inline)
    cleaning: CleanupOptions = field(default_factory=CleanupOptions)
    draw: Callable[[], float] = lambda: 0.5
    grace: float = GRACE_SECONDS
    reads: int = 0
    forgotten: list[Target] = field(default_factory=list)
    renewed: int = 0

    def __post_init__(self) -> None:
        ledger = SidecarLedger([self.folder], KINDS)
        outside = PassContext(KINDS, self.cloud, ledger, StillClock(), width=4)
        world = DaemonContext(
            read_tree=self._read,
            build_pass_context=lambda: outside,
            reload=self._renew,
            forget_place=self.forgotten.append,
            now=lambda: self.now,
            executor=self.executor,
            meter=self.counts,
            cleaning=self.cleaning,
            grace=self.grace,
        )
        self.roster = WorkQueue(KINDS, RHYTHM, self.draw)
        self.daemon = Daemon(world, self.roster)

    @property
    def fake(self) -> Fake:
        """The cloud, if it is the one in memory."""
        assert isinstance(self.cloud, Fake)
        return self.cloud

    @property
    def inline(self) -> Inline:
        """The executor, if it is the inline one."""
        assert isinstance(self.executor, Inline)
        return self.executor

    def limit(self, **limits: Any) -> None:
        """Set the fleet's limits."""
        self.fleet = Fleet(owner="acme-ml", limits=Limits(**limits))
        self.daemon.notify_change()

    def put(
        self,
        name: str,
        policy: Mapping[str, Any] | None = None,
        target: Target = Target(),  # noqa: B008 - frozen
        **spec: Any,
    ) -> DesiredJob:
        """Save a manifest."""
        manifest = Manifest(
            JobKey(KIND.name, name),
            Source(str(self.folder / f"{name}.yaml"), 4, 9),
            policy=parse_policy(policy),
            target=target,
            spec={**SPEC, **spec},
        )
        made = build_desired(manifest, KIND, self.fleet.owner, self.fleet.target)
        self.jobs[made.key] = made
        (self.folder / f"{name}.yaml").touch()
        self.daemon.notify_change()
        return made

    def remove(self, name: str) -> None:
        """Delete a manifest."""
        del self.jobs[JobKey(KIND.name, name)]
        self.daemon.notify_change()

    def settle(self) -> None:
        """Run the daemon until nothing is due."""
        for _ in range(100):
            if self.daemon.run_once() > self.now and not self.roster.measure_backlog(self.now)[0]:
                self.daemon.run_once()
                return
        raise AssertionError("there was always something due")

    def after(self, seconds: float) -> None:
        """Advance time, running the daemon as it would meanwhile."""
        end = self.now + seconds
        while True:
            due = self.daemon.run_once()
            if due > end:
                break
            self.now = max(due, self.now)
        self.now = end
        self.settle()

    def phase(self, name: str) -> str:
        """Return a job's phase as the daemon knows it."""
        return self.roster.phases[JobKey(KIND.name, name)]

    def live(self) -> list[LiveJob]:
        """Return every job that the cloud has."""
        return [live for jobs in self.fake.jobs.values() for live in jobs.values()]

    def finish(self, *names: str) -> None:
        """Complete some jobs."""
        for name in names:
            self.fake.turn(KIND, name, next(iter(KIND.succeeded)))

    def calls(self) -> dict[str, int]:
        """Return the calls since the last time."""
        made = self.fake.count()
        self.fake.calls.clear()
        return made

    def _read(self) -> DesiredState:
        self.reads += 1
        if self.broken:
            return DesiredState(broken=self.broken)
        return DesiredState(self.fleet, dict(self.jobs), self.problems, coverage=self._coverage)

    def _renew(self) -> None:
        self.renewed += 1

    def _coverage(self) -> Coverage:
        keys = frozenset(self.jobs)
        names = frozenset((key.kind, key.name) for key in keys)
        census = ManifestIndex((str(self.folder.resolve()),), keys, names)
        return Coverage(census, lambda: census)
