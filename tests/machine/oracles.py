"""What must hold once a walk is over and nothing disturbs any more: each finding is a sentence."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Protocol

from controller.adapters.sidecars.document import parse_sidecar
from controller.core.status.parse import is_valid_entry
from controller.sandbox.jobs.faults import FaultKind
from tests.chaos.scenarios import SECRET
from tests.chaos.wishes import lineage
from tests.machine.project import Document, Project
from tests.machine.service import KIND, Job, Service

LONGER_THAN_ANY_JOB = 10 * 3600.0
AGAIN = frozenset({"Failed", "Stopped"})
MOST_TURNS = 12
"""So many jobs wait for their turn at most."""


class Passing(Protocol):
    """Whoever makes passes over a project; ``said`` is all that they printed since ``clear``."""

    said: list[str]

    def reconcile(self, jobs: Path, /) -> object:
        """Make a pass over the manifests of a folder."""


def settled(project: Project, controllers: Passing, service: Service) -> Iterator[str]:
    """Yield what does not hold: as jobs run, once all have ended, and without any sidecar."""
    service.mend()
    controllers.reconcile(project.jobs)
    for path in project.sidecars():
        # What the service did not show stays held until a person gives the broken file up.
        if _is_doubted(path.read_bytes()):
            path.unlink()
    yield from _converged(project, controllers, service)
    yield from untrue(project, service.jobs())
    for _ in range(MOST_TURNS):
        service.advance(LONGER_THAN_ANY_JOB)
        controllers.reconcile(project.jobs)
        if not _queued(project):
            break
    yield from _converged(project, controllers, service)
    yield from lost(project, service.jobs())
    yield from untrue(project, service.jobs())
    yield from _unstopped(project, service.jobs())
    yield from _mistagged(project, service.jobs())
    yield from _rebuilt(project, controllers, service)


def _is_doubted(content: bytes) -> bool:
    """Whether a sidecar, or an entry in it, has a form that may hide what it records."""
    found = parse_sidecar(content)
    return bool(found.broken) or not all(map(is_valid_entry, found.jobs.values()))


def _converged(project: Project, controllers: Passing, service: Service) -> Iterator[str]:
    """Two passes do all there is to do; the third changes nothing and writes nothing.

    Of what a quota once refused, a pass tries as much as it knows to be room, and so there are
    more of them.
    """
    controllers.reconcile(project.jobs)
    for _ in range(MOST_TURNS):
        changes, waits = len(service.changes()), _queued(project)
        controllers.reconcile(project.jobs)
        if not waits or len(service.changes()) == changes:
            break
    before, calls = project.files_on_disk(), len(service.changes())
    controllers.reconcile(project.jobs)
    yield from (f"a third pass called {name}" for name in service.changes()[calls:])
    after = project.files_on_disk()
    touched = [path for path in before | after if before.get(path) != after.get(path)]
    yield from (f"a third pass touched {Path(path).name}" for path in touched)


def entries(project: Project) -> Iterator[tuple[Document, dict[str, Any] | None]]:
    """Yield each document, and the entry in its own sidecar."""
    for stem, documents in project.files.items():
        path = project.sidecar(stem)
        jobs = json.loads(path.read_bytes())["jobs"] if path.exists() else {}
        for document in documents:
            yield document, jobs.get(document.name)


def reason_of(entry: dict[str, Any]) -> str:
    """Return why an entry's job is in its phase."""
    reason: str = entry["conditions"][0]["reason"]
    return reason


def _queued(project: Project) -> bool:
    """Whether a job waits for its turn."""
    return any(entry and reason_of(entry) == "Queued" for _, entry in entries(project))


