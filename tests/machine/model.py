"""What was ever asked for, beside the service that is there: which jobs and stops may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from controller.core.identity.tokens import get_owner_prefix
from tests.chaos.wanted import HEALING
from tests.chaos.wishes import Wish, wishes
from tests.machine.project import Document
from tests.machine.service import Job

STRANGE = "somebody-else-"
FOREIGN = ("added-in-the-console", "by somebody")


@dataclass
class Model:
    """Knows from the documents alone what controllers may have done so far.

    ``asked`` holds the wishes for every (name, token) that ever was to be submitted, none for jobs
    that others made. ``stoppable`` are the manifests that some owner wanted stopped, ``deletable``
    those that were to stop once they are gone, each with the beginning of that owner's tokens;
    ``named`` are the names and ARNs of jobs to be stopped, whoever asked for them. ``foreign`` are
    the jobs that others tagged. ``forgotten`` are the names of jobs that no Get showed yet as
    sidecars were lost: nobody can know of them, and a person may ask for the attempt after.
    """

    asked: dict[tuple[str, str], set[Wish]] = field(default_factory=dict)
    known: dict[tuple[str, str], set[Document]] = field(default_factory=dict)
    stoppable: set[tuple[str, str]] = field(default_factory=set)
    deletable: set[tuple[str, str]] = field(default_factory=set)
    named: set[tuple[str, str]] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)

    def learn(self, documents: Iterable[Document], owner: str) -> None:
        """Note what these documents ask for under an owner."""
        mark = get_owner_prefix(owner)
        for document in documents:
            for one in self._wishes(document, owner):
                self.asked.setdefault((one.name, one.token), set()).add(one)
            if document.state == "Stopped":
                self.stoppable.add((document.name, mark))
                # Its attempts have names that follow from it, whoever had them submitted.
                last = document.attempt + document.retries
                self.named |= {(one.name, mark) for one in document.lineage(owner)[: last + 1]}
                self.named.add(("", document.adopt or ""))
            if document.stops:
                self.deletable.add((document.name, mark))

    def _wishes(self, document: Document, owner: str) -> Iterator[Wish]:
        """Yield what a document asks for, and what it and those before it do now that it came.

        Whoever read an older one may meet the job of a newer, and then revises it. A revision stays
        the job that counts when nobody asks for revisions any more, and is tried again as others.
        """
        known = self.known.setdefault((document.name, owner), set())
        if document in known:
            return
        known.add(document)
        edited = len({one.spec for one in known}) > 1
        for one in known if edited else {document}:
            yield from wishes(one.content(), owner, edited=edited)
            for attempt in _begun_before(one, known):
                earlier = replace(one, attempt=attempt, retries=0)
                yield from wishes(earlier.content(), owner, edited=edited)
            if any(other.revises for other in known):
                again = wishes(replace(one, revises=True).content(), owner, edited=edited)
                yield from (wish for wish in again if one.revises or wish.attempt)

    def prune(self, documents: Iterable[Document], owner: str) -> None:
        """Note that jobs of manifests that are gone may be stopped from now on."""
        there = {document.name for document in documents}
        gone = {one for one in self.deletable if one[0] not in there}
        self.stoppable |= {one for one in gone if one[1] == get_owner_prefix(owner)}

    def violations(self, jobs: list[Job]) -> Iterator[str]:
        """Yield what is there and was not asked for, or is there twice."""
        by_name = {job.name: job for job in jobs}
        tokens: set[str] = set()
        for job in jobs:
            wished = self.asked.get((job.name, job.token))
            if wished is None:
                yield f"{job.name} has a job that nobody asked for, under {job.token}"
            elif wished and not any(self._was_due(one, job, by_name) for one in wished):
                yield f"{job.name} was submitted before it was due"
            if by_name[job.name] is not job:
                yield f"{job.name} has two jobs"
            if job.token in tokens:
                yield f"{job.token} has two jobs"
            if job.stop_asked and not self._may_stop(job):
                yield f"{job.name} was stopped unasked"
            if job.arn in self.foreign and FOREIGN not in job.tags:
                yield f"{job.name} lost a tag that was never ours"
            tokens.add(job.token)

    def _may_stop(self, job: Job) -> bool:
        mark = job.token[: len(get_owner_prefix(""))]
        if {(job.name, mark), ("", job.arn)} & self.named:
            return True
        wished = self.asked.get((job.name, job.token), set())
        return any((one.manifest, mark) in self.stoppable for one in wished)

    def _was_due(self, one: Wish, job: Job, by_name: dict[str, Job]) -> bool:
        """Whether the attempt before ended as it must for this one, and did so before."""
        before = by_name.get(one.before or "")
        if before is None or before.created >= job.created:
            return not one.automatic
        if not one.automatic and (before.name in self.forgotten or _is_hidden(one, before)):
            return True
        if before.status not in {"Failed", "Stopped"} or job.created < before.due:
            return False
        return not one.automatic or before.failure.startswith(HEALING)


def _begun_before(document: Document, known: Iterable[Document]) -> set[int]:
    """Return the attempts before a document's own that another spec may have begun.

    A Create without a known outcome comes first, under its own name, also with the edited spec.
    """
    others = (one for one in known if one.spec != document.spec)
    begun = {
        attempt for one in others for attempt in range(one.attempt, one.attempt + one.retries + 1)
    }
    return {attempt for attempt in begun if attempt < document.attempt}


def _is_hidden(one: Wish, before: Job) -> bool:
    """Whether one stale Get was enough to hide a job: it is another's, and no sidecar tells of it.

    What a person asked for after it is then the manifest's first, and paid for once.
    """
    return before.token.startswith(STRANGE) and one.adopts is None
