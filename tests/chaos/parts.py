"""The work of the whole sweep in parts, and a worker's way through them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.chaos.errnos import FAILING, failed, failures
from tests.chaos.faults import ANSWERED, faulted, moments, strange_answers
from tests.chaos.lives import FAULTED_LIVES, LIVES, OVERTAKEN_LIVES
from tests.chaos.portions import PORTIONED, portioned, portions
from tests.chaos.positions import AS_RECORDED, CORE, EVERY, SINGLE, Position, more
from tests.chaos.power import POWERED, outages, powered
from tests.chaos.prefixes import CHECKED_OUT, checked_out, prefixes
from tests.chaos.races import MOST, race
from tests.chaos.scenarios import FAULTED, OVERTAKEN, SCENARIOS, Scenario
from tests.chaos.sweep import Run, boundaries, chosen, dealt, killed, overtaken
from tests.chaos.world import Universe, universe

PARTS = 6
MANIFESTS = 200
DEALT = 2
"""How many boundaries each position of the whole product has in a scenario."""
RECORDED: dict[str, tuple[Scenario, ...]] = {
    "killed": (*SCENARIOS, *LIVES),
    "overtaken": (*OVERTAKEN, *OVERTAKEN_LIVES),
    "faulted": (*FAULTED, *FAULTED_LIVES),
    "answers": ANSWERED,
    "errno": FAILING,
    "checkout": CHECKED_OUT,
    "parts": PORTIONED,
    "power": POWERED,
}
POSITION, EVERY_POSITION, RACE = "position", "positions", "race"
WAYS = (*RECORDED, POSITION, EVERY_POSITION, RACE)
_ABOVE = contextlib.ExitStack()
_HERE: list[Universe] = []

Tries = list[Callable[[], Run]]
"""Runs still to be made, one for each point that a scenario can be broken at."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the work: every n-th boundary of a scenario in a position, or a round of the race.

    ``row`` is what the table calls it. In the whole product of positions ``first`` counts them.
    """

    way: str
    row: str
    scenario: Scenario | None
    first: int
    position: Position = AS_RECORDED


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a part; ``points`` is how many the whole scenario can be broken at."""

    part: Part
    points: int
    runs: tuple[Run, ...]
    seconds: float


def parts(ways: Collection[str], share: int, rounds: int) -> Iterator[Part]:
    """Yield the work that some ways ask for: so many of the ``PARTS`` parts of each scenario."""
    for way, scenarios in RECORDED.items():
        if way in ways:
            for scenario in scenarios:
                for first in range(share):
                    yield Part(way, scenario.name, scenario, first)
    if POSITION in ways:
        yield from _in_positions(share)
    if EVERY_POSITION in ways:
        yield from _in_every_position(share)
    if RACE in ways:
        for number in range(rounds):
            yield Part(RACE, f"{MANIFESTS} manifests, 2 to {MOST} at once", None, number)


def _in_positions(share: int) -> Iterator[Part]:
    for position in SINGLE:
        for scenario, whole in (*CORE, *more(position)):
            for first in whole:
                if first < share:
                    yield Part(POSITION, str(position), scenario, first, position)


def _in_every_position(share: int) -> Iterator[Part]:
    for scenario in (SCENARIOS[0], OVERTAKEN[0]):
        for number, position in enumerate(EVERY):
            if number % PARTS < share:
                yield Part(EVERY_POSITION, scenario.name, scenario, number, position)


def work(part: Part) -> Done:
    """Do a part of the work."""
    began = time.monotonic()
    here = _HERE[0]
    if part.scenario is None:
        runs = [race(here, 2 + part.first % (MOST - 1), MANIFESTS)]
        return Done(part, 1, tuple(runs), time.monotonic() - began)
    every = tries(here, part.position.under(part.scenario))
    if part.way == EVERY_POSITION:
        some = dealt(every, part.first, DEALT)
    else:
        some = [one for _, one in chosen(every, PARTS, part.first)]
    return Done(part, len(every), tuple(one() for one in some), time.monotonic() - began)


def tries(here: Universe, scenario: Scenario) -> Tries:
    """Return a run for each point that a scenario can be broken at, none of them made yet."""
    known = {one.name: way for way, scenarios in RECORDED.items() for one in scenarios}
    way = known.get(scenario.name, "killed")
    if way == "faulted":
        return [partial(faulted, here, scenario, one) for one in moments(here, scenario)]
    if way == "answers":
        return [partial(faulted, here, scenario, one) for one in strange_answers(here, scenario)]
    if way == "errno":
        return [partial(failed, here, scenario, one) for one in failures(here, scenario)]
    if way == "checkout":
        steps = enumerate(prefixes(here, scenario))
        return [partial(checked_out, here, scenario, at, name) for at, name in steps]
    if way == "parts":
        return [partial(portioned, here, scenario, one) for one in portions(here, scenario)]
    if way == "power":
        return [partial(powered, here, scenario, one) for one in outages(here, scenario)]
    breaking = killed if way == "killed" else overtaken
    names = enumerate(boundaries(here, scenario), 1)
    return [partial(breaking, here, scenario, at, name) for at, name in names]


def settle_in(folder: str) -> None:
    """Give a worker its universe, which lasts as long as the worker.

    It leads a session of its own, so that all that it starts can be ended with it.
    """
    os.setsid()
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    mine = Path(folder) / str(os.getpid())
    mine.mkdir()
    _HERE.append(_ABOVE.enter_context(universe(mine, forges=MOST)))


def _end_with_the_parent() -> None:
    """Whatever ended the parent: nobody waits for this work any more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.killpg(0, signal.SIGKILL)
