"""Which jobs there may be and which of them count, held against what manifests ever asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.chaos.wishes import Wish, lineage
from tests.chaos.world import World

OURS = "bj1-"
HEALING = ("Encountered an unexpected error", "Insufficient capacity")
"""How the simulated service words failures that another attempt can heal."""
Jobs = list[dict[str, Any]]


def unwanted(world: World, jobs: Jobs) -> Iterator[str]:
    """Every job of ours is one that a manifest was to be submitted as, once that was due."""
    by_name = {job["jobName"]: job for job in jobs}
    for job in jobs:
        if not job.get("clientRequestToken", "").startswith(OURS):
            continue
        found = world.wished.get((job["jobName"], job["clientRequestToken"]))
        if found is None:
            yield f"{job['jobName']} has a token that no manifest ever had"
        elif not any(_was_due(one, job, by_name) for one in found):
            yield f"{job['jobName']} was submitted before it was due"


def _was_due(one: Wish, job: dict[str, Any], by_name: dict[str, dict[str, Any]]) -> bool:
    """Whether the attempt before ended as it must for this one, and did so before."""
    before = by_name.get(one.before or "")
    if before is None:
        return not one.automatic
    if before["status"] not in {"Failed", "Stopped"} or job["creationTime"] < before["endTime"]:
        return False
    return not one.automatic or before.get("failureMessage", "").startswith(HEALING)


def origins(world: World, jobs: Jobs) -> dict[str, str]:
    """Return by its ARN the manifest that each job was submitted for, where one was."""
    return {
        job["jobArn"]: found[0].manifest
        for job in jobs
        if (found := world.wished.get((job["jobName"], job.get("clientRequestToken", ""))))
    }


def counting(world: World, jobs: Jobs, manifest: str, told: str | None) -> dict[str, Any] | None:
    """Return the job that counts for a manifest: the last attempt of today's spec.

    Without one it is the job that is ``told`` of, or one of its first name; of namesakes the one
    that is told of, else the newest.
    """
    document = world.documents[manifest]
    adopted = document.get("policy", {}).get("adopt")
    by_name = {job["jobName"]: job for job in reversed(jobs)}
    by_name |= {job["jobName"]: job for job in jobs if job["jobArn"] == told}
    for revised in (False, True):
        chain = [
            job
            for one in lineage(document, world.owner, revised=revised)
            if (job := by_name.get(one.name))
            and (job.get("clientRequestToken") == one.token or job["jobArn"] == adopted)
        ]
        if chain:
            return chain[-1]
    mine = origins(world, jobs)
    known = next((job for job in jobs if job["jobArn"] == told), None)
    if known is not None and mine.get(known["jobArn"]) == manifest:
        return known
    return by_name.get(lineage(document, world.owner, revised=False, most=1)[0].name)
