"""A wait repeats passes until nothing can change without a person, or until a timeout."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.core.call_errors import make_failure
from controller.core.model import CallFailure
from controller.core.planning.actions import Reason
from controller.engine.reconcile import Report
from controller.engine.wait import wait_for_jobs
from tests.contract.passes import KIND, Tree

THROTTLED = make_failure("ThrottlingException", "slow down", reading=False)
REFUSED = make_failure("ValidationException", "no such bucket", reading=False)
DENIED = make_failure("AccessDeniedException", "not authorized", reading=False)
UNREADABLE = make_failure("InternalServerException", "Try again", reading=True)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with one valid manifest."""
    made = Tree(tmp_path)
    made.put("support-bot")
    return made


def test_wait_ends_with_the_jobs(tree: Tree) -> None:
    """Passes repeat at an interval until every job has ended."""
    shown: list[Report] = []

    def one_pass() -> Report:
        if len(shown) == 3:
            tree.cloud.turn(KIND, "support-bot", "Completed")
        return tree.reconcile()

    waited = wait_for_jobs(one_pass, {KIND.name: KIND}, tree.clock, 30, None, shown.append)

    assert (waited.has_timed_out, len(shown)) == (False, 4)
    assert tree.clock.slept == [30, 30, 30]
    (last,) = waited.report.results
    assert last.outcome.actual.reason is Reason.COMPLETED


@pytest.mark.parametrize(("timeout", "passes"), [(0, 1), (5, 2), (59, 3), (60, 3)])
def test_wait_ends_at_its_timeout(tree: Tree, timeout: float, passes: int) -> None:
    """A wait makes a last pass at its timeout, and returns the unfinished jobs."""
    shown: list[Report] = []
    waited = wait_for_jobs(tree.reconcile, {KIND.name: KIND}, tree.clock, 30, timeout, shown.append)

    assert (waited.has_timed_out, len(shown)) == (True, passes)
    assert [key.name for key in waited.unfinished] == [
        one.outcome.planned.desired.key.name for one in waited.report.results
    ]
    assert sum(tree.clock.slept) == timeout


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        ({"Create": REFUSED}, True),
        ({"Create": DENIED}, True),
        ({"Place": DENIED}, True),
        ({"Create": THROTTLED}, False),
        ({"Get": UNREADABLE}, False),
    ],
    ids=["refused", "denied", "no credentials", "throttled", "not looked up"],
)
def test_wait_ends_at_permanent_failures(
    tree: Tree, found: dict[str | tuple[str, str], CallFailure], ends: bool
) -> None:
    """A wait ends at failures that a person must fix, and goes on at temporary ones."""
    tree.cloud.failing = found
    waited = wait_for_jobs(tree.reconcile, {KIND.name: KIND}, tree.clock, 30, 60, lambda _: None)

    assert waited.has_timed_out is not ends


@pytest.mark.parametrize(
    ("policy", "ends"),
    [({"state": "Suspended"}, True), ({"state": "Stopped"}, True), ({"state": "Submitted"}, False)],
)
def test_wait_ignores_unwanted_jobs(tree: Tree, policy: dict[str, str], ends: bool) -> None:
    """A wait does not include jobs whose manifests do not want them submitted."""
    tree.put("support-bot", policy)
    waited = wait_for_jobs(tree.reconcile, {KIND.name: KIND}, tree.clock, 30, 60, lambda _: None)

    assert waited.has_timed_out is not ends
