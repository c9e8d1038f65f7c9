"""Trees that change all at once: the daemon makes one pass of it (full size: tests.daemon)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.daemon import shows
from tests.support.project import Project

SIZE = 60


@pytest.mark.parametrize("show", [shows.flip, shows.checkout, shows.touched])
def test_a_tree_that_changes_at_once_is_one_pass(
    tree: Project, show: Callable[[Project, int], str]
) -> None:
    """A link that flips, a branch checked out, files written as they were: one pass, all right."""
    assert "1 pass" in show(tree, SIZE)
