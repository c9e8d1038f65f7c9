"""The unknowns of the service, a fixed slice; and what is left where nothing is kept."""

from __future__ import annotations

import signal
from collections import Counter

import pytest

from tests.chaos.boundaries import Plan
from tests.chaos.lives import LIVES
from tests.chaos.oracles import violations
from tests.chaos.parts import tries
from tests.chaos.positions import (
    AS_RECORDED,
    CORE,
    EVERY,
    FIRST,
    LONG_GET,
    NO_TOKENS,
    QUESTIONS,
    REPEATABLE,
    SINGLE,
    STRICT,
    Position,
    more,
)
from tests.chaos.scenarios import OVERTAKEN, THREE, Scenario
from tests.chaos.sweep import boundaries, dealt, take
from tests.chaos.world import Universe, World

CREATE = "send POST /model-customization-jobs"
SOME = EVERY[29::120]
UNKEPT = OVERTAKEN[-1]
LAGGING_UNKEPT = Position((NO_TOKENS, REPEATABLE, LONG_GET))


def broken_off(universe: Universe, scenario: Scenario, hand: int) -> tuple[str, ...]:
    """Break a scenario off at one point, and return what does not hold."""
    (one,) = dealt(tries(universe, scenario), hand, 1)
    return one().violations


@pytest.mark.parametrize(("hand", "position"), list(enumerate(SINGLE)), ids=map(str, SINGLE))
def test_single_answers_keep_every_oracle(
    everywhere: Universe, hand: int, position: Position
) -> None:
    """Whatever one question's answer is, a pass that was broken off is made good."""
    scenario, _ = CORE[hand % len(CORE)]
    assert broken_off(everywhere, position.under(scenario), hand) == ()


@pytest.mark.parametrize(("hand", "position"), list(enumerate(SOME)), ids=map(str, SOME))
def test_answers_together_keep_every_oracle(
    everywhere: Universe, hand: int, position: Position
) -> None:
    """So it is whatever the answers to all questions are."""
    scenario = (FIRST, OVERTAKEN[0])[hand % 2]
    assert broken_off(everywhere, position.under(scenario), hand) == ()


def test_refused_mismatch_that_lags(everywhere: Universe) -> None:
    """Tags added to a job that does not show yet, under a token that refuses them, do no harm."""
    scenario, _ = more(Position((STRICT,)))[0]
    position = Position((STRICT, LONG_GET))
    assert broken_off(everywhere, position.under(scenario), 3) == ()


def test_positions_are_all_there() -> None:
    """The product holds each answer, alone too, and no position in which nothing is kept."""
    answers = {one for question in QUESTIONS for one in question if one.members}
    assert {one for position in EVERY for one in position.choices} == answers
    assert {Position((one,)) for one in answers} <= {*EVERY, *SINGLE}
    assert not any({REPEATABLE, NO_TOKENS} <= {*position.choices} for position in EVERY)


def jobs_of(world: World) -> dict[str, int]:
    """Return how many jobs each name has."""
    return dict(Counter(job["jobName"] for job in world.jobs()))


def test_two_controllers_where_nothing_is_kept(everywhere: Universe) -> None:
    """Two that are both past their look each make a job of a name, and no later pass a third.

    Each controller makes one at most. The entries tell of the newer one, truly; nothing tells of
    the older one.
    """
    at = boundaries(everywhere, UNKEPT).index(CREATE) + 1
    with everywhere.world() as world:
        take(world, UNKEPT.before)
        first, second = world.forges[:2]
        first.start(world.command(Plan(at=at, number=signal.SIGSTOP)))
        assert first.answer(60.0) == "stopped"
        assert second.run(world.command()) == 0
        older = {name: entry["jobArn"] for name, entry in world.entries().items()}
        first.resume()
        assert first.ended() == 0
        assert jobs_of(world) == dict.fromkeys(THREE, 2)
        assert violations(world, UNKEPT) == []
        assert jobs_of(world) == dict.fromkeys(THREE, 2)
        newer = {name: entry["jobArn"] for name, entry in world.entries().items()}
        assert not set(older.values()) & set(newer.values())
        assert not any(arn in world.said() for arn in older.values())


def test_restart_in_a_lag_where_nothing_is_kept(everywhere: Universe) -> None:
    """There each death after a Create costs a job if the restart comes before that one shows.

    The passes that follow make no more of them.
    """
    scenario = LAGGING_UNKEPT.under(FIRST)
    names = boundaries(everywhere, scenario)
    answered = names.index(CREATE) + names[names.index(CREATE) :].index("after answer") + 1
    with everywhere.world() as world:
        take(world, scenario.before)
        for _ in range(2):
            assert world.reconcile(Plan(at=answered)) == -signal.SIGKILL
        take(world, scenario.settling)
        world.reconcile()
        once = dict.fromkeys(THREE, 1)
        assert jobs_of(world) == {**once, "alone": 3}


def test_position_that_keeps_nothing_is_not_safe() -> None:
    """Names that repeat are safe as long as tokens are honoured, and not without."""
    assert Position((REPEATABLE,)).is_safe
    assert not LAGGING_UNKEPT.is_safe


def test_a_position_keeps_what_a_scenario_needs_to_settle() -> None:
    """What happens before passes settle is the scenario's, and the position's before it."""
    needs = [scenario for scenario in LIVES if scenario.settling]

    assert needs
    for scenario in needs:
        assert AS_RECORDED.under(scenario).settling == scenario.settling
        for position in SINGLE:
            assert position.under(scenario).settling[-len(scenario.settling) :] == scenario.settling