def _counting(project: Project, document: Document, jobs: list[Job]) -> Job | None:
    """Return the last attempt of a document's spec as it is now, if there is one.

    It is reached from the attempt that the document names, one by one, as long as they ended
    such that another may follow: another document that once had the same job name may have made a
    later one, which nothing leads to.
    """
    by_name = {job.name: job for job in jobs}
    for revised in (False, True):
        chain = {
            one.attempt: job
            for one in lineage(document.content(), project.owner, revised=revised)
            if (job := by_name.get(one.name))
            and (job.token == one.token or (job.arn == document.adopt and not one.attempt))
        }
        named = [attempt for attempt in chain if attempt <= document.attempt]
        if named:
            last = max(named)
            while last + 1 in chain and chain[last].status in AGAIN:
                last += 1
            return chain[last]
    return None


def lost(project: Project, jobs: list[Job]) -> Iterator[str]:
    """Every manifest that wants a job has one, unless its sidecar tells what a person must do."""
    for document, entry in entries(project):
        if document.state != "Submitted" or entry is None or _counting(project, document, jobs):
            continue
        if _is_adopted_twice(project, document):
            continue
        reason = reason_of(entry)
        if reason not in FOR_A_PERSON | REFUSALS.get(document.spec, frozenset()):
            yield f"{document.name} has no job, and its entry says {reason}"


def _is_adopted_twice(project: Project, document: Document) -> bool:
    """Whether another manifest names the same job, so that neither is valid."""
    adopting = [one.adopt for documents in project.files.values() for one in documents]
    return document.adopt is not None and adopting.count(document.adopt) > 1


FOR_A_PERSON = frozenset({"NotOwned", "SpecChanged", "LiveMissing"})
REFUSALS = {"named": frozenset({"Invalid"}), "second": frozenset({"SubmitRefused"})}
"""Why a manifest of some spec may never be submitted: two claim a name; no such model."""


def untrue(project: Project, jobs: list[Job]) -> Iterator[str]:
    """Every entry tells of the job that counts, with the status that it has."""
    by_arn = {job.arn: job for job in jobs}
    for document, entry in entries(project):
        name = document.name
        if entry is None:
            yield f"{name} has no entry"
            continue
        if reason_of(entry) in {"Invalid", "NotOwned"}:
            if reason_of(entry) == "NotOwned" and "jobArn" in entry:
                yield f"the entry of {name} claims another's job"
            continue  # an invalid one keeps what was recorded while the manifest could be read
        told, job = entry.get("jobArn"), _counting(project, document, jobs)
        if reason_of(entry) == "SpecChanged" and document.adopt is not None:
            job = None  # an attempt that the manifest names, of another spec, stands before it
        if told is not None and told not in by_arn:
            yield f"the entry of {name} tells of a job that is not there"
        elif job is not None and told != job.arn:
            yield f"the entry of {name} does not tell of {job.name}, but of {told}"
        elif told is not None:
            yield from _untrue_of(name, entry, by_arn[told])


def _unstopped(project: Project, jobs: list[Job]) -> Iterator[str]:
    """A manifest that is Stopped has no job that runs."""
    for document, entry in entries(project):
        job = _counting(project, document, jobs)
        is_held = entry is None or reason_of(entry) in {"NotOwned", "Invalid"}
        if document.state == "Stopped" and job and job.status == "InProgress" and not is_held:
            yield f"{job.name} runs, and {document.name} is Stopped"


def _mistagged(project: Project, jobs: list[Job]) -> Iterator[str]:
    """The job that counts has the tags that its manifest wants."""
    for document, entry in entries(project):
        job = _counting(project, document, jobs)
        if job is None or entry is None or reason_of(entry) in {"NotOwned", "Invalid"}:
            continue
        if reason_of(entry) == "SpecChanged" and document.adopt is not None:
            continue  # held for an attempt that the manifest names, of another spec
        wanted = document.content()["spec"].get("jobTags", ())
        if not {(tag["key"], tag["value"]) for tag in wanted} <= {*job.tags}:
            yield f"{job.name} lacks tags that {document.name} wants: {reason_of(entry)}"


