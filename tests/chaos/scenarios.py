"""The scenarios of the sweep, as values: what stands before, and what happens after a death."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.world import JOBS, World
from tests.support.manifests import manifest, spec

Step = Callable[[World], None]
SECRET = "swordfish-of-the-deep"  # noqa: S105 - a value that must show up nowhere
AN_HOUR_AND_MORE = 7200.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story: ``before`` the pass that dies, and ``between`` its death and the restart.

    ``settling`` are the steps that must be taken before passes can settle. ``jobs`` are the names
    that have a job in the end, wherever the pass died; ``may`` those that can have one; ``most`` is
    how many jobs of a name there can be. ``codes`` are the exit codes that settled passes may have.
    Entries that speak of another place's job are not ``truthful`` of this one. What more stands in
    sidecars than the service and the manifests know is not ``rebuildable``. In the end no job has
    a tag of the ``dropped`` keys; where it is given, jobs were made in this ``order``. Of each of
    the names in ``either`` exactly one has a job.
    """

    name: str
    before: tuple[Step, ...]
    between: tuple[Step, ...] = ()
    settling: tuple[Step, ...] = field(default=(), kw_only=True)
    jobs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    most: int = 1
    codes: frozenset[int] = frozenset({0})
    truthful: bool = True
    rebuildable: bool = True
    in_turn: bool = True
    deaths: int = 1
    dropped: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    either: tuple[frozenset[str], ...] = ()


def distilling() -> dict[str, Any]:
    """Return a spec with a sensitive value in it."""
    return spec(
        customizationType="DISTILLATION",
        hyperParameters=None,
        trainingDataConfig={
            "invocationLogsConfig": {
                "usePromptResponse": True,
                "invocationLogSource": {"s3Uri": "s3://acme-invocation-logs/AWSLogs"},
                "requestMetadataFilters": {"equals": {"project": SECRET}},
            }
        },
        customizationConfig={
            "distillationConfig": {
                "teacherModelConfig": {"teacherModelIdentifier": "amazon.nova-pro-v1:0"}
            }
        },
    )


def three(world: World) -> None:
    """Three jobs in two files, one of them with a secret."""
    world.put("pair", manifest("left"), manifest("right", distilling()))
    world.put("single", manifest("alone"))


def twelve(world: World) -> None:
    """So many jobs that they are looked up by a listing."""
    world.put("dozen", *map(manifest, sorted(DOZEN)))


def retagged(world: World) -> None:
    """Tags are added, which are no part of what a token stands for."""
    tags = [{"key": "team", "value": "support"}]
    world.put("pair", manifest("left", spec(jobTags=tags)), manifest("right", distilling()))


def pass_made(world: World) -> None:
    """A whole pass is made."""
    world.reconcile()


def time_goes_by(world: World) -> None:
    """Every job that runs comes to its end."""
    world.sandbox.advance(AN_HOUR_AND_MORE)


def edited(world: World) -> None:
    """A spec is changed, beside another that stays."""
    changed = spec(hyperParameters={"epochCount": "3", "learningRate": "0.00002"})
    world.put("pair", manifest("left", changed), manifest("right", distilling()))


def renamed(world: World) -> None:
    """Each job is to have another name; only a record leads to one that was submitted before."""
    left, right, alone = (
        manifest(name, {**one, "jobName": f"{name}-anew"})
        for name, one in (("left", spec()), ("right", distilling()), ("alone", spec()))
    )
    world.put("pair", left, right)
    world.put("single", alone)


def restored(world: World) -> None:
    """The spec is changed back."""
    world.put("pair", manifest("left"), manifest("right", distilling()))


def deleted(world: World) -> None:
    """Every sidecar is lost."""
    for name in world.sidecars():
        (world.folder / "jobs" / name).unlink()


