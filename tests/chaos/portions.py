"""Passes over parts of the tree: one run for each file alone, and for each two in either order."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from tests.chaos.boundaries import Plan
from tests.chaos.lives import LIVES
from tests.chaos.oracles import violations
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.sweep import Run, take
from tests.chaos.world import Universe, World, watched

Portion = tuple[str, ...]
"""Files, by their stems, that passes are made over one after another."""

PORTIONED = tuple(
    replace(one, name=f"{one.name}, in parts", order=())
    for one in (*SCENARIOS, *LIVES)
    if one.deaths == 1
)
"""The scenarios whose first pass is made over parts of the tree."""
_WHOLE_ONLY = ("--prune", "--gc", "--force")


def portions(universe: Universe, scenario: Scenario) -> list[Portion]:
    """Return each part of a scenario's tree that passes are made over, in a fixed order."""
    with universe.world() as world:
        take(world, scenario.before)
        stems = sorted(world.stems)
    return [*((stem,) for stem in stems), *permutations(stems, 2)]


def portioned(universe: Universe, scenario: Scenario, portion: Portion) -> Run:
    """Make passes over a part of the tree, take the scenario's steps, and settle the whole."""
    with universe.world() as world:
        take(world, scenario.before)
        with watched(world) as torn:
            for stem in portion:
                _one_pass(world, stem, in_turn=scenario.in_turn)
        take(world, scenario.between)
        found = (*torn, *violations(world, scenario))
    return Run(scenario.name, " then ".join(portion), found)


def _one_pass(world: World, stem: str, *, in_turn: bool) -> None:
    """Make one pass over a file; what needs whole folders is left to the passes that settle."""
    whole, world.options = (
        world.options,
        tuple(one for one in world.options if one not in _WHOLE_ONLY),
    )
    try:
        world.forges[0].run(world.command(Plan(in_turn=in_turn), f"jobs/{stem}.yaml"))
    finally:
        world.options = whole
