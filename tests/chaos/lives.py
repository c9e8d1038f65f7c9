"""Scenarios of what comes after a submit: retry, revise, tag, stop, prune, move, queue, adopt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.core.identity.tokens import compute_revision
from tests.chaos.scenarios import (
    TWO,
    Scenario,
    Step,
    deleted,
    pass_made,
    time_goes_by,
)
from tests.chaos.tagged import tagged_by_others
from tests.chaos.wishes import KIND
from tests.chaos.world import JOBS, World
from tests.support.manifests import manifest, spec

OWNER = "acme-ml"
HEALING = spec(trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail-internal.jsonl"})
LASTING = spec(trainingDataConfig={"s3Uri": "s3://acme-training/sandbox-fail.jsonl"})
SECOND = spec(hyperParameters={"epochCount": "3", "learningRate": "0.00002"})
THIRD = spec(hyperParameters={"epochCount": "4", "learningRate": "0.00002"})
STOPPED = {"state": "Stopped"}
REVISING = {"onSpecChange": "NewRevision"}
STOPS = {"onDelete": "Stop"}
MIXED = frozenset({"left", "alone"})


@dataclass(frozen=True, slots=True, eq=False)
class Left:
    """The step of writing one manifest, beside another that stays; workers are handed it."""

    given: tuple[Any, ...]
    policy: Mapping[str, Any]

    def __call__(self, world: World) -> None:
        """Write it."""
        world.put(
            "pair", manifest("left", *self.given, policy=dict(self.policy)), manifest("alone")
        )


def left(*given: Any, **policy: Any) -> Step:
    """Return the step of writing one manifest with such a policy."""
    return Left(given, policy)


def retrying(retries: int, attempt: int = 0) -> dict[str, Any]:
    """Return a policy that lets failures heal."""
    return {"attempt": attempt, "onFailure": {"retries": retries}}


def revised(changed: dict[str, Any]) -> str:
    """Return what a revision of the manifest is called."""
    return f"left-{compute_revision(KIND, changed, 'left')}"


def named(*names: str) -> frozenset[str]:
    """Return these names and that of the manifest that stays as it is."""
    return frozenset({*names, "alone"})


def edited_twice(world: World) -> None:
    """The spec is edited, served, and edited again."""
    left(SECOND, **REVISING)(world)
    pass_made(world)
    left(THIRD, **REVISING)(world)


def tags(**given: str) -> list[dict[str, str]]:
    """Return tags as a spec holds them."""
    return [{"key": key, "value": value} for key, value in given.items()]


def tagged(world: World) -> None:
    """A job and its model are to have tags."""
    left(spec(jobTags=tags(team="a", gone="x"), customModelTags=tags(tier="1", gone="x")))(world)


def retagged(world: World) -> None:
    """Of each one's tags one has another value, one is taken out, and one is new."""
    given = tags(team="b", cost="7")
    left(spec(jobTags=given, customModelTags=tags(tier="2", cost="7")))(world)


def fleet(world: World) -> None:
    """An owner's four manifests, two of whose jobs may be stopped once those are gone."""
    world.own(OWNER)
    world.put("single", manifest("alone"))
    world.put("stay", manifest("right", policy=STOPS))
    world.put("stops", manifest("left", policy=STOPS))
    world.put("runs", manifest("kept"))


def removed(world: World) -> None:
    """Two manifests go, one of which wanted its job stopped then; passes prune."""
    world.put("stops")
    world.put("runs")
    world.asked_to_stop.add("left")
    world.pruned.add("left")
    world.options = ("--prune",)


def unpruned(world: World) -> None:
    """With its sidecar a manifest's last wish is lost."""
    deleted(world)
    world.pruned.clear()


def collecting(world: World) -> None:
    """Passes prune, and drop entries that nobody needs."""
    world.options = ("--prune", "--gc")


def moved(world: World) -> None:
    """Two manifests go to other files, one into a folder; passes prune and collect."""
    (world.folder / "jobs" / "deep").mkdir(exist_ok=True)
    world.put("elsewhere", manifest("left", policy=STOPS))
    world.put("stops")
    world.put("runs", manifest("kept"), manifest("right", policy=STOPS))
    world.put("stay")
    collecting(world)


def queueing(world: World) -> None:
    """Only one job may be active, and the last of three goes first."""
    world.sandbox.change_settings(quota=1)
    world.put("pair", manifest("left"), manifest("right"))
    world.put("single", manifest("alone", policy={"priority": 1}))


def adopting_a_failure(world: World) -> None:
    """A job made elsewhere, that will fail, is to come under a manifest that retries."""
    request: Any = {**HEALING, "jobName": "strange", "customModelName": "strange"}
    arn = world.wire("POST", JOBS, request)["jobArn"]
    policy = {"adopt": arn, **retrying(1)}
    world.put("strange", manifest("strange", HEALING, policy=policy))
    world.put("single", manifest("alone"))


ENDS: tuple[Step, ...] = (pass_made, time_goes_by)
"""What is submitted comes to its end."""
RETRY = (left(HEALING, **retrying(2)), *ENDS)
ASKED = (left(LASTING), *ENDS, pass_made, left(LASTING, attempt=1))
REVISE = (left(**REVISING), pass_made, left(SECOND, **REVISING))
REVISE_ENDED = (left(**REVISING), *ENDS, pass_made, left(SECOND, **REVISING))
ALL_RETRIES = named("left", "left-r1", "left-r2")
REVISED = named("left", revised(SECOND))
STOP_BOTH = (*REVISE, pass_made, left(SECOND, **REVISING, **STOPPED))
STOP_THEN_RETRY = (left(**STOPPED),)
TAG_JOB = (tagged, pass_made, tagged_by_others, retagged)
TAG_BOTH = (tagged, *ENDS, pass_made, tagged_by_others, retagged)
FLEET = frozenset({"alone", "right", "left", "kept"})
PRUNE = (fleet, pass_made, removed)
COLLECT = (fleet, *ENDS, pass_made, removed, collecting)
MOVE = (fleet, pass_made)
QUEUE = (queueing,)
QUEUED = frozenset({"left", "right", "alone"})
ADOPT = (adopting_a_failure, *ENDS)
ADOPTED = TWO | {"strange-r1"}
GONE = frozenset({"gone"})


