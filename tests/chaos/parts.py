"""The work of the whole sweep in parts, and a worker's way through them."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import faulted, moments
from tests.chaos.races import MOST, race
from tests.chaos.scenarios import FAULTED, OVERTAKEN, SCENARIOS, Scenario
from tests.chaos.sweep import Run, boundaries, chosen, killed, overtaken
from tests.chaos.world import Universe, universe

PARTS = 6
MANIFESTS = 200
_ABOVE = contextlib.ExitStack()
_HERE: list[Universe] = []
WAYS: dict[str, tuple[Scenario, ...]] = {
    "killed": SCENARIOS,
    "overtaken": OVERTAKEN,
    "faulted": FAULTED,
}
RACE = "race"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the work: every n-th boundary of a scenario, or one round of the race."""

    way: str
    scenario: str
    first: int


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a part; ``points`` is how many the whole scenario can be broken at."""

    part: Part
    points: int
    runs: tuple[Run, ...]
    seconds: float


def parts(ways: Collection[str], share: int, rounds: int) -> Iterator[Part]:
    """Yield the work that some ways ask for: so many of the ``PARTS`` parts of each scenario."""
    for way, scenarios in WAYS.items():
        if way in ways:
            for scenario in scenarios:
                for first in range(share):
                    yield Part(way, scenario.name, first)
    if RACE in ways:
        for number in range(rounds):
            yield Part(RACE, f"{MANIFESTS} manifests, 2 to {MOST} at once", number)


def work(part: Part) -> Done:
    """Do a part of the work."""
    began = time.monotonic()
    here = _HERE[0]
    if part.way == RACE:
        raced = race(here, 2 + part.first % (MOST - 1), MANIFESTS)
        return Done(part, 1, (raced,), time.monotonic() - began)
    scenario = next(one for one in WAYS[part.way] if one.name == part.scenario)
    points, runs = _runs(here, part, scenario)
    return Done(part, points, tuple(runs), time.monotonic() - began)


def _runs(here: Universe, part: Part, scenario: Scenario) -> tuple[int, list[Run]]:
    """Return how many points a scenario can be broken at, and the runs of this part of them."""
    if part.way == "faulted":
        bad = moments(here, scenario)
        return len(bad), [faulted(here, scenario, one) for _, one in chosen(bad, PARTS, part.first)]
    way = killed if part.way == "killed" else overtaken
    names = boundaries(here, scenario)
    runs = [way(here, scenario, at, name) for at, name in chosen(names, PARTS, part.first)]
    return len(names), runs


def settle_in(folder: str) -> None:
    """Give a worker its universe, which lasts as long as the worker."""
    mine = Path(folder) / multiprocessing.current_process().name
    mine.mkdir()
    _HERE.append(_ABOVE.enter_context(universe(mine, forges=MOST)))
