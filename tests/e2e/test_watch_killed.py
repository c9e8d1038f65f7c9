"""A daemon that is ended amid its work, at random (full size: tests.daemon) and in order."""

from __future__ import annotations

from tests.daemon import shows
from tests.daemon.process import watch
from tests.sandbox.support import poll
from tests.support.project import Project

KILLS = 5
SLOW = 2.0


def test_killed_at_random_under_load(tree: Project) -> None:
    """No job is made twice, no sidecar is torn, and the next daemon catches up in one pass."""
    assert "none twice" in shows.killed(tree, KILLS)


def test_asked_to_end_during_a_create(tree: Project) -> None:
    """The Create under way is answered and recorded, nothing else begins, and it ends with 0."""
    tree.sandbox.inject_fault("delay-before", "Create", seconds=SLOW, times=None)
    for number in range(3):
        tree.add(f"job-{number}")
    first = tree.jobs / "job-0.status.json"
    with watch(tree) as daemon:
        poll(first.exists)
        assert tree.entry("job-0")["phase"] == "Submitting"
        assert daemon.end() == 0

    assert tree.entry("job-0")["phase"] == "InProgress"
    assert [path.name for path in tree.jobs.glob("*.json")] == [first.name]
    assert len(tree.calls("Create")) == 1
