"""Shards that come and go while they work (full size: tests.daemon)."""

from __future__ import annotations

from tests.daemon import shows
from tests.support.project import Project

SIZE, SHARDS = 48, 2


def test_shards_that_are_killed_and_resized(tree: Project) -> None:
    """Of two, one is killed and begun again; three follow while they run: each job is made once."""
    assert "each once" in shows.shards(tree, SIZE, SHARDS)
