"""What must hold once a walk is over and nothing disturbs any more: each finding is a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controller.core.identity import owner_mark
from controller.sandbox.faults import FaultKind
from tests.chaos.scenarios import SECRET
from tests.machine.controller import Controllers
from tests.machine.project import Document, Project
from tests.machine.service import Job, Service

LONGER_THAN_ANY_JOB = 10 * 3600.0


def settled(project: Project, controllers: Controllers, service: Service) -> Iterator[str]:
    """Yield what does not hold: as jobs run, once all have ended, and without any sidecar."""
    service.mend()
    yield from _converged(project, controllers, service)
    yield from _lost(project, service.jobs())
    yield from _untrue(project, service.jobs())
    service.advance(LONGER_THAN_ANY_JOB)
    yield from _converged(project, controllers, service)
    yield from _untrue(project, service.jobs())
    yield from _rebuilt(project, controllers, service)


def _converged(project: Project, controllers: Controllers, service: Service) -> Iterator[str]:
    """Two passes do all there is to do; the third changes nothing and writes nothing."""
    for _ in range(2):
        controllers.reconcile(project.jobs)
    before, calls = project.files_on_disk(), len(service.changes())
    controllers.reconcile(project.jobs)
    yield from (f"a third pass called {name}" for name in service.changes()[calls:])
    after = project.files_on_disk()
    touched = [path for path in before | after if before.get(path) != after.get(path)]
    yield from (f"a third pass touched {Path(path).name}" for path in touched)


def _entries(project: Project) -> Iterator[tuple[str, Document, dict[str, Any] | None]]:
    """Yield each document's job name, itself, and the entry in its own sidecar."""
    for stem, documents in project.files.items():
        path = project.sidecar(stem)
        jobs = json.loads(path.read_bytes())["jobs"] if path.exists() else {}
        for document in documents:
            yield document.submission(project.owner).name, document, jobs.get(document.name)


def _reason(entry: dict[str, Any]) -> str:
    reason: str = entry["conditions"][0]["reason"]
    return reason


def _lost(project: Project, jobs: list[Job]) -> Iterator[str]:
    """Every manifest that wants a job has one, unless its sidecar tells what a person must do."""
    there = {job.name for job in jobs}
    for name, document, entry in _entries(project):
        if document.state != "Submitted" or name in there or entry is None:
            continue
        reason = _reason(entry)
        if reason not in REFUSALS.get(document.spec, ()) and not _renamed(name, entry, jobs):
            yield f"{name} has no job, and its entry says {reason}"


REFUSALS = {"named": {"Invalid"}, "second": {"SubmitRefused"}}
"""Why a manifest of some spec may never be submitted: two claim a name; no such model."""


def _renamed(name: str, entry: dict[str, Any], jobs: list[Job]) -> bool:
    """Whether a manifest's spec names another job than the one that it was submitted as."""
    old = {job.arn: job.name for job in jobs}.get(entry.get("jobArn", ""), name)
    return _reason(entry) == "SpecChanged" and old != name


def _untrue(project: Project, jobs: list[Job]) -> Iterator[str]:
    """Every entry tells of the job that there is, with the status that it has."""
    by_name, by_arn = {job.name: job for job in jobs}, {job.arn: job for job in jobs}
    for name, _, entry in _entries(project):
        if entry is None:
            yield f"{name} has no entry"
            continue
        if _reason(entry) == "Invalid":
            continue  # it keeps what was recorded while the manifest could be read
        renamed = _renamed(name, entry, jobs)
        job = by_arn[entry["jobArn"]] if renamed else by_name.get(name)
        if job is None:
            if "jobArn" in entry or "live" in entry:
                yield f"the entry of {name} tells of a job that is not there"
        elif _reason(entry) == "NotOwned":
            if job.token.startswith(owner_mark(project.owner)):
                yield f"the entry of {name} denies a job of ours"
            if "jobArn" in entry:
                yield f"the entry of {name} claims another's job"
        else:
            yield from _untrue_of(name, entry, job)


def _untrue_of(name: str, entry: dict[str, Any], job: Job) -> Iterator[str]:
    live = entry.get("live", {})
    if (entry.get("jobArn"), live.get("status")) != (job.arn, job.status):
        yield f"the entry of {name} shows {live.get('status')}, and the job is {job.status}"
    if _reason(entry) != "SpecChanged" and entry["phase"] != job.status:
        yield f"the entry of {name} says {entry['phase']}, and the job is {job.status}"


def _rebuilt(project: Project, controllers: Controllers, service: Service) -> Iterator[str]:
    """Without sidecars a pass writes them as they were, as far as manifests and service know them.

    They do not know of a token that Get left out as a job ended, of a refusal, of a job under a
    name that the spec no longer has, or of entries whose manifest does not stand beside them.
    """
    jobs = service.jobs()
    if service.met(FaultKind.TOKENLESS):
        return
    for name, _, entry in _entries(project):
        if entry is None or _reason(entry) in UNKNOWN_ELSEWHERE or _renamed(name, entry, jobs):
            return
    before = {stem: _own(project, stem) for stem in project.files}
    for path in project.sidecars():
        path.unlink()
    calls = len(service.changes())
    controllers.reconcile(project.jobs)
    yield from (f"without sidecars a pass called {name}" for name in service.changes()[calls:])
    after = {stem: _own(project, stem) for stem in project.files}
    yield from (
        f"{stem} is not rebuilt as it was" for stem in before if before[stem] != after[stem]
    )


UNKNOWN_ELSEWHERE = frozenset({"SubmitRefused", "Invalid"})


def _own(project: Project, stem: str) -> dict[str, str]:
    """Return the entries of a sidecar whose manifests stand beside it, as text."""
    jobs = json.loads(project.sidecar(stem).read_bytes())["jobs"]
    return {one.name: json.dumps(jobs[one.name], indent=2) for one in project.files[stem]}


def torn(project: Project, spoilt: dict[Path, bytes]) -> Iterator[str]:
    """Yield which sidecars are not whole, other than those that were spoilt on purpose."""
    for path, content in project.sidecars().items():
        if spoilt.get(path) == content:
            continue
        try:
            whole = json.loads(content)["kind"] == "Status"
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            yield f"{path.name} is torn: {content[:60]!r}"


def leaks(project: Project, controllers: Controllers) -> Iterator[str]:
    """Yield where the seeded secret shows; what was said is then forgotten."""
    for path, content in project.sidecars().items():
        if SECRET.encode() in content:
            yield f"{path.name} shows the secret"
    if any(SECRET in text for text in controllers.said):
        yield "the output shows the secret"
    controllers.said.clear()
