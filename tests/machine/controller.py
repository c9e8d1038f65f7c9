"""One controller: the command's own parts around a pass, made anew as each process makes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from controller.adapters.manifests.fleet_file import load_fleet
from controller.adapters.manifests.loader import load
from controller.adapters.sidecars.store import SidecarLedger
from controller.cli.workspace.arguments import Arguments
from controller.cli.workspace.coverage import compute_coverage
from controller.core.fleet import Fleet
from controller.core.identity.desired import build_desired
from controller.core.kinds.registry import KINDS
from controller.core.label_selector import Selector
from controller.core.model import DesiredJob, Tree
from controller.core.planning.rules_removed import CleanupOptions
from controller.engine.apply import PassContext
from controller.engine.garbage import Coverage
from controller.engine.reconcile import Mode, PassScope, Report, reconcile
from controller.ports import Cloud
from controller.views.plan import render_plan, serialize_plan
from controller.views.problems import serialize_problem
from controller.views.status import JobStatus, render_statuses, serialize_statuses
from tests.machine.mortal import Fate, MortalCloud, MortalLedger
from tests.machine.service import Service, ServiceClock

NOTHING = CleanupOptions()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a controller read of the project, which may have changed since."""

    jobs: Path
    fleet: Fleet
    desired: tuple[DesiredJob, ...]
    tree: Tree
    coverage: Coverage | None


@dataclass
class Controllers:
    """Makes passes over a project; ``said`` is all that they would have printed since ``clear``."""

    service: Service
    cloud: Cloud
    width: int = 4
    said: list[str] = field(default_factory=list)

    def read(self, jobs: Path) -> Reading:
        """Read the project as the verbs do."""
        fleet, problems = load_fleet(None, jobs)
        assert not problems
        tree = load([jobs], fleet)
        desired = tuple(
            build_desired(one, KINDS[one.key.kind], fleet.owner, fleet.target)
            for one in tree.manifests
        )
        wanted = Arguments((jobs,), Selector(), fleet, (), jobs.parent)
        return Reading(jobs, fleet, desired, tree, compute_coverage(wanted, tree))

    def act(
        self,
        reading: Reading,
        mode: Mode = Mode.APPLY,
        fate: Fate | None = None,
        cleaning: CleanupOptions = NOTHING,
    ) -> Report:
        """Make a pass by what was read; raises CrashError when that is its fate."""
        found = fate or Fate()
        self.service.cloud.forget_identity()
        outside = PassContext(
            KINDS,
            MortalCloud(self.cloud, found),
            MortalLedger(SidecarLedger([reading.jobs], KINDS), found),
            ServiceClock(self.service),
            width=self.width,
        )
        report = reconcile(
            reading.desired,
            outside,
            reading.fleet,
            mode,
            PassScope(coverage=reading.coverage, cleaning=cleaning),
        )
        self.said += _told(reading, report)
        return report

    def reconcile(
        self,
        jobs: Path,
        mode: Mode = Mode.APPLY,
        fate: Fate | None = None,
        cleaning: CleanupOptions = NOTHING,
    ) -> Report:
        """Read the project, and make a pass at once."""
        return self.act(self.read(jobs), mode, fate, cleaning)


def _told(reading: Reading, report: Report) -> Iterable[str]:
    """Return what the verbs print of a pass, in every form."""
    statuses = [
        JobStatus(one.outcome.planned.desired.key, one.outcome.planned.desired.source, one.entry)
        for one in report.results
    ]
    yield json.dumps([serialize_problem(problem) for problem in reading.tree.problems])
    yield json.dumps(serialize_plan(report.plan, report.refused, sandbox=True))
    yield json.dumps(serialize_statuses(statuses, sandbox=True))
    yield from (line.text for line in render_plan(report.plan, sandbox=True))
    yield from (line.text for line in render_statuses(statuses, sandbox=True))
    yield from (str(one.outcome.failure) for one in report.results if one.outcome.failure)
