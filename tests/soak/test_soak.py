from __future__ import annotations

from tests.machine.test_machine import RandomToken
from tests.machine.walking import walks
from tests.soak.__main__ import lines
from tests.soak.soak import soak

THREE_HOURS, SEED = 0.12, 5


def test_three_hours_of_troubles_breaks_nothing() -> None:
    """The daemon survives a fixed part of a day and settles everything in the night after it."""
    with walks() as made:
        tally = soak(made, THREE_HOURS, SEED)

    assert tally.violations == []
    assert tally.jobs > 3
    assert tally.killed
    assert tally.left
    assert tally.faults
    assert tally.commits > 10


def test_a_wrong_daemon_is_objected_to() -> None:
    """A soak of a daemon whose Creates have tokens of their own counts what it finds, and says."""
    with walks(RandomToken) as made:
        tally = soak(made, THREE_HOURS / 6, SEED)

    assert any("nobody asked for" in told for told in tally.violations)
    assert lines(tally)[2].endswith(f"| {len(tally.violations)} |")
    assert set(tally.violations) <= set(lines(tally))
