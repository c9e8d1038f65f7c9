"""A tree of manifests with the fake cloud and real sidecars, for tests of whole passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from controller.adapters.sidecars.store import SidecarLedger
from controller.core.documents.envelope_values import parse_policy
from controller.core.fleet import Fleet, Limits
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.model import DesiredJob, JobKey, LiveJob, Manifest, Source, Target
from controller.core.planning.orphaned_entries import ManifestIndex
from controller.core.planning.rules_removed import CleanupOptions
from controller.engine.apply import JobResult, PassContext
from controller.engine.garbage import Coverage
from controller.engine.reconcile import Mode, PassScope, Report, reconcile
from tests.contract.fake import Fake
from tests.core.cases import NOW, SPEC

(KIND,) = KINDS.values()


@dataclass
class StillClock:
    """A clock that advances only when somebody sleeps."""

    moment: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the simulated time."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


ONLY_THESE = PassScope()


@dataclass
class Tree:
    """Manifests in a folder, with the ports that passes use."""

    folder: Path
    cloud: Fake = field(default_factory=Fake)
    clock: StillClock = field(default_factory=StillClock)
    jobs: dict[str, DesiredJob] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    owner: str = "acme-ml"

    def put(self, name: str, policy: Mapping[str, Any] | None = None, **spec: Any) -> DesiredJob:
        """Write a manifest."""
        manifest = Manifest(
            JobKey(KIND.name, name),
            Source(str(self.folder / f"{name}.yaml"), 4, 9),
            policy=parse_policy(policy),
            spec={**SPEC, **spec},
        )
        self.jobs[name] = build_desired(manifest, KIND, self.owner, Target())
        return self.jobs[name]

    def reconcile(self, mode: Mode = Mode.APPLY, scope: PassScope = ONLY_THESE) -> Report:
        """Run one pass like a new process; the fake's calls are counted from here."""
        self.cloud.calls.clear()
        outside = PassContext(
            KINDS, self.cloud, SidecarLedger([self.folder], KINDS), self.clock, width=4
        )
        fleet = Fleet(owner=self.owner, limits=self.limits)
        return reconcile(self.jobs.values(), outside, fleet, mode, scope)

    def whole(self, *forgotten: str, collect: bool = False) -> Report:
        """Run one pass that knows all manifests, and may ``collect`` entries."""
        census = ManifestIndex(
            (str(self.folder),), frozenset(job.key for job in self.jobs.values())
        )
        coverage = Coverage(census, lambda: census)
        cleaning, given_up = CleanupOptions(collect=collect), frozenset(forgotten)
        scope = PassScope(coverage=coverage, cleaning=cleaning, forgotten=given_up)
        return self.reconcile(scope=scope)

    def one(self, mode: Mode = Mode.APPLY) -> JobResult:
        """Run one pass over the only manifest, and return its result."""
        (result,) = self.reconcile(mode).results
        return result

    def entry(self, name: str = "support-bot") -> dict[str, Any]:
        """Return the sidecar's entry of a job."""
        content = json.loads((self.folder / f"{name}.status.json").read_bytes())
        entry: dict[str, Any] = content["jobs"][name]
        return entry

    def files(self) -> dict[str, tuple[bytes, int]]:
        """Return every file with its content and modification time."""
        return {
            str(path.relative_to(self.folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def live(self) -> list[LiveJob]:
        """Return every job in the cloud."""
        return [live for jobs in self.cloud.jobs.values() for live in jobs.values()]
