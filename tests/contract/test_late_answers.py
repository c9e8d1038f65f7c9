"""What the service shows late, or no longer, of a job that has ended."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.core.call_errors import make_failure
from controller.core.requeue import choose_cadence
from controller.core.scheduling import Cadence
from controller.engine.reconcile import PassScope
from tests.contract.fake import ENDED
from tests.contract.passes import KIND, StillClock, Tree

AN_HOUR = timedelta(hours=1)
AT_THE_END = datetime.fromisoformat(ENDED)
TAGS = [{"key": "team", "value": "support"}]
METRICS: Any = {"trainingLoss": 0.25}
FULL = PassScope(full=True)


def ended(folder: Path, **spec: Any) -> Tree:
    """Return a tree whose only job has just ended and is recorded so."""
    tree = Tree(folder, clock=StillClock(AT_THE_END))
    tree.put("a", **spec)
    tree.reconcile()
    tree.cloud.turn(KIND, "a", "Completed")
    tree.reconcile()
    return tree


def calls(tree: Tree) -> list[str]:
    """Return the operations of the last pass, except GetCallerIdentity."""
    return [operation for operation, _ in tree.cloud.calls if operation != "Place"]


def test_metrics_that_come_late_are_recorded(tmp_path: Path) -> None:
    """A job that succeeded without metrics is polled until it shows them."""
    tree = ended(tmp_path)
    report = tree.reconcile()
    assert calls(tree) == ["Get"]
    assert choose_cadence(KIND, report.results[0].outcome) is Cadence.ACTIVE

    tree.cloud.turn(KIND, "a", "Completed", trainingMetrics=METRICS)
    tree.reconcile()
    (sidecar,) = tmp_path.glob("*.status.json")
    late = sidecar.read_bytes()
    report = tree.reconcile()

    assert (b"trainingLoss" in late, calls(tree)) == (True, [])
    assert choose_cadence(KIND, report.results[0].outcome) is Cadence.SETTLED
    sidecar.unlink()
    tree.reconcile()
    assert sidecar.read_bytes() == late


def test_missing_metrics_are_polled_for_an_hour(tmp_path: Path) -> None:
    """After an hour, a job without metrics is looked up only in full passes."""
    tree = ended(tmp_path)
    tree.clock.moment = AT_THE_END + AN_HOUR

    report = tree.reconcile()

    assert calls(tree) == []
    assert choose_cadence(KIND, report.results[0].outcome) is Cadence.SETTLED
    tree.reconcile(scope=FULL)
    assert "Get" in calls(tree)


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_no_metrics_are_awaited_of_a_job_that_did_not_succeed(tmp_path: Path, status: str) -> None:
    """A job that failed or was stopped is not polled for metrics."""
    tree = Tree(tmp_path, clock=StillClock(AT_THE_END))
    tree.put("a")
    tree.reconcile()
    tree.cloud.turn(KIND, "a", status)
    tree.reconcile()

    tree.reconcile()

    assert calls(tree) == []


def test_refused_tags_are_read_in_full_passes_only(tmp_path: Path) -> None:
    """The pass with a refused listing fails; later ones neither call nor write nor fail."""
    tree = Tree(tmp_path)
    tree.put("a", jobTags=TAGS)
    tree.reconcile()
    tree.put("a", jobTags=[*TAGS, {"key": "cost", "value": "7"}])
    tree.cloud.turn(KIND, "a", "Completed", trainingMetrics=METRICS)
    tree.cloud.failing["Tags"] = make_failure("AccessDeniedException", "no", reading=True)
    refused = tree.reconcile()
    again = tree.reconcile()

    assert refused.results[0].outcome.actual.failure is not None
    assert refused.results[0].entry["conditions"][0]["status"] == "True"
    assert (calls(tree), again.results[0].written) == ([], False)
    assert again.results[0].outcome.actual.failure is None
    tree.cloud.failing.clear()
    tree.reconcile(scope=FULL)
    assert "Tag" in calls(tree)
    assert "unreadTags" not in tree.reconcile().results[0].entry


def test_edited_tags_are_read_again(tmp_path: Path) -> None:
    """Edited tags are read even if an earlier listing was refused."""
    tree = Tree(tmp_path)
    tree.put("a", jobTags=TAGS)
    tree.reconcile()
    tree.put("a", jobTags=[])
    tree.cloud.turn(KIND, "a", "Completed", trainingMetrics=METRICS)
    tree.cloud.failing["Tags"] = make_failure("AccessDeniedException", "no", reading=True)
    tree.reconcile()
    tree.put("a", jobTags=[{"key": "team", "value": "sales"}])

    tree.reconcile()

    assert "Tags" in calls(tree)


def test_failed_tag_listings_are_repeated(tmp_path: Path) -> None:
    """Throttled listings, and those of running jobs, are repeated until they succeed."""
    tree = Tree(tmp_path)
    tree.put("a", jobTags=TAGS)
    tree.reconcile()
    tree.put("a", jobTags=[])
    tree.cloud.failing["Tags"] = make_failure("AccessDeniedException", "no", reading=True)
    tree.reconcile()
    tree.reconcile()
    assert "Tags" in calls(tree)

    tree.cloud.turn(KIND, "a", "Completed", trainingMetrics=METRICS)
    tree.cloud.failing["Tags"] = make_failure("ThrottlingException", "slow", reading=True)
    tree.reconcile()
    tree.reconcile()
    assert "Tags" in calls(tree)