def _untrue_of(name: str, entry: dict[str, Any], job: Job) -> Iterator[str]:
    live = entry.get("live", {})
    if (entry.get("jobArn"), live.get("status")) != (job.arn, job.status):
        yield f"the entry of {name} shows {live.get('status')}, and the job is {job.status}"
    if reason_of(entry) != "SpecChanged" and entry["phase"] != job.status:
        yield f"the entry of {name} says {entry['phase']}, and the job is {job.status}"


def _rebuilt(project: Project, controllers: Passing, service: Service) -> Iterator[str]:
    """Without sidecars a pass writes them as they were, as far as manifests and service know them.

    They do not know of a token that Get left out as a job ended, of a refusal, of a job under a
    name that nothing gives any more, or of entries whose manifest does not stand beside them. Of
    metrics that Get left out for an hour they know more than was recorded.
    """
    if service.met(FaultKind.TOKENLESS):
        return
    for document, entry in entries(project):
        if entry is None or reason_of(entry) in UNKNOWN_ELSEWHERE:
            return
        # An attempt that was lowered again leaves a job that only the record leads to.
        if reason_of(entry) in NAMED_APART and _is_named_apart(project, document, entry):
            return
    late = KIND.late_members if service.met(FaultKind.METRICLESS) else ()
    before = {stem: _own(project, stem, late) for stem in project.files}
    for path in project.sidecars():
        path.unlink()
    calls = len(service.changes())
    controllers.reconcile(project.jobs)
    yield from (f"without sidecars a pass called {name}" for name in service.changes()[calls:])
    after = {stem: _own(project, stem, late) for stem in project.files}
    for stem in before:
        if before[stem] != after[stem]:
            yield f"{stem} is not rebuilt as it was:\n{_compared(before[stem], after[stem])}"


def _compared(before: dict[str, str], after: dict[str, str]) -> str:
    old, new = ("\n".join(one[name] for name in sorted(one)).split("\n") for one in (before, after))
    return "\n".join(difflib.unified_diff(old, new, n=0, lineterm=""))


def _is_named_apart(project: Project, document: Document, entry: dict[str, Any]) -> bool:
    """Whether an entry tells of a job whose name nothing gives that the manifest holds now.

    Its spec had names of its own, or is one that stood between a first one and today's.
    """
    names = {
        one.name
        for revised in (False, True)
        for one in lineage(document.content(), project.owner, revised=revised)
    }
    return entry.get("live", {}).get("jobName") not in names


UNKNOWN_ELSEWHERE = frozenset({"SubmitRefused", "Invalid"})
NAMED_APART = frozenset({"SpecChanged", "Stopped"})


def _own(project: Project, stem: str, late: Collection[str]) -> dict[str, str]:
    """Return the entries of a sidecar whose manifests stand beside it, as text."""
    jobs = json.loads(project.sidecar(stem).read_bytes())["jobs"]
    return {
        one.name: json.dumps(_less_memory(jobs[one.name], late), indent=2)
        for one in project.files[stem]
    }


def _less_memory(entry: dict[str, Any], late: Collection[str]) -> dict[str, Any]:
    """Return an entry without what it alone remembers: history, and what a held job was tagged.

    Members that came too ``late`` are left out too.
    """
    remembered = {"history", "tags"} if reason_of(entry) == "SpecChanged" else {"history"}
    kept = {name: value for name, value in entry.items() if name not in remembered}
    live = {name: value for name, value in entry.get("live", {}).items() if name not in late}
    return kept | {"live": live}


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


def leaks(project: Project, controllers: Passing) -> Iterator[str]:
    """Yield where the seeded secret shows; what was said is then forgotten."""
    for path, content in project.sidecars().items():
        if SECRET.encode() in content:
            yield f"{path.name} shows the secret"
    if any(SECRET in text for text in controllers.said):
        yield "the output shows the secret"
    controllers.said.clear()
