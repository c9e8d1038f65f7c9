"""Many writers and a person at once, as many as a test run has time for: `python -m tests.git`."""

from __future__ import annotations

from pathlib import Path

from tests.git.contending import contend

SEED = 6


def test_every_status_lands_and_people_win(tmp_path: Path) -> None:
    """Each round of each writer is on the branch, nothing is forced, and no manifest is touched."""
    tally = contend(tmp_path, writers=3, rounds=3, seed=SEED)

    assert tally.violations == [], f"seed {SEED}"
    assert len(tally.tries) == 9