def truncated(world: World) -> None:
    """Every sidecar loses its second half."""
    for name, content in world.sidecars().items():
        (world.folder / "jobs" / name).write_bytes(content[: len(content) // 2])


def broken_removed(world: World) -> None:
    """A person removes the sidecars that no pass could read or make anew."""
    for name, content in world.sidecars().items():
        try:
            json.loads(content)
        except ValueError:
            (world.folder / "jobs" / name).unlink()


def laid_by(world: World) -> None:
    """The sidecars are kept as they are."""
    world.kept = world.sidecars()


def older(world: World) -> None:
    """The sidecars are again as they were kept; those that were not there are gone."""
    deleted(world)
    for name, content in world.kept.items():
        (world.folder / "jobs" / name).write_bytes(content)


def swapped(world: World) -> None:
    """Each file has the other's sidecar."""
    pair, single = world.sidecar("pair"), world.sidecar("single")
    contents = {path: path.read_bytes() for path in (pair, single) if path.exists()}
    deleted(world)
    for path, other in ((pair, single), (single, pair)):
        if path in contents:
            other.write_bytes(contents[path])


def foreign(world: World) -> None:
    """The sidecars come from a clone that worked in another region."""
    for name, content in world.sidecars().items():
        elsewhere = content.replace(world.region.encode(), b"elsewhere-1")
        (world.folder / "jobs" / name).write_bytes(elsewhere)


def suspended(world: World) -> None:
    """No job is wanted yet."""
    world.put("pair", *(manifest(name, policy=SUSPENDED) for name in ("left", "right")))
    world.put("single", manifest("alone", policy=SUSPENDED))


def stopped(world: World) -> None:
    """Two of three jobs are to be stopped."""
    world.put(
        "pair",
        manifest("left", policy=STOPPED),
        manifest("right", distilling(), policy=STOPPED),
    )


def adopting(world: World) -> None:
    """A job made elsewhere is to come under a manifest, beside one to be submitted."""
    request: Any = {**spec(), "jobName": "strange", "customModelName": "strange"}
    arn = world.wire("POST", JOBS, request)["jobArn"]
    world.put("strange", manifest("strange", policy={"adopt": arn}))
    world.put("single", manifest("alone"))


def taken(world: World) -> None:
    """A name is another's already, and nobody adopts it."""
    adopting(world)
    world.put("strange", manifest("strange"))


def abandoned(world: World) -> None:
    """Half-written files of a pass that died long ago lie about."""
    path = world.folder / "jobs" / f".pair{'.status.json'}.1.1.tmp"
    path.write_bytes(b'{"apiVersion": "bedr')
    os.utime(path, (0, 0))


def tokens_forgotten(world: World) -> None:
    """The service honours no token again: a name in use is all that it refuses."""
    world.sandbox.control("PUT", "behaviour", {"tokenLifetime": "none"})


def mismatches_refused(world: World) -> None:
    """The service refuses a token that comes with other parameters."""
    world.sandbox.control("PUT", "behaviour", {"tokenMismatch": "conflict"})


def nothing_unique(world: World) -> None:
    """The service honours no token again and lets names be used again."""
    tokens_forgotten(world)
    world.sandbox.control("PUT", "behaviour", {"jobNames": "repeatable"})


SUSPENDED = {"state": "Suspended"}
STOPPED = {"state": "Stopped"}
THREE = frozenset({"left", "right", "alone"})
TWO = frozenset({"strange", "alone"})
DOZEN = frozenset(f"job-{number:02}" for number in range(12))

RENAMED = Scenario(
    "jobName edited before the restart",
    (three,),
    (renamed,),
    may=THREE | {f"{name}-anew" for name in THREE},
    either=tuple(frozenset({name, f"{name}-anew"}) for name in sorted(THREE)),
    rebuildable=False,
)
"""Where the record of a Create is lost, this pays twice."""

SCENARIOS: tuple[Scenario, ...] = (
    Scenario("first submit", (three,), (), THREE),
    Scenario("first submit, threads side by side", (three,), (), THREE, in_turn=False),
    Scenario("killed twice at the same place", (three,), (), THREE, deaths=2),
    Scenario("half-written files about", (three, abandoned), (), THREE),
    Scenario("edited before the restart", (three,), (edited,), THREE),
    Scenario("edited, and back after a pass", (three,), (edited, pass_made, restored), THREE),
    Scenario("sidecars deleted", (three,), (deleted,), THREE),
    Scenario("sidecars truncated", (three,), (truncated, pass_made, broken_removed), THREE),
    Scenario("sidecars older", (suspended, pass_made, laid_by, three), (older,), THREE),
    Scenario("sidecars swapped", (three,), (swapped,), THREE, rebuildable=False),
    Scenario(
        "sidecars of another region",
        (three,),
        (foreign,),
        may=THREE,
        codes=frozenset({0, 5}),
        truthful=False,
        rebuildable=False,
    ),
    Scenario("jobs finish in between", (three,), (time_goes_by,), THREE),
    Scenario("record of jobs that ended", (three, pass_made, time_goes_by), (), THREE),
    Scenario("sidecars rebuilt", (three, pass_made, deleted), (), THREE),
    Scenario("stop", (three, pass_made, stopped), (), THREE),
    Scenario("stop of what is submitted", (three,), (stopped,), frozenset({"alone"}), THREE),
    Scenario("stop, as jobs finish", (three, pass_made, stopped), (time_goes_by,), THREE),
    Scenario("adopt", (adopting,), (), TWO),
    Scenario("adopt, sidecars deleted", (adopting,), (deleted,), TWO),
    Scenario("a name that is another's", (taken,), (), TWO),
    Scenario("no token honoured again", (tokens_forgotten, three), (), THREE),
    Scenario("no token honoured again, edited", (tokens_forgotten, three), (edited,), THREE),
    Scenario("token mismatches refused, edited", (mismatches_refused, three), (edited,), THREE),
    Scenario("neither tokens nor names kept", (nothing_unique, three), (), THREE),
    Scenario("suspended", (suspended,), (), frozenset()),
    Scenario("suspended, then wanted", (suspended,), (three,), THREE),
    RENAMED,
)
"""What happens to one controller alone, between its death and its restart."""

OVERTAKEN: tuple[Scenario, ...] = (
    Scenario("another controller", (three,), (), THREE),
    Scenario("another controller, after an edit", (three,), (edited,), THREE),
    Scenario("another controller, sidecars deleted", (three,), (deleted,), THREE),
    Scenario("another controller, jobs finish", (three,), (time_goes_by,), THREE),
    Scenario("another controller, a stop", (three, pass_made, stopped), (), THREE),
    Scenario(
        "another controller, wanted no more", (three,), (stopped,), frozenset({"alone"}), THREE
    ),
    Scenario("another controller, adopting", (adopting,), (), TWO),
    Scenario("another controller, no token honoured", (tokens_forgotten, three), (), THREE),
    Scenario(
        "another controller, neither tokens nor names kept",
        (nothing_unique, three),
        (),
        THREE,
        most=2,
        rebuildable=False,
    ),
)
"""What happens while one controller is held, before another makes a whole pass."""

FAULTED: tuple[Scenario, ...] = (
    Scenario("first submit, faults", (three,), (), THREE, in_turn=False),
    Scenario("first submit, faults, deleted", (three,), (deleted,), THREE, in_turn=False),
    Scenario("record, faults", (three, pass_made, time_goes_by), (), THREE, in_turn=False),
    Scenario("stop, faults", (three, pass_made, stopped), (), THREE, in_turn=False),
    Scenario("adopt, faults", (adopting,), (), TWO, in_turn=False),
    Scenario(
        "first submit, faults, no token honoured again",
        (tokens_forgotten, three),
        (),
        THREE,
        in_turn=False,
    ),
)
"""What a pass does while the service has bad moments."""
