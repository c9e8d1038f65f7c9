"""A daemon that is killed at random amid its work (full size: tests.daemon)."""

from __future__ import annotations

from tests.daemon import shows
from tests.support.project import Project

KILLS = 8


def test_killed_at_random_under_load(tree: Project) -> None:
    """No job is made twice, no sidecar is torn, and the next daemon catches up in one pass."""
    assert "none twice" in shows.killed(tree, KILLS)
