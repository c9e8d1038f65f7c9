"""The sweep: a scenario's boundaries, and one run for every one of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.chaos.boundaries import Plan
from tests.chaos.oracles import violations
from tests.chaos.scenarios import Scenario, Step
from tests.chaos.world import Universe, World, torn_sidecars, watched

Point = TypeVar("Point")
_STRIDE = 41
"""A prime that no number of boundaries is a multiple of; neighbours get points far apart."""
_OTHER_CONTROLLER = 1.0
"""Seconds that another controller has for its pass; it may wait for a lock that we hold."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: which scenario, broken at which boundary and how, and what did not hold."""

    scenario: str
    boundary: str
    violations: tuple[str, ...]


def boundaries(universe: Universe, scenario: Scenario) -> list[str]:
    """Return the names of a scenario's boundaries, in the order in which they are met.

    They are counted once for all scenarios that begin alike.
    """
    alike = (scenario.before, scenario.in_turn)
    if alike not in universe.counted:
        universe.counted[alike] = _met(universe, scenario)
    return universe.counted[alike]


def _met(universe: Universe, scenario: Scenario) -> list[str]:
    with universe.world() as world:
        take(world, scenario.before)
        record = world.folder.with_suffix(".boundaries")
        world.reconcile(Plan(str(record), in_turn=scenario.in_turn))
        return record.read_text().splitlines()


def killed(universe: Universe, scenario: Scenario, at: int, name: str) -> Run:
    """Kill the pass at a boundary, take the scenario's steps, restart and settle."""
    with universe.world() as world:
        take(world, scenario.before)
        with watched(world) as torn:
            for _ in range(scenario.deaths):
                world.reconcile(Plan(at=at, in_turn=scenario.in_turn))
            torn += torn_sidecars(world)
        take(world, scenario.between)
        found = (*torn, *violations(world, scenario))
    return Run(scenario.name, f"{at} {name}", found)


def overtaken(universe: Universe, scenario: Scenario, at: int, name: str) -> Run:
    """Hold the pass at a boundary while another controller makes a whole one, then let it go on.

    Where the held one has the lock of a sidecar, the other waits for it.
    """
    with universe.world() as world:
        take(world, scenario.before)
        first, second = world.forges[:2]
        first.start(world.command(Plan(at=at, number=signal.SIGSTOP, in_turn=scenario.in_turn)))
        is_held = not isinstance(first.answer(60.0), int)
        take(world, scenario.between)
        with watched(world) as torn:
            second.start(world.command())
            ended = second.answer(_OTHER_CONTROLLER)
            if is_held:
                first.resume()
                first.ended()
            if ended is None:
                second.ended()
        found = (*torn, *violations(world, scenario))
    return Run(scenario.name, f"{at} {name}", found)


def take(world: World, steps: Sequence[Step]) -> None:
    """Take a scenario's steps, one after another."""
    for step in steps:
        step(world)


def chosen(names: Sequence[Point], every: int, first: int = 0) -> Iterator[tuple[int, Point]]:
    """Yield every n-th boundary or moment with its number, which counts from 1."""
    yield from list(enumerate(names, 1))[first::every]


def dealt(points: Sequence[Point], hand: int, count: int) -> list[Point]:
    """Return so many points as one of many hands is dealt: all hands together have all points."""
    return [points[(hand * count + card) * _STRIDE % len(points)] for card in range(count)]
