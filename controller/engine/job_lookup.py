"""Looks up a manifest's live job, following its attempts and revisions.

Answers come from the sidecar, from Get, or from a listing. A job that none of them could answer for
is unknown until the next pass, never absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from controller.core.identity.tags import collect_wanted_tags, iter_tags_to_read, recover_token
from controller.core.identity.tokens import Ownership
from controller.core.jobs.attempts import Attempts, JobSearch, SearchResult
from controller.core.jobs.late_members import is_awaiting_members
from controller.core.jobs.search import search_job
from controller.core.model import (
    CallFailure,
    Existence,
    JobKey,
    JobRecord,
    LiveJob,
    Observation,
    Place,
)
from controller.core.policy import State
from controller.ports import Cloud, CloudError

_Answers = Callable[[str], LiveJob | None]


class UnansweredError(Exception):
    """The sources at hand cannot tell whether a job exists."""


@dataclass(slots=True)
class JobLookup:
    """The lookup of one manifest's job: where it searches, what is recorded, what it needs next.

    ``result`` is set once the search has ended. With ``full``, jobs that ended are looked up again;
    with the pass's ``now``, so are jobs that ended recently and lack members that come late.
    ``is_answered_by_record`` says that the sidecar answered for a job, and ``bypasses_record`` that
    it must not.
    """

    attempts: Attempts
    place: Place
    recorded: JobRecord | None
    full: bool
    search: JobSearch
    identifier: str = ""
    result: SearchResult | None = None
    now: datetime | None = None
    is_answered_by_record: bool = False
    bypasses_record: bool = False

    @property
    def key(self) -> JobKey:
        """The job's key."""
        return self.attempts.desired.key

    @property
    def is_known_active(self) -> bool:
        """Whether a listing filtered by status can show that nothing changed."""
        recorded, kind = self.recorded, self.attempts.kind
        return (
            recorded is not None
            and recorded.live is not None
            and recorded.live.status == kind.listed_as_active
            and self._is_recorded_job(recorded)
        )

    def _is_recorded_job(self, recorded: JobRecord) -> bool:
        """Whether the recorded job is requested now: by ARN if no manifest is left to name it."""
        # A removed job's name may belong to another manifest by now.
        if self.attempts.desired.removed:
            return self.identifier == recorded.arn
        named = recorded.live is not None and self.identifier == recorded.live.name
        return named and self.attempts.find_recorded(recorded) is not None

    def advance(self, answers: _Answers) -> None:
        """Advance the search to its end, or to the first job without an answer."""
        try:
            found = self._follow_search(answers)
            if self.is_answered_by_record and found.can_submit:
                # A sidecar can be edited or merged: it alone must never lead to a billed job.
                self.search, self.identifier, self.bypasses_record = (
                    search_job(self.attempts, self.recorded),
                    "",
                    True,
                )
                found = self._follow_search(answers)
            self.result = found
        except UnansweredError:
            return

    def _follow_search(self, answers: _Answers) -> SearchResult:
        """Return the search's result; raises UnansweredError where it needs an answer."""
        try:
            if not self.identifier:
                self.identifier = next(self.search)
            while True:
                self.identifier = self.search.send(answers(self.identifier))
        except StopIteration as end:
            found: SearchResult = end.value
            return found

    def answer_from_record(self, identifier: str) -> LiveJob:
        """Return a recorded job that ended and so never changes; else raise UnansweredError."""
        recorded = self.recorded
        if recorded is None or recorded.live is None or self.full or self.bypasses_record:
            raise UnansweredError
        if recorded.live.status not in self.attempts.kind.terminal or self._is_to_compare(recorded):
            raise UnansweredError
        # Metrics of a new model appear some time after the job has ended.
        if self.now and is_awaiting_members(self.attempts.kind, recorded.live, self.now):
            raise UnansweredError
        if identifier == recorded.arn or (
            identifier == recorded.live.name and self.attempts.find_recorded(recorded) is not None
        ):
            self.is_answered_by_record = True
            return recorded.live
        raise UnansweredError

    def _is_to_compare(self, recorded: JobRecord) -> bool:
        """Whether an adoption must be compared with live values, because sidecars mask some."""
        desired = self.attempts.desired
        if desired.submission is None or desired.policy.adopt != recorded.arn:
            return False
        return recorded.digest != desired.submission.digest

    def observe(self, cloud: Cloud) -> Observation:
        """Finish the search with one Get per step, then read the tags that need it."""
        try:
            if self.result is None:
                self.advance(partial(self._answer, cloud))
        except CloudError as error:
            return make_unknown(self.place, error.failure)
        seen = self.build_observation()
        return replace(seen, tags=self._read_tags(cloud)) if self.has_tags_to_read else seen

    def build_observation(self) -> Observation:
        """Return the observation of a finished search, without tags."""
        found = self.result
        if found is None:
            raise ValueError(f"{self.key}: its search has not ended")
        existence = Existence.PRESENT if found.live else Existence.ABSENT
        return Observation(
            existence,
            self.place,
            found.live,
            submission=found.submission,
            earlier=found.earlier,
            next_submission=found.next_submission,
        )

    @property
    def has_tags_to_read(self) -> bool:
        """Whether tags must be read for the job of a finished search."""
        return any(True for _ in self._list_unread_tags())

    @property
    def is_settled(self) -> bool:
        """Whether the sidecar alone answered: nothing needs reading, and nothing would follow."""
        return (
            self.result is not None
            and self.result.next_submission is None
            and not self.has_tags_to_read
        )

    def _answer(self, cloud: Cloud, identifier: str) -> LiveJob | None:
        attempts = self.attempts
        try:
            return self.answer_from_record(identifier)
        except UnansweredError:
            live = cloud.get(attempts.kind, attempts.desired.target, identifier)
            return self._recover_token(live, cloud)

    def _recover_token(self, live: LiveJob | None, cloud: Cloud) -> LiveJob | None:
        """Return a job with the token that its stamp tags prove, where Get shows none.

        Without either, and without a record of the job, its owner is unknown. Raises CloudError.
        """
        attempts, recorded = self.attempts, self.recorded
        stamped = attempts.fleet.stamp_tags and attempts.kind.echoes_token
        if live is None or live.token is not None or not stamped:
            return live
        try:
            tags = cloud.get_tags(attempts.desired.target, live.arn)
        except CloudError:
            # The recorded ARN is enough to know whose the job is.
            if recorded is None or recorded.arn != live.arn:
                raise
            return live
        return replace(live, token=recover_token(tags, attempts.fleet.owner))

    def _list_unread_tags(self) -> Iterable[tuple[str, str]]:
        """Return the members and ARNs whose tags must be read: only those of jobs that are ours."""
        attempts, found = self.attempts, self.result
        if found is None or found.live is None or found.submission is None:
            return ()
        if found.next_submission and attempts.desired.policy.state is State.SUBMITTED:
            return ()  # the next submission is about to replace this job
        want = collect_wanted_tags(
            attempts.kind, attempts.desired, found.submission, attempts.fleet
        )
        unread = tuple(
            iter_tags_to_read(attempts.kind, want, found.live, self.recorded, full=self.full)
        )
        if not unread:
            return ()
        whose = attempts.judge_ownership(found.submission, found.live, self.recorded)
        is_ours = whose is Ownership.SAME or attempts.can_adopt(found.submission, found.live)
        return unread if is_ours else ()

    def _read_tags(self, cloud: Cloud) -> dict[str, Mapping[str, str] | CallFailure]:
        read: dict[str, Mapping[str, str] | CallFailure] = {}
        for member, arn in self._list_unread_tags():
            try:
                read[member] = cloud.get_tags(self.attempts.desired.target, arn)
            except CloudError as error:
                read[member] = error.failure
        return read


def start_lookup(
    attempts: Attempts,
    place: Place,
    recorded: JobRecord | None,
    *,
    full: bool,
    now: datetime | None = None,
) -> JobLookup:
    """Return a lookup that has advanced as far as the sidecar alone allows."""
    made = JobLookup(attempts, place, recorded, full, search_job(attempts, recorded), now=now)
    made.advance(made.answer_from_record)
    return made


def make_unknown(place: Place | None, failure: CallFailure) -> Observation:
    """Return the observation of a job whose lookup failed: unknown, which is not absent."""
    return Observation(Existence.UNKNOWN, place, failure=failure)
