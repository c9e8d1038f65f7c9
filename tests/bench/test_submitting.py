from __future__ import annotations

from pathlib import Path

from controller.engine.observe import MAX_SINGLE_GETS
from tests.bench.submitting import submits

COUNT = MAX_SINGLE_GETS + 1
"""Fewer are looked for one by one, and not by one listing."""


def test_both_submit_every_job_with_the_same_calls(tmp_path: Path) -> None:
    """A pass and the bare loop each make one Create and one Get for every job, and two calls more.

    A loop that made others would be no measure.
    """
    mine, theirs = submits(tmp_path, COUNT, 0, loop_first=True)

    assert mine.counts == theirs.counts
    assert sorted(mine.counts.values()) == [1, 1, COUNT, COUNT]
