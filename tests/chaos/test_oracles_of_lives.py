"""The oracles of what comes after a submit: they see what they are there to see."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.harm import Harm, meddled, sidecar_changed
from tests.chaos.lives import HEALING, REVISING, collecting, fleet, left, retrying, tagged
from tests.chaos.oracles import violations
from tests.chaos.scenarios import Scenario, Step, pass_made
from tests.chaos.tagged import FOREIGN
from tests.chaos.wishes import wish
from tests.chaos.world import JOBS, Universe, World

MIXED = frozenset({"left", "alone"})
QUIET = Scenario("quiet", (), (), MIXED, may=frozenset({"left-r1"}))


def submitted_as(token: str | None = None) -> Harm:
    """Return the harm of submitting a manifest's second attempt, under its token or another."""

    def submit(world: World) -> None:
        document = world.documents["left"]
        one = wish(document, world.owner, 1, revised=False)
        names = {"jobName": one.name, "customModelName": one.name}
        request: Any = {**document["spec"], **names, "clientRequestToken": token or one.token}
        world.wire("POST", JOBS, request)

    return submit


def untagged(*keys: str) -> Harm:
    """Return the harm of taking tags from every job."""

    def untag(world: World) -> None:
        for job in world.jobs():
            body = {"resourceARN": job["jobArn"], "tagKeys": list(keys)}
            world.wire("POST", "/untagResource", body)

    return untag


def running(world: World) -> None:
    """Two jobs run."""
    left()(world)
    pass_made(world)


def left_behind(world: World) -> None:
    """Leave an entry that was to be collected."""
    collecting(world)
    sidecar_changed("pair", "gone")(world)


def to_be_stopped(world: World) -> None:
    """Believe that a job was to be stopped."""
    world.pruned.add("left")


SEEN: list[tuple[str, Step, Harm, int, Scenario, str]] = [
    (
        "a token of nobody",
        left(),
        submitted_as("bj1-0-0"),
        3,
        QUIET,
        "left-r1 has a token that no manifest ever had",
    ),
    (
        "too early",
        left(HEALING, **retrying(1)),
        submitted_as(),
        1,
        QUIET,
        "left-r1 was submitted before it was due",
    ),
    ("no stop", left(), to_be_stopped, 1, QUIET, "left was to be stopped, and runs"),
    (
        "another's tag",
        running,
        untagged(*FOREIGN),
        2,
        QUIET,
        "lost a tag that was never ours",
    ),
    ("our tag", tagged, untagged("team"), 4, QUIET, "left lacks some of its jobTags"),
    (
        "a tag too many",
        tagged,
        untagged("none"),
        1,
        replace(QUIET, dropped=frozenset({"gone"})),
        "left still has the tag gone",
    ),
    (
        "the other order",
        left(),
        untagged("none"),
        1,
        replace(QUIET, order=("left", "alone")),
        "jobs were made in the order alone, left",
    ),
    (
        "an entry of nobody",
        left(),
        left_behind,
        3,
        QUIET,
        "pair.status.json still tells of gone",
    ),
    (
        "another spec shown",
        left(**REVISING),
        sidecar_changed("pair", "left", digest="0"),
        4,
        QUIET,
        "pair.status.json is not rebuilt as it was",
    ),
]


@pytest.mark.parametrize(
    ("before", "harm", "at", "scenario", "sentence"),
    [one[1:] for one in SEEN],
    ids=[one[0] for one in SEEN],
)
def test_oracles_see_what_comes_after_a_submit(
    everywhere: Universe, before: Step, harm: Harm, at: int, scenario: Scenario, sentence: str
) -> None:
    """Each harm is told in a sentence of its own."""
    with everywhere.world() as world:
        before(world)
        found = violations(meddled(world, harm, at), scenario)
        assert [one for one in found if re.search(sentence, one)], found


def test_history_is_nothing_to_rebuild(everywhere: Universe) -> None:
    """What only a sidecar knew of earlier jobs may be lost with it."""
    with everywhere.world() as world:
        fleet(world)
        earlier = [{"jobArn": "arn", "jobName": "earlier", "phase": "Failed"}]
        harm = sidecar_changed("stay", "right", history=earlier)
        names = frozenset({"alone", "right", "left", "kept"})
        assert violations(meddled(world, harm, 4), Scenario("quiet", (), (), names)) == []
