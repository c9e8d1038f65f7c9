"""The sweep's way ``checkout``: each prefix of a checkout, given to a daemon's reading.

Git deletes files, then writes others in the order of their names, while ``index.lock`` exists.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from controller.adapters.git.work_trees import STALE_LOCK_SECONDS, WorkTrees
from controller.cli.watch.stable_reader import StableReader
from controller.cli.watch.tree_reader import ManifestReader
from controller.core.model import DesiredJob, JobKey
from controller.core.sharding import Shard
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.sweep import Run, take
from tests.chaos.world import Universe
from tests.git.support import git

CHECKED_OUT = tuple(replace(one, name=f"checkout: {one.name}") for one in SCENARIOS)
_GIVEN = {"selector": None, "config": None, "max_submits": None}
_DEFAULTS = {"jobs/_defaults.yaml": b"policy: {priority: 7}\n"}
_TREES: dict[str, tuple[dict[str, bytes], dict[str, bytes]]] = {}

Files = Mapping[str, bytes]


def prefixes(universe: Universe, scenario: Scenario) -> list[str]:
    """Return the names of the steps of a scenario's checkout, in git's order."""
    before, after = _trees(universe, scenario)
    return ["nothing yet", *(path for path, _ in _steps(before, after))]


def checked_out(universe: Universe, scenario: Scenario, at: int, name: str) -> Run:
    """Read the world at one prefix: beside git's lock, beside a stale one, and at the end."""
    before, after = _trees(universe, scenario)
    with tempfile.TemporaryDirectory() as folder:
        found = tuple(_violations(Path(folder).resolve(), before, after, at))
    return Run(scenario.name, f"{at} {name}", found)


def _violations(top: Path, before: Files, after: Files, at: int) -> Iterator[str]:
    git(top, "init", "-q", "-b", "main")
    (top / "jobs").mkdir()
    _lay(top, before.items())
    git(top, "add", "--all")
    git(top, "commit", "-q", "--allow-empty", "-m", "before")
    jobs = top / "jobs"
    reading = StableReader(ManifestReader([jobs], _GIVEN, Shard(), 60.0), WorkTrees([jobs]), [jobs])
    committed = _read(jobs)
    if dict(reading.read().desired) != committed:
        yield "the commit before is not what is read"
    lock, steps = top / ".git" / "index.lock", _steps(before, after)
    lock.touch()
    _lay(top, steps[:at])
    if not reading.read().unsettled:
        yield "a prefix of a checkout was read beside git's lock"
    os.utime(lock, (time.time() - STALE_LOCK_SECONDS - 1.0,) * 2)
    for key, job in reading.read().desired.items():
        if committed.get(key) != job:
            yield f"{key.name} is wanted as HEAD does not have it, beside a stale lock"
    _lay(top, steps[at:])
    lock.unlink()
    git(top, "add", "--all")
    git(top, "commit", "-q", "--allow-empty", "-m", "after")
    if dict(reading.read().desired) != _read(jobs):
        yield "the finished checkout is not what is read"


def _read(jobs: Path) -> dict[JobKey, DesiredJob]:
    return dict(ManifestReader([jobs], _GIVEN, Shard()).read().desired)


def _steps(before: Files, after: Files) -> list[tuple[str, bytes | None]]:
    gone: list[tuple[str, bytes | None]] = [(path, None) for path in sorted(before.keys() - after)]
    news = (path for path in sorted(after) if before.get(path) != after[path])
    return [*gone, *((path, after[path]) for path in news)]


def _lay(top: Path, steps: Iterable[tuple[str, bytes | None]]) -> None:
    for path, content in steps:
        if content is None:
            (top / path).unlink()
        else:
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_bytes(content)


def _trees(universe: Universe, scenario: Scenario) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the manifests before and after a scenario's change, the latter with defaults."""
    if scenario.name not in _TREES:
        with universe.world() as world:
            take(world, scenario.before)
            before = _manifests(world.folder)
            take(world, scenario.between)
            after = _manifests(world.folder)
        _TREES[scenario.name] = ({} if before == after else before), {**after, **_DEFAULTS}
    return _TREES[scenario.name]


def _manifests(folder: Path) -> dict[str, bytes]:
    found = (*folder.glob("*.yaml"), *(folder / "jobs").rglob("*.yaml"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
