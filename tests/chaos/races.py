"""Many controllers at once over many manifests: real processes that start together."""

from __future__ import annotations

from tests.chaos.sweep import Run
from tests.chaos.world import Universe, World, watched
from tests.support.manifests import manifest

MOST = 8
_PER_FILE = 4


def race(universe: Universe, controllers: int, manifests: int) -> Run:
    """Let some controllers loose on a new tree at once, and return what did not hold."""
    with universe.world() as world:
        names = _fill(world, manifests)
        with watched(world) as torn:
            for one in world.forges[:controllers]:
                one.start(world.command())
            codes = [one.ended() for one in world.forges[:controllers]]
        found = [*torn, *_judged(world, names, codes)]
    return Run("race", f"{controllers} controllers, {manifests} manifests", tuple(found))


def _fill(world: World, manifests: int) -> set[str]:
    names = [f"job-{number:03}" for number in range(manifests)]
    for start in range(0, manifests, _PER_FILE):
        world.put(f"file-{start:03}", *map(manifest, names[start : start + _PER_FILE]))
    return set(names)


def _judged(world: World, names: set[str], codes: list[int]) -> list[str]:
    found = [f"a controller ended with {code}" for code in codes if code]
    there = sorted(job["jobName"] for job in world.jobs())
    if there != sorted(names):
        found.append(f"there are {len(there)} jobs for {len(names)} manifests")
    entries = world.entries()
    astray = [name for name in names if entries.get(name, {}).get("phase") != "InProgress"]
    found += [f"{name} is not recorded as in progress" for name in astray]
    said = world.said()
    found += ["the output shows a traceback"] if "Traceback" in said else []
    return found + _as_single(world)


def _as_single(world: World) -> list[str]:
    """The sidecars are to the byte what a single pass alone writes."""
    many = world.sidecars()
    for name in many:
        (world.folder / "jobs" / name).unlink()
    world.reconcile()
    single = world.sidecars()
    return [
        f"{name} is another than a single pass writes"
        for name in single.keys() | many.keys()
        if single.get(name) != many.get(name)
    ]
