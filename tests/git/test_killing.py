"""Deaths in the middle of a write-back, a few of those that `python -m tests.git` goes through."""

from __future__ import annotations

from pathlib import Path

from tests.git.desks import Desk
from tests.git.killing import deaths

STEP, FIRST = 20, 13


def test_a_write_back_that_was_killed_is_made_good_by_the_next(
    pattern: Desk, tmp_path: Path
) -> None:
    """Wherever it dies, the next lands every status once, and the checkout is as it should be."""
    found = dict(deaths(pattern, tmp_path, STEP, FIRST))

    assert len(found) >= 2
    assert {death: wrong for death, wrong in found.items() if wrong} == {}
