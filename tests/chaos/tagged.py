"""Tags as the service has them in the end: those that are wanted, and those of other people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from tests.chaos.wanted import counting
from tests.chaos.wishes import lineage
from tests.chaos.world import World
from tests.sandbox.support import poll

FOREIGN = {"added-in-the-console": "by somebody"}
_HOLDERS = {"jobTags": "jobArn", "customModelTags": "outputModelArn"}


def tagged_by_others(world: World) -> None:
    """Somebody tags every job and every model behind the controller's back.

    One that was made a moment ago may not show yet, and is tagged once it does.
    """
    tags = [{"key": key, "value": value} for key, value in FOREIGN.items()]
    for arn in _resources(world):
        body = {"resourceARN": arn, "tags": tags}
        poll(partial(_accepted, world, "/tagResource", body))
        world.foreign_tags.add(arn)


def mistagged(world: World, dropped: frozenset[str]) -> Iterator[str]:
    """Wanted tags are there, those of others still are, and those taken out are gone."""
    for arn in sorted(world.foreign_tags):
        if not FOREIGN.items() <= world.tags(arn).items():
            yield f"{arn} lost a tag that was never ours"
    jobs = world.jobs()
    for name, document in world.documents.items():
        job = counting(world, jobs, name, None) or {}
        held = [(member, job[holder]) for member, holder in _HOLDERS.items() if job.get(holder)]
        for member, holder in held if _is_current(world, document, job) else ():
            there = world.tags(holder)
            if not _pairs(document["spec"].get(member, ())) <= there.items():
                yield f"{name} lacks some of its {member}"
            yield from (f"{name} still has the tag {key}" for key in dropped & there.keys())


def _accepted(world: World, path: str, body: Mapping[str, Any]) -> bool:
    status, _ = world.answered("POST", path, body)
    return status < 300


def _is_current(world: World, document: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    """Whether a job was made from a document as it is now, so that it takes its tags."""
    tokens = {
        one.token
        for revised in (False, True)
        for one in lineage(document, world.owner, revised=revised)
    }
    return job.get("clientRequestToken") in tokens


def _pairs(tags: Any) -> set[tuple[str, str]]:
    return {(tag["key"], tag["value"]) for tag in tags}


def _resources(world: World) -> Iterator[str]:
    for job in world.jobs():
        yield from (job[member] for member in _HOLDERS.values() if job.get(member))