def stopped_and_asked(world: World) -> None:
    """A job is stopped, and then to run again."""
    left()(world)
    pass_made(world)
    left(**STOPPED)(world)
    pass_made(world)
    time_goes_by(world)
    left(attempt=1)(world)


LIVES: tuple[Scenario, ...] = (
    Scenario("retry", RETRY, (), ALL_RETRIES, settling=ENDS * 2),
    Scenario("retry, sidecars deleted", RETRY, (deleted,), ALL_RETRIES, settling=ENDS * 2),
    Scenario(
        "retry, edited",
        RETRY,
        (left(SECOND, **retrying(2)),),
        named("left"),
        may=named("left-r1"),
    ),
    Scenario(
        "retry, no longer wanted",
        RETRY,
        (left(HEALING, **retrying(0)),),
        named("left"),
        may=named("left-r1"),
        settling=ENDS,
    ),
    Scenario("attempt asked for", ASKED, (), named("left", "left-r1"), settling=ENDS),
    Scenario(
        "attempt asked for, sidecars deleted",
        ASKED,
        (deleted,),
        named("left", "left-r1"),
        settling=ENDS,
    ),
    Scenario("attempt after a stop", (stopped_and_asked,), (), named("left", "left-r1")),
    Scenario("revision", REVISE, (), REVISED),
    Scenario("revision, sidecars deleted", REVISE, (deleted,), REVISED),
    Scenario("revision of what ended", REVISE_ENDED, (), REVISED),
    Scenario(
        "revision, edited again",
        REVISE,
        (left(THIRD, **REVISING),),
        named("left", revised(THIRD)),
        may=REVISED,
    ),
    Scenario(
        "revision, edited back",
        REVISE,
        (left(**REVISING),),
        named("left"),
        may=REVISED,
    ),
    Scenario("stop with its earlier revision", STOP_BOTH, (), REVISED),
    Scenario("stop with its earlier revision, deleted", STOP_BOTH, (deleted,), REVISED),
    Scenario("tags of a job", TAG_JOB, (), MIXED, dropped=GONE),
    Scenario("tags of a job and its model", TAG_BOTH, (), MIXED, dropped=GONE),
    Scenario("tags, sidecars deleted", TAG_BOTH, (deleted,), MIXED),
    Scenario("prune", PRUNE, (), FLEET),
    Scenario("prune, sidecars deleted", PRUNE, (unpruned,), FLEET),
    Scenario("moved", MOVE, (moved,), FLEET),
    Scenario("moved in the first pass", (fleet,), (moved,), FLEET),
    Scenario("prune and collect", (*PRUNE, collecting), (time_goes_by,), FLEET),
    Scenario("collect", COLLECT, (), FLEET),
    Scenario(
        "quota",
        QUEUE,
        (),
        QUEUED,
        settling=ENDS * 3,
        order=("alone", "left", "right"),
    ),
    Scenario("quota, sidecars deleted", QUEUE, (deleted,), QUEUED, settling=ENDS * 3),
    Scenario("retry of an adopted job", ADOPT, (), ADOPTED, settling=ENDS),
    Scenario("retry of an adopted job, deleted", ADOPT, (deleted,), ADOPTED, settling=ENDS),
)
"""What happens to one controller alone, once jobs are there."""

OVERTAKEN_LIVES: tuple[Scenario, ...] = (
    Scenario("another controller, a retry", RETRY, (), ALL_RETRIES, settling=ENDS * 2),
    Scenario(
        "another controller, a retry, no longer wanted",
        RETRY,
        (left(HEALING, **retrying(0)),),
        named("left"),
        may=named("left-r1"),
        settling=ENDS,
    ),
    Scenario(
        "another controller, an attempt asked for",
        ASKED,
        (),
        named("left", "left-r1"),
        settling=ENDS,
    ),
    Scenario("another controller, a revision", REVISE, (), REVISED),
    Scenario(
        "another controller, a revision, edited back",
        REVISE,
        (left(**REVISING),),
        named("left"),
        may=REVISED,
    ),
    Scenario("another controller, tags", TAG_BOTH, (), MIXED, dropped=GONE),
    Scenario("another controller, prune", PRUNE, (), FLEET),
    Scenario("another controller, moved", MOVE, (moved,), FLEET),
    Scenario("another controller, collect", COLLECT, (), FLEET),
    Scenario("another controller, quota", QUEUE, (), QUEUED, settling=ENDS * 3),
    Scenario("another controller, retry of an adopted job", ADOPT, (), ADOPTED, settling=ENDS),
)
"""What happens while one controller is held, before another makes a whole pass."""

FAULTED_LIVES: tuple[Scenario, ...] = (
    Scenario("retry, faults", RETRY, (), ALL_RETRIES, settling=ENDS * 2, in_turn=False),
    Scenario("revision, faults", REVISE, (), REVISED, in_turn=False),
    Scenario("tags, faults", TAG_BOTH, (), MIXED, dropped=GONE, in_turn=False),
    Scenario("prune and collect, faults", (*PRUNE, collecting), (), FLEET, in_turn=False),
    Scenario("quota, faults", QUEUE, (), QUEUED, settling=ENDS * 3, in_turn=False),
)
"""What a pass does while the service has bad moments."""
