"""What was ever asked for, beside the service that is there: which jobs and stops may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from controller.core.identity import owner_mark
from tests.machine.project import Document
from tests.machine.service import Job

STRANGE = "somebody-else-"


@dataclass
class Model:
    """Knows from the documents alone what controllers may have done so far.

    ``asked`` are the (name, token) of every submission that was ever wanted, and of jobs that
    others made. ``stoppable`` are the job names that some owner's manifest wanted stopped, with
    the beginning of that owner's tokens; or the ARN of a job that was to be adopted; or, for a
    manifest whose spec now names another job, the token that it was submitted under before.
    """

    asked: set[tuple[str, str]] = field(default_factory=set)
    stoppable: set[tuple[str, str]] = field(default_factory=set)
    submitted: set[tuple[str, str]] = field(default_factory=set)

    def learn(self, documents: Iterable[Document], owner: str) -> None:
        """Note what these documents ask for under an owner."""
        for document in documents:
            submission = document.submission(owner)
            if document.state == "Submitted":
                self.asked.add((submission.name, submission.token))
                self.submitted.add((document.name, submission.token))
            if document.state == "Stopped":
                self.stoppable.add((submission.name, owner_mark(owner)))
                self.stoppable.add((submission.name, document.adopt or ""))
                self.stoppable |= {
                    ("", token) for name, token in self.submitted if name == document.name
                }

    def violations(self, jobs: Iterable[Job]) -> Iterator[str]:
        """Yield what is there and was not asked for, or is there twice."""
        names: set[str] = set()
        tokens: set[str] = set()
        for job in jobs:
            if (job.name, job.token) not in self.asked:
                yield f"{job.name} has a job that nobody asked for, under {job.token}"
            if job.name in names:
                yield f"{job.name} has two jobs"
            if job.token in tokens:
                yield f"{job.token} has two jobs"
            if job.stop_asked and not self._may_stop(job):
                yield f"{job.name} was stopped unasked"
            names.add(job.name)
            tokens.add(job.token)

    def _may_stop(self, job: Job) -> bool:
        mark = job.token[: len(owner_mark(""))]
        allowed = {(job.name, mark), (job.name, job.arn), ("", job.token)}
        return not self.stoppable.isdisjoint(allowed)
