"""The positions of the service's unknowns, as values, and the scenarios that run under them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tests.chaos.scenarios import (
    DOZEN,
    FAULTED,
    OVERTAKEN,
    SCENARIOS,
    THREE,
    Scenario,
    Step,
    deleted,
    pass_made,
    retagged,
    three,
    time_goes_by,
    twelve,
)
from tests.chaos.world import World

BRIEF_LAG = 0.05
"""Seconds, of a clock that runs: over before a pass has lost its patience."""
LONG_LAG = 60.0
"""Seconds, of a clock that stands still: they outlast every pass."""
A_FEW = 2
"""A quota that three jobs are too many for."""


def lag_over(world: World) -> None:
    """So much time goes by that every read shows what is."""
    world.sandbox.advance(LONG_LAG + 1)


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to one question of what the service does; ``members`` say it to the sandbox.

    ``refusing`` refuses what would be made once other jobs have ended. ``running`` lets time run.
    ``lagging`` hides what passes made from those that follow, until time has gone by.
    """

    name: str
    members: tuple[tuple[str, Any], ...] = ()
    refusing: bool = False
    running: bool = False
    lagging: bool = False


RECORDED = Choice("as recorded")
TEN_MINUTES = Choice("tokens honoured for 10 minutes", (("tokenLifetime", "10m"),))
NO_TOKENS = Choice("no token honoured again", (("tokenLifetime", "none"),))
STRICT = Choice("token mismatches refused", (("tokenMismatch", "conflict"),))
REFUSING = Choice("quota of 2 that refuses", (("quota", A_FEW),), refusing=True)
QUEUEING = Choice("quota of 2 that queues", (("quota", A_FEW), ("overQuota", "queue")))
BRIEF_GET = Choice("Get lags briefly", (("getLag", BRIEF_LAG),), running=True)
LONG_GET = Choice("Get lags long", (("getLag", LONG_LAG),), lagging=True)
BRIEF_LIST = Choice("List lags briefly", (("listLag", BRIEF_LAG),), running=True)
LONG_LIST = Choice("List lags long", (("listLag", LONG_LAG),), lagging=True)
ONE_MODEL = Choice("names of models unique", (("modelNames", "unique"),))
REPEATABLE = Choice("names of jobs repeatable", (("jobNames", "repeatable"),))

QUESTIONS: tuple[tuple[Choice, ...], ...] = (
    (RECORDED, TEN_MINUTES, NO_TOKENS),
    (RECORDED, STRICT),
    (RECORDED, REFUSING, QUEUEING),
    (RECORDED, BRIEF_GET, LONG_GET),
    (RECORDED, LONG_LIST),
    (RECORDED, ONE_MODEL),
    (RECORDED, REPEATABLE),
)
"""Every question with its answers; a brief lag of List is tried alone."""


@dataclass(frozen=True)
class Position:
    """An answer to every question; those not named are as recorded."""

    choices: tuple[Choice, ...]

    def __str__(self) -> str:
        """Return what a person calls it."""
        return ", ".join(one.name for one in self.choices) or RECORDED.name

    @cached_property
    def is_safe(self) -> bool:
        """Whether a name or a token keeps two controllers from making two jobs of one spec."""
        return REPEATABLE not in self.choices or not {TEN_MINUTES, NO_TOKENS} & {*self.choices}

    def taken(self, world: World) -> None:
        """The service takes the position."""
        world.sandbox.change_settings(
            **{name: value for one in self.choices for name, value in one.members}
        )
        world.hurried = self._lags
        # Where passes are hurried time stands still: a brief lag would never be over.
        world.pace(0.0 if self._lags else float(any(one.running for one in self.choices)))

    def under(self, scenario: Scenario) -> Scenario:
        """Return a scenario as it runs in this position; one that lags has time go by in it."""
        shown = (lag_over,) if self._lags else ()
        before = [(step, *(shown if step is pass_made else ())) for step in scenario.before]
        return replace(
            scenario,
            before=(self.taken, *itertools.chain(*before)),
            settling=(*self._settling, *scenario.settling),
        )

    @cached_property
    def _settling(self) -> tuple[Step, ...]:
        """What must happen before passes can settle: jobs end, and reads show what is."""
        refuses = any(one.refusing for one in self.choices)
        freed = (pass_made, time_goes_by) if refuses else ()
        return freed + ((pass_made, lag_over) * 2 if self._lags else ())

    @cached_property
    def _lags(self) -> bool:
        return any(one.lagging for one in self.choices)


AS_RECORDED = Position(())
SINGLE: tuple[Position, ...] = (
    *(Position((one,)) for answers in QUESTIONS for one in answers if one is not RECORDED),
    Position((BRIEF_LIST,)),
)
"""One answer each that is not as recorded."""
EVERY: tuple[Position, ...] = tuple(
    position
    for answers in itertools.product(*QUESTIONS)
    if (position := Position(tuple(one for one in answers if one is not RECORDED))).is_safe
)
"""The whole product of all answers, less those in which nothing keeps a job from being doubled."""

FIRST, EDITED, LOST = (
    next(one for one in SCENARIOS if one.name == name)
    for name in ("first submit", "edited before the restart", "sidecars deleted")
)
ALL_PARTS, EVEN_PARTS, ODD_PARTS = range(6), range(0, 6, 2), range(1, 6, 2)
Dealt = tuple[Scenario, range]
"""A scenario and which sixths of its points it is broken at."""
CORE: tuple[Dealt, ...] = (
    (FIRST, ALL_PARTS),
    (OVERTAKEN[0], ALL_PARTS),
    (EDITED, EVEN_PARTS),
    (LOST, ODD_PARTS),
    (FAULTED[0], EVEN_PARTS),
)
"""What every single position runs."""
_TWELVE = Scenario("twelve jobs, sidecars deleted", (twelve,), (deleted,), DOZEN)
_TAGS = Scenario("tags added before the restart", (three,), (retagged,), THREE)
_STOP = next(one for one in SCENARIOS if one.name == "stop")
_MORE: dict[str, tuple[Dealt, ...]] = {
    STRICT.name: ((_TAGS, EVEN_PARTS),),
    LONG_LIST.name: ((_TWELVE, EVEN_PARTS), (_STOP, EVEN_PARTS)),
    LONG_GET.name: ((_TAGS, EVEN_PARTS), (_STOP, EVEN_PARTS)),
}


def more(position: Position) -> tuple[Dealt, ...]:
    """Return what a position runs besides, for what only it brings about."""
    return _MORE.get(str(position), ())
