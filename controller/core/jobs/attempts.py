"""Every job that one manifest can lead to, and the way to the one that counts.

A manifest has a job for each attempt, and where it asks for new revisions, for each attempt of
today's spec. All their names follow from the manifest, so the way needs no stored state.
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
"""Yields the name or ARN of a job to look for, takes what was found, and ends in ``Found``."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a walk ended.

    ``submission`` is the one that was looked for last and ``live`` its job, or None when none of
    the manifest's jobs exists. ``following`` is what policy would submit next: it was looked for
    too, and is absent.
    """

    submission: Submission | None
    live: Live | None
    earlier: tuple[Earlier, ...] = ()
    following: Submission | None = None

    @property
    def may_submit(self) -> bool:
        """Whether a submission of the manifest has no job, so that policy may submit it."""
        return self.submission is not None and (self.live is None or self.following is not None)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The submissions of one manifest under its fleet, derived as they are asked for."""

    kind: Kind
    desired: Desired
    fleet: Fleet

    def at(self, attempt: int, *, revised: bool = False) -> Submission:
        """Return the submission of an attempt; ``revised`` ones carry today's spec in their name.

        Raises ValueError for an invalid manifest, which has none.
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
        """Return which of today's submissions a sidecar's job was made from, if any."""
        if recorded is None or recorded.arn is None:
            return None
        return self._made_of(recorded)

    def instead_of(
        self, made: Submission, recorded: Recorded | None, *, after: int = -1
    ) -> Submission:
        """Return what comes before a submission: an earlier one whose Create has no known outcome.

        Its job may run and not show yet; under its own name and token it is never made twice, and
        under its name alone not beside it, where the spec was edited since.
        Attempts up to ``after`` are known to have had their jobs.
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
        for revised in (False, True):
            made = self.at(recorded.attempt, revised=revised)
            if (made.digest, made.token) == (recorded.digest, recorded.token):
                return made
        return None

    def whose(self, made: Submission, live: Live, recorded: Recorded | None) -> Ownership:
        """Tokens decide; where Get shows none, the recorded ARN does, then an exact name.

        A job that the manifest adopted counts as made from it, as long as its spec is the one
        that was compared then.
        """
        is_recorded = recorded is not None and recorded.arn == live.arn
        same_digest = recorded is not None and recorded.digest == made.digest
        if is_recorded and same_digest and self.desired.policy.adopt == live.arn:
            return Ownership.SAME
        if live.token is not None:
            return ownership(live.token, made, self.fleet.owner)
        if is_recorded:
            return Ownership.SAME if same_digest else Ownership.CHANGED
        if self.kind.echoes_token:
            return Ownership.FOREIGN
        found = difference(self.kind, made.request, live.members)
        return Ownership.CHANGED if found.changes else Ownership.SAME

    def is_ours(self, live: Live) -> bool:
        """Whether a job that only a sidecar speaks of was made by this fleet, as far as is shown.

        Anybody can edit a sidecar; a token shows who submitted the job.
        """
        return live.token is None or live.token.startswith(owner_mark(self.fleet.owner))

    def adopts(self, made: Submission, live: Live) -> bool:
        """Whether the manifest names a job whose spec is shown to be its own.

        What follows that job is then known also when no sidecar tells of the adoption.
        """
        if self.desired.policy.adopt != live.arn:
            return False
        found = difference(self.kind, made.request, live.members)
        return not found.changes and not found.unknown

    def after(self, made: Submission, live: Live, recorded: Recorded | None) -> Submission | None:
        """Return the attempt that policy wants after this one, or None while it wants none.

        A person's ``policy.attempt`` counts for jobs that failed or were stopped; automatic ones
        follow failures that can heal.
        """
        if live.status not in self._again:
            return None
        if self.whose(made, live, recorded) is not Ownership.SAME and not self.adopts(made, live):
            return None
        policy, revised = self.desired.policy, bool(made.revision)
        if made.attempt < policy.attempt:
            return self.at(policy.attempt, revised=revised)
        is_last = made.attempt >= policy.attempt + policy.retries
        if is_last or live.status not in self.kind.failed:
            return None
        if not heals(failure_text(self.kind, live.members), self.fleet):
            return None
        return self.at(made.attempt + 1, revised=revised)

    def beyond(self, made: Submission, live: Live, recorded: Recorded | None) -> Submission | None:
        """Return the attempt that there may be although policy wants none, where no record tells.

        Policy, or the spec, may have been another when it was submitted.
        """
        if (recorded is not None and recorded.arn is not None) or live.status not in self._again:
            return None
        is_foreign = self.whose(made, live, recorded) is Ownership.FOREIGN
        if is_foreign and not self.adopts(made, live):
            return None
        return self.at(made.attempt + 1, revised=bool(made.revision))

    @property
    def _again(self) -> frozenset[str]:
        """How a job ends that another attempt may follow."""
        return self.kind.failed | self.kind.stopped


def turned(desired: Desired, made: Submission | None) -> Desired:
    """Return a manifest's job with another of its submissions as the one that counts."""
    if made is None or made is desired.submission:
        return desired
    return replace(desired, name=made.name, submission=made)
