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
    classify_token,
    compute_revision,
    derive_submission,
    get_owner_prefix,
)
from controller.core.jobs.diff import compare_members, get_failure_message
from controller.core.jobs.failure_causes import is_retryable
from controller.core.kinds.kind import Kind
from controller.core.model import DesiredJob, EarlierJob, JobRecord, LiveJob, Submission

JobSearch = Generator[str, LiveJob | None, "SearchResult"]
"""Yields the name or ARN of a job to look up, receives the job or None, returns the result."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of a search for a manifest's job.

    ``submission`` is the one that was looked up last and ``live`` its job, or None when none of the
    manifest's jobs exists. ``next_submission`` is what policy would submit next; it was looked up
    too, and does not exist.
    """

    submission: Submission | None
    live: LiveJob | None
    earlier: tuple[EarlierJob, ...] = ()
    next_submission: Submission | None = None

    @property
    def can_submit(self) -> bool:
        """Whether some submission of the manifest has no job, so that policy may submit it."""
        return self.submission is not None and (
            self.live is None or self.next_submission is not None
        )


@dataclass(frozen=True, slots=True)
class Attempts:
    """The submissions of one manifest under its fleet, derived on demand."""

    kind: Kind
    desired: DesiredJob
    fleet: Fleet

    def derive_attempt(self, attempt: int, *, revised: bool = False) -> Submission:
        """Return the submission of an attempt; ``revised`` puts the current spec into its name.

        Raises ValueError for an invalid manifest, which has no submission.
        """
        desired, spec = self.desired, self.desired.spec
        if spec is None or desired.submission is None:
            raise ValueError(f"{desired.key} is invalid and has no submission")
        if not revised and attempt == desired.submission.attempt:
            return desired.submission
        name = desired.key.name
        revision = compute_revision(self.kind, spec, name) if revised else ""
        owner = self.fleet.owner
        return derive_submission(self.kind, spec, name, owner, attempt=attempt, revision=revision)

    def find_recorded(self, recorded: JobRecord | None) -> Submission | None:
        """Return the current submission that a recorded job was created from, or None."""
        if recorded is None or recorded.arn is None:
            return None
        return self._match_recorded(recorded)

    def prefer_unconfirmed(
        self, made: Submission, recorded: JobRecord | None, *, after: int = -1
    ) -> Submission:
        """Return an earlier submission whose Create has an unknown outcome, or the given one.

        That Create's job may run and not be visible yet. Under its own name and token it is never
        created twice, so it goes first; if the spec was edited since, no job is submitted beside it
        either. Attempts up to ``after`` are known to have had their jobs.
        """
        if recorded is None or not recorded.is_intent:
            return made
        begun = self._match_recorded(recorded) or self._find_by_name(recorded)
        if begun is None or begun.revision != made.revision:
            return made
        return begun if after < begun.attempt < made.attempt else made

    def _find_by_name(self, recorded: JobRecord) -> Submission | None:
        made = self.derive_attempt(recorded.attempt)
        return made if made.name == recorded.name else None

    def _match_recorded(self, recorded: JobRecord) -> Submission | None:
        if self.desired.submission is None:
            return None
        # The record does not say whether it was a revision; digest and token decide.
        for revised in (False, True):
            made = self.derive_attempt(recorded.attempt, revised=revised)
            if (made.digest, made.token) == (recorded.digest, recorded.token):
                return made
        return None

    def judge_ownership(
        self, made: Submission, live: LiveJob, recorded: JobRecord | None
    ) -> Ownership:
        """Return whose a live job is: tokens decide, then the recorded ARN, then the exact name.

        A job that the manifest adopted counts as its own as long as the spec is the one that was
        compared then.
        """
        is_recorded = recorded is not None and recorded.arn == live.arn
        same_digest = recorded is not None and recorded.digest == made.digest
        if is_recorded and same_digest and self.desired.policy.adopt == live.arn:
            return Ownership.SAME
        if live.token is not None:
            return classify_token(live.token, made, self.fleet.owner)
        if is_recorded:
            return Ownership.SAME if same_digest else Ownership.CHANGED
        # The kind's Get shows tokens, so a job without one was not submitted by this program.
        if self.kind.echoes_token:
            return Ownership.FOREIGN
        found = compare_members(self.kind, made.request, live.members)
        return Ownership.CHANGED if found.changes else Ownership.SAME

    def is_ours(self, live: LiveJob) -> bool:
        """Whether a recorded job was submitted by this fleet, as far as the service shows.

        Anyone can edit a sidecar; the token shows who submitted the job.
        """
        return live.token is None or live.token.startswith(get_owner_prefix(self.fleet.owner))

    def can_adopt(self, made: Submission, live: LiveJob) -> bool:
        """Whether policy.adopt names a job whose spec provably equals the manifest's.

        So the next attempt is known even where no sidecar records the adoption.
        """
        if self.desired.policy.adopt != live.arn:
            return False
        found = compare_members(self.kind, made.request, live.members)
        return not found.changes and not found.unknown

    def find_next_attempt(
        self, made: Submission, live: LiveJob, recorded: JobRecord | None
    ) -> Submission | None:
        """Return the attempt that policy asks for after this one, or None.

        A raised ``policy.attempt`` applies to jobs that failed or were stopped; automatic retries
        follow only failures that may be temporary.
        """
        if live.status not in self._retryable_statuses:
            return None
        if self.judge_ownership(made, live, recorded) is not Ownership.SAME and not self.can_adopt(
            made, live
        ):
            return None
        policy, revised = self.desired.policy, bool(made.revision)
        if made.attempt < policy.attempt:
            return self.derive_attempt(policy.attempt, revised=revised)
        # Automatic retries come on top of the attempts that a person asked for.
        is_last = made.attempt >= policy.attempt + policy.retries
        if is_last or live.status not in self.kind.failed:
            return None
        if not is_retryable(get_failure_message(self.kind, live.members), self.fleet):
            return None
        return self.derive_attempt(made.attempt + 1, revised=revised)

    def find_possible_attempt(
        self, made: Submission, live: LiveJob, recorded: JobRecord | None
    ) -> Submission | None:
        """Return the next attempt if it may exist although policy does not ask for it now.

        Policy or the spec may have been different when it was submitted. A record would name it.
        """
        if (
            recorded is not None and recorded.arn is not None
        ) or live.status not in self._retryable_statuses:
            return None
        is_foreign = self.judge_ownership(made, live, recorded) is Ownership.FOREIGN
        if is_foreign and not self.can_adopt(made, live):
            return None
        return self.derive_attempt(made.attempt + 1, revised=bool(made.revision))

    @property
    def _retryable_statuses(self) -> frozenset[str]:
        """The statuses in which a job ends and may be followed by another attempt."""
        return self.kind.failed | self.kind.stopped


def select_submission(desired: DesiredJob, made: Submission | None) -> DesiredJob:
    """Return a desired job with another of its submissions as the current one."""
    # The usual case; a copy per job and pass would add up in large trees.
    if made is None or made is desired.submission:
        return desired
    return replace(desired, name=made.name, submission=made)
