"""Waiting repeats passes until nothing can change without a person, or time is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.core.call_errors import failure
from controller.core.model import Failure
from controller.core.planning.actions import Reason
from controller.engine.reconcile import Report
from controller.engine.wait import wait
from tests.contract.passes import KIND, Tree

THROTTLED = failure("ThrottlingException", "slow down", reading=False)
REFUSED = failure("ValidationException", "no such bucket", reading=False)
DENIED = failure("AccessDeniedException", "not authorized", reading=False)
UNREADABLE = failure("InternalServerException", "Try again", reading=True)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with one valid manifest."""
    made = Tree(tmp_path)
    made.put("support-bot")
    return made


def test_wait_ends_with_the_jobs(tree: Tree) -> None:
    """Passes repeat, so many seconds apart, until every job has ended."""
    shown: list[Report] = []

    def one_pass() -> Report:
        if len(shown) == 3:
            tree.cloud.turn(KIND, "support-bot", "Completed")
        return tree.reconcile()

    waited = wait(one_pass, {KIND.name: KIND}, tree.clock, 30, None, shown.append)

    assert (waited.timed_out, len(shown)) == (False, 4)
    assert tree.clock.slept == [30, 30, 30]
    (last,) = waited.report.results
    assert last.outcome.now.reason is Reason.COMPLETED


@pytest.mark.parametrize(("timeout", "passes"), [(0, 1), (5, 2), (59, 3), (60, 3)])
def test_wait_ends_in_time(tree: Tree, timeout: float, passes: int) -> None:
    """A wait looks once more when its time is over, and says which jobs have not ended."""
    shown: list[Report] = []
    waited = wait(tree.reconcile, {KIND.name: KIND}, tree.clock, 30, timeout, shown.append)

    assert (waited.timed_out, len(shown)) == (True, passes)
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
def test_wait_ends_where_waiting_mends_nothing(
    tree: Tree, found: dict[str | tuple[str, str], Failure], ends: bool
) -> None:
    """What only a person can mend is not waited for; what passes by itself is."""
    tree.cloud.failing = found
    waited = wait(tree.reconcile, {KIND.name: KIND}, tree.clock, 30, 60, lambda _: None)

    assert waited.timed_out is not ends


@pytest.mark.parametrize(
    ("policy", "ends"),
    [({"state": "Suspended"}, True), ({"state": "Stopped"}, True), ({"state": "Submitted"}, False)],
)
def test_wait_ends_where_nothing_is_asked_for(
    tree: Tree, policy: dict[str, str], ends: bool
) -> None:
    """A job that its manifest does not want submitted is not waited for."""
    tree.put("support-bot", policy)
    waited = wait(tree.reconcile, {KIND.name: KIND}, tree.clock, 30, 60, lambda _: None)

    assert waited.timed_out is not ends
