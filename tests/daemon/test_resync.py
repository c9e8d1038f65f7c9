from __future__ import annotations

import gc
import random
from collections import Counter
from pathlib import Path

from controller.core.call_errors import make_failure
from controller.core.model import Target
from controller.daemon.work_queue import MAX_FULL_BATCH
from tests.contract.fake import Fake
from tests.daemon.world import KIND, RHYTHM, Kept

MANY = 120
LOST = make_failure("InternalServerException", "try again", reading=True)


def settled(folder: Path) -> Kept:
    """Return a daemon whose jobs have all ended."""
    kept = Kept(folder, Fake(), draw=random.Random(3).random)  # noqa: S311
    kept.limit(max_submits=MANY)
    wanted = [f"job-{number:03}" for number in range(MANY)]
    for name in wanted:
        kept.put(name)
    kept.settle()
    kept.finish(*wanted)
    kept.after(70.0)
    assert set(kept.roster.phases.values()) == {"Completed"}
    kept.calls()
    kept.inline.sizes.clear()
    return kept


def test_a_resync_is_made_in_small_parts(tmp_path: Path) -> None:
    """Settled jobs are polled a few at a time, so that no saved file waits for long."""
    kept = settled(tmp_path)

    kept.after(1.2 * RHYTHM.resync)

    asked = Counter(argument for operation, argument in kept.fake.calls if operation == "Get")
    assert len(asked) == MANY
    assert set(asked.values()) == {1}
    assert max(size for size in kept.inline.sizes if size != MANY) <= MAX_FULL_BATCH


def test_a_failed_resync_is_repeated(tmp_path: Path) -> None:
    """A job whose full observation failed is polled until it succeeds, and keeps its record."""
    kept = settled(tmp_path)
    kept.fake.failing["Get"] = LOST
    kept.after(1.2 * RHYTHM.resync)
    assert set(kept.roster.phases.values()) == {"Completed"}
    kept.fake.failing.clear()
    kept.calls()

    kept.after(1000.0)

    asked = {argument for operation, argument in kept.fake.calls if operation == "Get"}
    assert len(asked) == MANY


def test_fifty_resyncs_leave_nothing_behind(tmp_path: Path) -> None:
    """The daemon's state of a settled fleet does not grow."""
    kept = Kept(tmp_path, Fake(), draw=random.Random(3).random)  # noqa: S311
    for name in "abc":
        kept.put(name, target=Target("eu-west-1"))
    kept.settle()
    for live in kept.live():
        kept.fake.turn(KIND, live.name, "Completed", Target("eu-west-1"))
    kept.after(70.0)
    held = []
    for number in range(50):
        kept.after(RHYTHM.resync)
        kept.fake.calls.clear()
        kept.inline.sizes.clear()
        if number in {20, 49}:
            gc.collect()
            held.append(len(gc.get_objects()))

    assert held[1] - held[0] < 100
