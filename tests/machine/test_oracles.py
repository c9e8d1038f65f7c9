"""What the oracle of a walk's end allows for, because nobody could know it any more."""

from __future__ import annotations

from pathlib import Path

from controller.sandbox.jobs.faults import Fault, FaultKind
from tests.machine.controller import Controllers
from tests.machine.oracles import settled
from tests.machine.project import Document, Project
from tests.machine.walking import walks

HOURS = 2 * 3600.0


def test_metrics_that_were_given_up_are_nothing_to_rebuild(tmp_path: Path) -> None:
    """After an hour a pass asks for late metrics no more; one without a record sees them."""
    with walks() as made:
        service, project = made.service, Project(tmp_path)
        service.empty()
        project.jobs.mkdir()
        project.own("acme-ml")
        project.put("one", (Document("left", "plain", "Submitted"),))
        controllers = Controllers(service, made.cloud)
        controllers.reconcile(project.jobs)
        service.order(Fault(kind=FaultKind.METRICLESS, operation="Get", times=None))
        for _ in range(2):
            service.advance(HOURS)
            controllers.reconcile(project.jobs)

        assert list(settled(project, controllers, service)) == []
