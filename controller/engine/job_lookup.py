"""Looks up a manifest's live job, following its attempts and revisions.

Answers come from the sidecar, from Get, or from a listing. A job that none of them could answer for
is unknown until the next pass, never absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from controller.core.identity.tags import to_read, token_of, wanted
from controller.core.identity.tokens import Ownership
from controller.core.jobs.attempts import Found, Lineage, Walk
from controller.core.jobs.late_members import awaits_members
from controller.core.jobs.search import walk
from controller.core.model import (
    Existence,
    Failure,
    JobKey,
    Live,
    Observation,
    Place,
    Recorded,
)
from controller.core.policy import State
from controller.ports import Cloud, CloudError

_Answers = Callable[[str], Live | None]


class UnansweredError(Exception):
    """The sources at hand cannot tell whether a job exists."""


@dataclass(slots=True)
class Look:
    """The lookup of one manifest's job: where it searches, what is recorded, what it needs next.

    ``found`` is set once the search has ended. With ``full``, jobs that ended are looked up again;
    with the pass's ``now``, so are jobs that ended recently and lack members that come late.
    ``by_record`` says that the sidecar answered for a job, and ``asks`` that it may not.
    """

    lineage: Lineage
    place: Place
    recorded: Recorded | None
    full: bool
    walk: Walk
    asked: str = ""
    found: Found | None = None
    now: datetime | None = None
    by_record: bool = False
    asks: bool = False
    heard: dict[str, Live | None] = field(default_factory=dict)

    @property
    def key(self) -> JobKey:
        """The job's key."""
        return self.lineage.desired.key

    @property
    def is_known_active(self) -> bool:
        """Whether a listing filtered by status can show that nothing changed."""
        recorded, kind = self.recorded, self.lineage.kind
        return (
            recorded is not None
            and recorded.live is not None
            and recorded.live.status == kind.listed_as_active
            and self._is_of_record(recorded)
        )

    def _is_of_record(self, recorded: Recorded) -> bool:
        """Whether the recorded job is requested now: by ARN if no manifest is left to name it."""
        # A removed job's name may belong to another manifest by now.
        if self.lineage.desired.removed:
            return self.asked == recorded.arn
        named = recorded.live is not None and self.asked == recorded.live.name
        return named and self.lineage.recorded_as(recorded) is not None

    def go(self, answers: _Answers) -> None:
        """Advance the search to its end, or to the first job without an answer."""
        try:
            found = self._followed(answers)
            if self.by_record and found.may_submit:
                # A sidecar can be edited or merged: it alone must never lead to a billed job.
                self.walk, self.asked, self.asks = walk(self.lineage, self.recorded), "", True
                found = self._followed(answers)
            self.found = found
        except UnansweredError:
            return

    def _followed(self, answers: _Answers) -> Found:
        """Return the search's result; raises UnansweredError where it needs an answer."""
        try:
            if not self.asked:
                self.asked = next(self.walk)
            while True:
                self.asked = self.walk.send(answers(self.asked))
        except StopIteration as end:
            found: Found = end.value
            return found

    def from_sidecar(self, identifier: str) -> Live:
        """Return a recorded job that ended and so never changes; else raise UnansweredError."""
        recorded = self.recorded
        if recorded is None or recorded.live is None or self.full or self.asks:
            raise UnansweredError
        if recorded.live.status not in self.lineage.kind.terminal or self._is_to_compare(recorded):
            raise UnansweredError
        # Metrics of a new model appear some time after the job has ended.
        if self.now and awaits_members(self.lineage.kind, recorded.live, self.now):
            raise UnansweredError
        if identifier == recorded.arn or (
            identifier == recorded.live.name and self.lineage.recorded_as(recorded) is not None
        ):
            self.by_record = True
            return recorded.live
        raise UnansweredError

    def _is_to_compare(self, recorded: Recorded) -> bool:
        """Whether an adoption must be compared with live values, because sidecars mask some."""
        desired = self.lineage.desired
        if desired.submission is None or desired.policy.adopt != recorded.arn:
            return False
        return recorded.digest != desired.submission.digest

    def observed(self, cloud: Cloud) -> Observation:
        """Finish the search with one Get per step, then read the tags that need it."""
        try:
            if self.found is None:
                self.go(partial(self._answered, cloud))
        except CloudError as error:
            return unseen(self.place, error.failure)
        seen = self.settled()
        return replace(seen, tags=self._tags(cloud)) if self.reads_tags else seen

    def settled(self) -> Observation:
        """Return the observation of a finished search, without tags."""
        found = self.found
        if found is None:
            raise ValueError(f"{self.key}: its walk has not ended")
        existence = Existence.PRESENT if found.live else Existence.ABSENT
        return Observation(
            existence,
            self.place,
            found.live,
            submission=found.submission,
            earlier=found.earlier,
            following=found.following,
        )

    @property
    def reads_tags(self) -> bool:
        """Whether tags must be read for the job of a finished search."""
        return any(True for _ in self._unread())

    @property
    def is_settled(self) -> bool:
        """Whether the sidecar alone answered: nothing needs reading, and nothing would follow."""
        return self.found is not None and self.found.following is None and not self.reads_tags

    def _answered(self, cloud: Cloud, identifier: str) -> Live | None:
        lineage = self.lineage
        try:
            return self.from_sidecar(identifier)
        except UnansweredError:
            live = cloud.get(lineage.kind, lineage.desired.target, identifier)
            return self._recognised(live, cloud)

    def _recognised(self, live: Live | None, cloud: Cloud) -> Live | None:
        """Return a job with the token that its stamp tags prove, where Get shows none.

        Without either, and without a record of the job, its owner is unknown. Raises CloudError.
        """
        lineage, recorded = self.lineage, self.recorded
        stamped = lineage.fleet.stamp_tags and lineage.kind.echoes_token
        if live is None or live.token is not None or not stamped:
            return live
        try:
            tags = cloud.tags(lineage.desired.target, live.arn)
        except CloudError:
            # The recorded ARN is enough to know whose the job is.
            if recorded is None or recorded.arn != live.arn:
                raise
            return live
        return replace(live, token=token_of(tags, lineage.fleet.owner))

    def _unread(self) -> Iterable[tuple[str, str]]:
        """Return the members and ARNs whose tags must be read: only those of jobs that are ours."""
        lineage, found = self.lineage, self.found
        if found is None or found.live is None or found.submission is None:
            return ()
        if found.following and lineage.desired.policy.state is State.SUBMITTED:
            return ()  # the next submission is about to replace this job
        want = wanted(lineage.kind, lineage.desired, found.submission, lineage.fleet)
        unread = tuple(to_read(lineage.kind, want, found.live, self.recorded, full=self.full))
        if not unread:
            return ()
        whose = lineage.whose(found.submission, found.live, self.recorded)
        is_ours = whose is Ownership.SAME or lineage.adopts(found.submission, found.live)
        return unread if is_ours else ()

    def _tags(self, cloud: Cloud) -> dict[str, Mapping[str, str] | Failure]:
        read: dict[str, Mapping[str, str] | Failure] = {}
        for member, arn in self._unread():
            try:
                read[member] = cloud.tags(self.lineage.desired.target, arn)
            except CloudError as error:
                read[member] = error.failure
        return read


def begun(
    lineage: Lineage,
    place: Place,
    recorded: Recorded | None,
    *,
    full: bool,
    now: datetime | None = None,
) -> Look:
    """Return a lookup that has advanced as far as the sidecar alone allows."""
    made = Look(lineage, place, recorded, full, walk(lineage, recorded), now=now)
    made.go(made.from_sidecar)
    return made


def unseen(place: Place | None, failure: Failure) -> Observation:
    """Return the observation of a job whose lookup failed: unknown, which is not absent."""
    return Observation(Existence.UNKNOWN, place, failure=failure)
