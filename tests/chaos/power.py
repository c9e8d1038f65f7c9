"""Power failure: one run for each disk that a crash can leave at each boundary of a pass."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.boundaries import Plan
from tests.chaos.disks import EMPTY, FOLDER, Disk, Layout, Step, disks, layout, unflushed
from tests.chaos.lives import FLEET, LIVES, MOVE, moved
from tests.chaos.oracles import violations
from tests.chaos.recorder import BEFORE, LOG
from tests.chaos.scenarios import RENAMED, SCENARIOS, Scenario
from tests.chaos.sweep import Run, take
from tests.chaos.world import Universe, World, torn_sidecars

_THREADED = ("retry", "revision", "prune and collect", "collect", "quota")
_MOVED = Scenario("moved and collected", (*MOVE, moved), (), FLEET)


def _of(scenario: Scenario, more: str = "") -> Scenario:
    return replace(scenario, name=f"{scenario.name}{more}, power failure")


POWERED: tuple[Scenario, ...] = (
    _of(replace(RENAMED, deaths=2), ", killed before"),
    _of(replace(RENAMED, in_turn=False), ", threads"),
    _of(_MOVED),
    _of(replace(_MOVED, deaths=2), ", killed before"),
    _of(replace(_MOVED, in_turn=False), ", threads"),
    *(_of(replace(one, in_turn=False), ", threads") for one in LIVES if one.name in _THREADED),
    *map(_of, (*SCENARIOS, *LIVES)),
)
"""What a pass does until the power fails.

Where there are two deaths a kill comes first, and the power fails as soon as the pass after it
has paid.
"""


@dataclass(frozen=True, slots=True)
class Outage:
    """A power failure: at which boundary, and which of the disks that it can leave then.

    ``name`` is the boundary's, and that of the disk as it was when outages were counted.
    """

    at: int
    disk: int
    name: str

    def __str__(self) -> str:
        """Return what a person calls it."""
        return f"{self.at} {self.name}"


def outages(universe: Universe, scenario: Scenario, broken: str = "") -> list[Outage]:
    """Return every power failure that leaves another disk, in order.

    Disks are the same where the same calls were made before. Where a kill comes first it is one
    for each boundary at which something is not flushed.
    """
    with universe.world() as world, _aside(world) as aside:
        take(world, scenario.before)
        before = _keep(world, aside)
        plan = Plan(in_turn=scenario.in_turn, aside=str(aside), unflushed=broken)
        world.reconcile(plan)
        return list(_each(scenario, before, _steps(aside)))


def _each(scenario: Scenario, before: Layout, steps: list[Step]) -> Iterator[Outage]:
    known: set[object] = set()
    ends = [number for number, one in enumerate(steps) if one.verb == "met"]
    for at, end in enumerate(ends, 1):
        met, done = steps[end].path, steps[:end]
        if scenario.deaths > 1:
            if any(unflushed(done)):
                yield Outage(at, at, met)
            continue
        calls = sum(_is_call(one) for one in done)
        for number, disk in enumerate(disks(before, done)):
            if (calls, disk.identity) not in known:
                known.add((calls, disk.identity))
                yield Outage(at, number, f"{met}, {disk.name}")


def _is_call(step: Step) -> bool:
    return step.verb == "met" and step.path.startswith(("send", "after answer"))


def powered(universe: Universe, scenario: Scenario, outage: Outage, broken: str = "") -> Run:
    """Let the power fail in a pass, take the scenario's steps, restart and settle.

    A ``broken`` product never flushes what that names.
    """
    with universe.world() as world, _aside(world) as aside:
        take(world, scenario.before)
        before = _keep(world, aside)
        plan = Plan(at=outage.at, in_turn=scenario.in_turn, aside=str(aside), unflushed=broken)
        world.reconcile(plan)
        if scenario.deaths > 1:
            world.reconcile(replace(plan, at=0, paid=True))
        unknown = _unrecorded(world, before, aside)
        found = disks(before, _steps(aside))
        if found:
            _lay_out(world, found[outage.disk % len(found)], aside)
        broken_off = (*unknown, *torn_sidecars(world))
        if broken_off:
            # Oracles can judge no world that holds something else than what they were made for.
            return Run(scenario.name, str(outage), broken_off)
        take(world, scenario.between)
        return Run(scenario.name, str(outage), tuple(violations(world, scenario)))


@contextlib.contextmanager
def _aside(world: World) -> Iterator[Path]:
    """While the context lasts there is a folder for what must outlive the disk."""
    folder = world.folder.with_suffix(".aside")
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _keep(world: World, aside: Path) -> Layout:
    """Link the tree aside, all of which counts as flushed, and return what it holds."""
    shutil.copytree(world.folder, aside / BEFORE, copy_function=os.link)
    return {
        path: FOLDER if (world.folder / path).is_dir() else f"{BEFORE}/{path}"
        for path in _paths(world)
    }


def _paths(world: World) -> set[str]:
    return {str(path.relative_to(world.folder)) for path in world.folder.rglob("*")}


def _steps(aside: Path) -> list[Step]:
    return [Step(*json.loads(line)) for line in (aside / LOG).read_text().splitlines()]


def _unrecorded(world: World, before: Layout, aside: Path) -> list[str]:
    """Return what was done to the tree and not recorded: then no disk can be trusted."""
    differing = _paths(world) ^ set(layout(before, _steps(aside)))
    return [f"what was done to {path} is not recorded" for path in sorted(differing)]


def _lay_out(world: World, disk: Disk, aside: Path) -> None:
    """Replace the tree by what a crash left of it."""
    shutil.rmtree(world.folder)
    world.folder.mkdir()
    for path, file in sorted(disk.layout.items()):
        place = world.folder / path
        if file == FOLDER:
            place.mkdir()
            continue
        shutil.copy2(aside / file, place)
        how = disk.cut.get(file)
        if how is not None:
            os.truncate(place, 0 if how == EMPTY else place.stat().st_size // 2)
