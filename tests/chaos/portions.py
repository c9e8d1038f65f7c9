"""Passes over parts of the tree: a run for each file, label, name and batch, and for two files.

Beside what must hold in every run, none submits what a pass over the whole tree would not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import permutations

from tests.chaos.batches import BATCH
from tests.chaos.boundaries import Plan
from tests.chaos.lives import LIVES
from tests.chaos.oracles import violations
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.sweep import Run, take
from tests.chaos.wishes import Document
from tests.chaos.world import Universe, World, watched
from tests.support.manifests import write


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a tree: the way in which it is chosen, and the file or the job that it is."""

    way: str
    name: str

    def __str__(self) -> str:
        """Say which part it is."""
        return f"{self.way} {self.name}"


Portion = tuple[Piece, ...]
"""Parts that passes are made over one after another."""

PORTIONED = tuple(
    replace(one, name=f"{one.name}, in parts", order=())
    for one in (*SCENARIOS, *LIVES)
    if one.deaths == 1
)
"""The scenarios whose first pass is made over parts of the tree."""
_WHOLE_ONLY = ("--prune", "--gc", "--force")
_LABEL = "part"
STOPPING = "stop"
_MANY = ("--max-submits", "1000")


def portions(universe: Universe, scenario: Scenario) -> list[Portion]:
    """Return each part of a scenario's tree that passes are made over, in a fixed order."""
    with universe.world() as world:
        take(world, scenario.before)
        files = [Piece("file", stem) for stem in sorted(world.stems)]
        jobs = sorted(world.documents)
    single = [Piece(way, name) for name in jobs for way in ("label", STOPPING, BATCH)]
    return [*((one,) for one in (*files, *single)), *permutations(files, 2)]


def portioned(universe: Universe, scenario: Scenario, portion: Portion) -> Run:
    """Make passes over a part of the tree, take the scenario's steps, and settle the whole."""
    with universe.world() as world:
        take(world, scenario.before)
        bold: list[str] = []
        with watched(world) as torn:
            for piece in portion:
                bold += _submitted_alone(world, piece, in_turn=scenario.in_turn)
        take(world, scenario.between)
        found = (*torn, *bold, *violations(world, _after(scenario, portion)))
    return Run(scenario.name, " then ".join(map(str, portion)), found)


def _after(scenario: Scenario, portion: Portion) -> Scenario:
    """Return what must hold in the end: what was stopped by hand is followed by no attempt."""
    if all(piece.way != STOPPING for piece in portion):
        return scenario
    may = scenario.may.union(scenario.jobs, *scenario.either)
    return replace(scenario, jobs=frozenset(), either=(), may=may)


def _submitted_alone(world: World, piece: Piece, *, in_turn: bool) -> Iterator[str]:
    """Make one pass over a part, and yield what it submits and a pass over the whole would not."""
    permitted, calls = submitted_by_the_whole(world), len(world.calls())
    one_pass(world, piece, in_turn=in_turn)
    for call in world.calls()[calls:]:
        if call["operation"].startswith("Create") and call["members"]["jobName"] not in permitted:
            yield f"{piece} submitted {call['members']['jobName']}, which the whole tree holds"


def submitted_by_the_whole(world: World) -> set[str]:
    """Return the names of the jobs that a pass over the whole tree would submit, now or in turn."""
    output = world.folder.with_suffix(".plan")
    arguments = ("plan", *_MANY, *_options(world), "--output", "json")
    world.forges[0].run(replace(world.command(), arguments=arguments, output=str(output)))
    said = output.read_text()
    found, _ = json.JSONDecoder().raw_decode(said, said.index("{\n"))
    output.unlink()
    return {
        one["jobName"]
        for one in found["actions"]
        if one["verb"] == "SUBMIT" or one["reason"] == "Queued"
    }


def _options(world: World) -> tuple[str, ...]:
    return tuple(one for one in world.options if one not in _WHOLE_ONLY)


def one_pass(world: World, piece: Piece, *, in_turn: bool) -> None:
    """Make one pass over a part; what needs whole folders is left to the passes that settle."""
    if piece.way == "label":
        _label(world)
    if piece.way == STOPPING:
        world.asked_to_stop.add(piece.name)
    arguments = _WORDS[piece.way](piece.name, _options(world))
    command = replace(world.command(Plan(in_turn=in_turn)), arguments=arguments)
    world.forges[0].run(command)


_WORDS: dict[str, Callable[[str, tuple[str, ...]], tuple[str, ...]]] = {
    "file": lambda name, options: ("reconcile", *_MANY, *options, f"jobs/{name}.yaml"),
    "label": lambda name, options: ("reconcile", *_MANY, *options, "-l", f"{_LABEL}={name}"),
    STOPPING: lambda name, _: ("stop", name, "--yes"),
    BATCH: lambda name, _: (BATCH, name, "--", *_MANY, "jobs"),
}


def _label(world: World) -> None:
    """Give each document a label with its name; labels are no part of what is submitted."""
    for stem, documents in world.stems.items():
        write(world.folder / "jobs" / f"{stem}.yaml", *map(_labelled, documents))


def _labelled(document: Document) -> Document:
    metadata = document["metadata"]
    labels = {**metadata.get("labels", {}), _LABEL: metadata["name"]}
    return {**document, "metadata": {**metadata, "labels": labels}}
