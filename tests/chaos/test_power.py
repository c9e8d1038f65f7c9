"""Power failure: every scenario's order of writes, flushes and calls."""

from __future__ import annotations

import pytest

from tests.chaos.power import losses
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.sweep import boundaries
from tests.chaos.world import Universe

WRITTEN = ("create .a.tmp", "before flush", "after flush", "rename .a.tmp")
FLUSHED = (*WRITTEN, "before flush", "after flush")
SENT = "send POST /model-customization-jobs"


@pytest.mark.parametrize(
    ("names", "lost"),
    [
        ((*FLUSHED, SENT), 0),
        ((*WRITTEN, SENT), 1),
        ((*WRITTEN, "send POST /"), 0),
        (("create .a.tmp", "rename .a.tmp"), 1),
        ((*WRITTEN, "create .b.tmp", "after flush", "rename .b.tmp", SENT), 1),
    ],
)
def test_what_is_not_flushed_may_be_lost(names: tuple[str, ...], lost: int) -> None:
    """Content must be on disk before its rename, and renames before a call that changes."""
    assert len(list(losses(names))) == lost


@pytest.mark.parametrize(
    "scenario",
    [one for one in SCENARIOS if one.in_turn],
    ids=lambda one: one.name.replace(" ", "-"),
)
def test_power_failure_loses_nothing_that_was_paid_for(
    everywhere: Universe, scenario: Scenario
) -> None:
    """What a disk may lose at any boundary of a pass, a kill before it had not written yet."""
    names = boundaries(everywhere, scenario)

    assert list(losses(names)) == []
    assert any(name.startswith("rename") for name in names) or "after flush" not in names
