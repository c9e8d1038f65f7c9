"""What must hold in every run, wherever it was broken off: each finding is a sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from tests.chaos.scenarios import SECRET, Scenario
from tests.chaos.tagged import mistagged, tagged_by_others
from tests.chaos.wanted import counting, origins, unwanted
from tests.chaos.world import JOBS, SUFFIX, World

MUTATING = ("Create", "Stop", "Tag", "Untag", "Delete", "Put", "Update")
OUR_TOKEN = "bj1-"  # noqa: S105 - how a token of ours begins


def violations(world: World, scenario: Scenario) -> list[str]:
    """Settle a world with passes that nothing disturbs, and return what does not hold.

    Two passes must do; the third must change nothing; one without sidecars must write the same
    bytes again.
    """
    for step in scenario.settling:
        step(world)
    tagged_by_others(world)
    codes = [world.reconcile() for _ in range(2)]
    found = _idle(world)
    jobs = world.jobs()
    found += [f"a settled pass ended with {code}" for code in codes if code not in scenario.codes]
    found += _counted(scenario, jobs)
    found += _paid_once(scenario, world.calls(), jobs)
    found += unwanted(world, jobs)
    found += _stops(world, jobs)
    found += _in_order(scenario, jobs)
    if scenario.truthful:
        found += _untrue(world, jobs)
    found += _left_over(world, jobs)
    if scenario.rebuildable:
        found += _rebuilt(world)
    found += mistagged(world, scenario.dropped)
    return found + _leaks(world)


def _idle(world: World) -> list[str]:
    before, calls = world.files(), len(world.calls())
    world.reconcile()
    after = world.calls()[calls:]
    found = [
        f"the third pass called {one['operation']}"
        for one in after
        if one["operation"].startswith(MUTATING)
    ]
    return found + (["the third pass touched a file"] if world.files() != before else [])


def _counted(scenario: Scenario, jobs: list[dict[str, Any]]) -> list[str]:
    """Nothing is lost, nothing is there twice, nothing is there that nobody asked for."""
    count = Counter(job["jobName"] for job in jobs)
    often = [(name, number) for name, number in count.items() if number > scenario.most]
    found = [f"{name} has {number} jobs" for name, number in often]
    found += [f"{name} has no job" for name in scenario.jobs - set(count)]
    for names in scenario.either:
        there = sorted(names & set(count))
        found += [f"{' and '.join(there)} are both paid for"] if len(there) > 1 else []
        found += [] if there else [f"none of {', '.join(sorted(names))} has a job"]
    strange = set(count) - scenario.jobs - scenario.may
    return found + [f"{name} has a job that nobody wants" for name in strange]


def _paid_once(
    scenario: Scenario, calls: list[dict[str, Any]], jobs: list[dict[str, Any]]
) -> list[str]:
    """A name gets one token through, and each token that got through is one job.

    A Create under a token that was honoured before is answered with the job that there is.
    """
    accepted = {
        (call["members"]["jobName"], call["members"].get("clientRequestToken", ""))
        for call in calls
        if call["operation"].startswith("Create") and call["status"] == 201
    }
    names = Counter(name for name, _ in accepted)
    found = [f"{name} was paid {number} times" for name, number in names.items() if number > 1]
    tokens = Counter(job["clientRequestToken"] for job in jobs if "clientRequestToken" in job)
    often = [(token, number) for token, number in tokens.items() if number > scenario.most]
    found += [f"{token} has {number} jobs" for token, number in often]
    there = {(job["jobName"], job.get("clientRequestToken", "")) for job in jobs}
    if accepted != there:
        found.append(f"{len(accepted)} specs were submitted, and there are jobs of {len(there)}")
    return found


def _stops(world: World, jobs: list[dict[str, Any]]) -> Iterator[str]:
    """No job is stopped unasked; what is to be stopped runs no longer."""
    names = {job["jobArn"]: job["jobName"] for job in jobs}
    owners = origins(world, jobs)
    stops = [call["path"] for call in world.calls() if call["operation"].startswith("Stop")]
    hit = {unquote(path).removeprefix(f"{JOBS}/").removesuffix("/stop") for path in stops}
    for arn in sorted(hit):
        if owners.get(arn, names.get(arn)) not in world.asked_to_stop:
            yield f"{names.get(arn, arn)} was stopped unasked"
    documents = world.documents
    for job in jobs:
        owner = owners.get(job["jobArn"], "")
        policy = documents[owner].get("policy", {}) if owner in documents else {}
        is_due = policy.get("state") == "Stopped" or owner in world.pruned
        if is_due and job["status"] == "InProgress":
            yield f"{job['jobName']} was to be stopped, and runs"


def _in_order(scenario: Scenario, jobs: list[dict[str, Any]]) -> Iterator[str]:
    made = sorted((job["creationTime"], job["jobName"]) for job in jobs)
    names = tuple(name for _, name in made)
    if scenario.order and names != scenario.order:
        yield f"jobs were made in the order {', '.join(names)}"


def _untrue(world: World, jobs: list[dict[str, Any]]) -> Iterator[str]:
    """Every entry tells of the job that counts, with the status that it has."""
    entries = world.entries()
    for name in world.documents:
        entry = entries.get(name)
        job = counting(world, jobs, name, (entry or {}).get("jobArn"))
        if entry is None:
            yield f"{name} has a job, but no entry" if job else f"{name} has no entry"
        elif job is None:
            if "jobArn" in entry or "live" in entry:
                yield f"the entry of {name} tells of a job that is not there"
        elif not (ours := job.get("clientRequestToken", "").startswith(OUR_TOKEN)) and (
            _reason(entry) == "NotOwned"
        ):
            if "jobArn" in entry:
                yield f"the entry of {name} claims another's job"
        else:
            yield from _untrue_of(name, entry, job, ours=ours)


def _left_over(world: World, jobs: list[dict[str, Any]]) -> Iterator[str]:
    """Collected entries of removed manifests are gone, unless their jobs run."""
    running = {job["jobArn"] for job in jobs if job["status"] in {"InProgress", "Stopping"}}
    for file, content in world.sidecars().items() if "--gc" in world.options else ():
        own = _names(world, file)
        for name, entry in json.loads(content)["jobs"].items():
            if name not in own and entry.get("jobArn") not in running:
                yield f"{file} still tells of {name}"


def _names(world: World, file: str) -> set[str]:
    """Return whose manifests stand beside a sidecar."""
    documents = world.stems.get(file.removesuffix(SUFFIX), ())
    return {document["metadata"]["name"] for document in documents}


def _untrue_of(
    name: str, entry: dict[str, Any], job: dict[str, Any], *, ours: bool
) -> Iterator[str]:
    live = entry.get("live", {})
    if (entry.get("jobArn"), live.get("status")) != (job["jobArn"], job["status"]):
        yield f"the entry of {name} shows {live.get('status')}, and the job is {job['status']}"
    if _reason(entry) != "SpecChanged" and entry["phase"] != job["status"]:
        yield f"the entry of {name} says {entry['phase']}, and the job is {job['status']}"
    if ours and entry.get("token") != job["clientRequestToken"]:
        yield f"the entry of {name} has another token than its job"


def _reason(entry: dict[str, Any]) -> str:
    reason: str = entry["conditions"][0]["reason"]
    return reason


def _rebuilt(world: World) -> list[str]:
    """Sidecars are a cache: without them a pass writes them as they were, history apart.

    Nothing can tell again of a job whose manifest does not stand there.
    """
    before = world.sidecars()
    for name in before:
        (world.folder / "jobs" / name).unlink()
    calls = len(world.calls())
    world.reconcile()
    mutating = [one for one in world.calls()[calls:] if one["operation"].startswith(MUTATING)]
    found = [f"without sidecars a pass called {one['operation']}" for one in mutating]
    after = world.sidecars()
    changed = (
        name
        for name in sorted(before | after)
        if _known(before.get(name), _names(world, name))
        != _known(after.get(name), _names(world, name))
    )
    return found + [f"{name} is not rebuilt as it was" for name in changed]


def _known(content: bytes | None, names: set[str]) -> bytes:
    """Return a sidecar less all histories, and less entries of other names."""
    document = json.loads(content) if content is not None else {"jobs": {}}
    jobs = document["jobs"]
    kept = {
        name: entry | ({"history": []} if entry.get("history") else {})
        for name, entry in jobs.items()
        if name in names
    }
    if not kept:
        return b""
    if content is not None and kept == jobs:
        return content
    text = json.dumps({**document, "jobs": kept}, indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def _leaks(world: World) -> list[str]:
    found = [
        f"{name} shows the secret"
        for name, content in world.sidecars().items()
        if SECRET in json.dumps(json.loads(content)) or SECRET.encode() in content
    ]
    said = world.said()
    found += ["the output shows the secret"] if SECRET in said else []
    return found + (["the output shows a traceback"] if "Traceback" in said else [])
