"""The submissions that a manifest can lead to, and the rules for which of them comes next.

A manifest has one job per attempt; if it asks for new revisions, it has one per attempt of each
spec. All their names are derived from the manifest, so the search needs no stored state.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from controller.core.fleet import Fleet
from controller.core.identity.tokens import (
    Ownership,
    owner_mark,
    ownership,
    revision_of,
    submission,
)
from controller.core.jobs.diff import difference, failure_text
from controller.core.jobs.failure_causes import heals
from controller.core.kinds.kind import Kind
from controller.core.model import Desired, Earlier, Live, Recorded, Submission

Walk = Generator[str, Live | None, "Found"]
"""Yields the name or ARN of a job to look up, receives the job or None, and returns ``Found``."""


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search for a manifest's job.

    ``submission`` is the one that was looked up last and ``live`` its job, or None when none of the
    manifest's jobs exists. ``following`` is what policy would submit next; it was looked up too,
    and does not exist.
    """

    submission: Submission | None
    live: Live | None
    earlier: tuple[Earlier, ...] = ()
    following: Submission | None = None

    @property
    def may_submit(self) -> bool:
        """Whether some submission of the manifest has no job, so that policy may submit it."""
        return self.submission is not None and (self.live is None or self.following is not None)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The submissions of one manifest under its fleet, derived on demand."""

    kind: Kind
    desired: Desired
    fleet: Fleet

    def at(self, attempt: int, *, revised: bool = False) -> Submission:
        """Return the submission of an attempt; ``revised`` puts the current spec into its name.

        Raises ValueError for an invalid manifest, which has no submission.
        """
        desired, spec = self.desired, self.desired.spec
        if spec is None or desired.submission is None:
            raise ValueError(f"{desired.key} is invalid and has no submission")
        if not revised and attempt == desired.submission.attempt:
            return desired.submission
        name = desired.key.name
        revision = revision_of(self.kind, spec, name) if revised else ""
        owner = self.fleet.owner
        return submission(self.kind, spec, name, owner, attempt=attempt, revision=revision)

    def recorded_as(self, recorded: Recorded | None) -> Submission | None:
        """Return the current submission that a recorded job was created from, or None."""
        if recorded is None or recorded.arn is None:
            return None
        return self._made_of(recorded)

    def instead_of(
        self, made: Submission, recorded: Recorded | None, *, after: int = -1
    ) -> Submission:
        """Return an earlier submission whose Create has an unknown outcome, or the given one.

        That Create's job may run and not be visible yet. Under its own name and token it is never
        created twice, so it goes first; if the spec was edited since, no job is submitted beside it
        either. Attempts up to ``after`` are known to have had their jobs.
        """
        if recorded is None or not recorded.is_intent:
            return made
        begun = self._made_of(recorded) or self._namesake(recorded)
        if begun is None or begun.revision != made.revision:
            return made
        return begun if after < begun.attempt < made.attempt else made

    def _namesake(self, recorded: Recorded) -> Submission | None:
        made = self.at(recorded.attempt)
        return made if made.name == recorded.name else None

    def _made_of(self, recorded: Recorded) -> Submission | None:
        if self.desired.submission is None:
            return None
        # The record does not say whether it was a revision; digest and token decide.
        for revised in (False, True):
            made = self.at(recorded.attempt, revised=revised)
            if (made.digest, made.token) == (recorded.digest, recorded.token):
                return made
        return None

    def whose(self, made: Submission, live: Live, recorded: Recorded | None) -> Ownership:
        """Return whose a live job is: tokens decide, then the recorded ARN, then the exact name.

        A job that the manifest adopted counts as its own as long as the spec is the one that was
        compared then.
        """
        is_recorded = recorded is not None and recorded.arn == live.arn
        same_digest = recorded is not None and recorded.digest == made.digest
        if is_recorded and same_digest and self.desired.policy.adopt == live.arn:
            return Ownership.SAME
        if live.token is not None:
            return ownership(live.token, made, self.fleet.owner)
        if is_recorded:
            return Ownership.SAME if same_digest else Ownership.CHANGED
        # The kind's Get shows tokens, so a job without one was not submitted by this program.
        if self.kind.echoes_token:
            return Ownership.FOREIGN
        found = difference(self.kind, made.request, live.members)
        return Ownership.CHANGED if found.changes else Ownership.SAME

    def is_ours(self, live: Live) -> bool:
        """Whether a recorded job was submitted by this fleet, as far as the service shows.

        Anyone can edit a sidecar; the token shows who submitted the job.
        """
        return live.token is None or live.token.startswith(owner_mark(self.fleet.owner))

    def adopts(self, made: Submission, live: Live) -> bool:
        """Whether policy.adopt names a job whose spec provably equals the manifest's.

        So the next attempt is known even where no sidecar records the adoption.
        """
        if self.desired.policy.adopt != live.arn:
            return False
        found = difference(self.kind, made.request, live.members)
        return not found.changes and not found.unknown

    def after(self, made: Submission, live: Live, recorded: Recorded | None) -> Submission | None:
        """Return the attempt that policy asks for after this one, or None.

        A raised ``policy.attempt`` applies to jobs that failed or were stopped; automatic retries
        follow only failures that may be temporary.
        """
        if live.status not in self._again:
            return None
        if self.whose(made, live, recorded) is not Ownership.SAME and not self.adopts(made, live):
            return None
        policy, revised = self.desired.policy, bool(made.revision)
        if made.attempt < policy.attempt:
            return self.at(policy.attempt, revised=revised)
        # Automatic retries come on top of the attempts that a person asked for.
        is_last = made.attempt >= policy.attempt + policy.retries
        if is_last or live.status not in self.kind.failed:
            return None
        if not heals(failure_text(self.kind, live.members), self.fleet):
            return None
        return self.at(made.attempt + 1, revised=revised)

    def beyond(self, made: Submission, live: Live, recorded: Recorded | None) -> Submission | None:
        """Return the next attempt if it may exist although policy does not ask for it now.

        Policy or the spec may have been different when it was submitted. A record would name it.
        """
        if (recorded is not None and recorded.arn is not None) or live.status not in self._again:
            return None
        is_foreign = self.whose(made, live, recorded) is Ownership.FOREIGN
        if is_foreign and not self.adopts(made, live):
            return None
        return self.at(made.attempt + 1, revised=bool(made.revision))

    @property
    def _again(self) -> frozenset[str]:
        """The statuses in which a job ends and may be followed by another attempt."""
        return self.kind.failed | self.kind.stopped


def turned(desired: Desired, made: Submission | None) -> Desired:
    """Return a desired job with another of its submissions as the current one."""
    # The usual case; a copy per job and pass would add up in large trees.
    if made is None or made is desired.submission:
        return desired
    return replace(desired, name=made.name, submission=made)
